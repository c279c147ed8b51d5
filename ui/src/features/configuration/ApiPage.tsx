/** The partner's side of the exchange, as a page to read. */

import { useMemo, useState } from "react";
import { Badge, Empty } from "../../components/controls";
import { text } from "../../texts/en";
import { fieldsOf, type Listed, type OpenApi, operationsOf, type Parameter, type SchemaObject, typeOf } from "./openapi";

export function ApiPage({ document }: { document: OpenApi }) {
  const operations = useMemo(() => operationsOf(document), [document]);
  const schemes = Object.entries(document.components?.securitySchemes ?? {});
  return (
    <div className="api-page" data-testid="api-page">
      <h2>{document.info.title}</h2>
      {document.info.description ? <p className="soft api-text">{document.info.description}</p> : null}
      <dl className="api-facts">
        {(document.servers ?? []).map((server) => (
          <div key={server.url}>
            <dt>{text.configuration.server}</dt>
            <dd className="mono">{server.url}</dd>
          </div>
        ))}
        {schemes.map(([name, scheme]) => (
          <div key={name}>
            <dt>{text.configuration.signIn}</dt>
            <dd>
              {[name, scheme.type, scheme.scheme, scheme.in, scheme.name].filter(Boolean).join(" · ")}
              {Object.entries(scheme.flows ?? {}).map(([flow, { tokenUrl }]) => (
                <div key={flow} className="caption soft">
                  {flow} <span className="mono">{tokenUrl}</span>
                </div>
              ))}
              {scheme.description ? <div className="caption soft">{scheme.description}</div> : null}
            </dd>
          </div>
        ))}
      </dl>
      {operations.length === 0 ? <Empty icon="list" title={text.configuration.noOperations} /> : null}
      {operations.map((listed) => (
        <OperationCard key={`${listed.method} ${listed.path}`} listed={listed} document={document} />
      ))}
    </div>
  );
}

function OperationCard({ listed, document }: { listed: Listed; document: OpenApi }) {
  const { operation } = listed;
  const [open, setOpen] = useState(false);
  return (
    <details className="api-operation" open={open} onToggle={(event) => setOpen(event.currentTarget.open)} data-testid="api-operation" data-path={listed.path}>
      <summary>
        <Badge tone={listed.method === "GET" ? "accent" : "caution"}>{listed.method}</Badge>
        <span className="mono clip" title={listed.path}>
          {listed.path}
        </span>
        {listed.webhook ? <Badge tone="outline">{text.configuration.webhook}</Badge> : null}
        <span className="soft clip">{operation.summary}</span>
      </summary>
      {open ? <OperationBody listed={listed} document={document} /> : null}
    </details>
  );
}

function OperationBody({ listed: { operation }, document }: { listed: Listed; document: OpenApi }) {
  return (
    <div className="api-body">
      {operation.description ? <p className="api-text">{operation.description}</p> : null}
      {operation.parameters?.length ? <Parameters parameters={operation.parameters} /> : null}
      {Object.entries(operation.requestBody?.content ?? {}).map(([media, { schema, example }]) => (
        <section key={media}>
          <h3>
            {text.configuration.body} <span className="mono soft">{media}</span>
          </h3>
          {schema ? <Fields schema={schema} document={document} /> : null}
          {example === undefined ? null : <pre className="payload mono">{JSON.stringify(example, null, 2)}</pre>}
        </section>
      ))}
      {Object.entries(operation.responses ?? {}).map(([status, response]) => (
        <section key={status}>
          <h3>
            <span className="mono">{status}</span> <span className="soft">{response.description}</span>
          </h3>
          {Object.entries(response.content ?? {}).map(([media, { schema }]) => (schema ? <Fields key={media} schema={schema} document={document} /> : null))}
        </section>
      ))}
    </div>
  );
}

function Parameters({ parameters }: { parameters: Parameter[] }) {
  return (
    <section>
      <h3>{text.configuration.parameters}</h3>
      <table className="api-fields">
        <tbody>
          {parameters.map((one) => (
            <tr key={`${one.in} ${one.name}`}>
              <td className="mono">
                {one.name}
                {one.required ? <span className="late"> *</span> : null}
              </td>
              <td className="soft">{one.in}</td>
              <td className="soft">{one.schema ? typeOf(one.schema) : ""}</td>
              <td>{one.description}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

const INDENTS = ["", "indent-1", "indent-2", "indent-3", "indent-4", "indent-5", "indent-6"];

function Fields({ schema, document }: { schema: SchemaObject; document: OpenApi }) {
  const fields = useMemo(() => fieldsOf(document, schema), [document, schema]);
  if (fields.length === 0) return null;
  return (
    <table className="api-fields">
      <tbody>
        {fields.map((field, at) => (
          <tr key={at}>
            <td className={`mono ${INDENTS[field.depth] ?? ""}`}>
              {field.name}
              {field.required ? <span className="late"> *</span> : null}
            </td>
            <td className="soft">{field.type}</td>
            <td>
              {field.description}
              {field.values ? <div className="caption soft mono">{field.values}</div> : null}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
