/** The exact requests that the operations would send for the document that is tried. Nothing is sent. */

import { useMemo } from "react";
import type { ShownRequest, TrialOperation } from "../../api/types";
import { Badge, Bar, Empty } from "../../components/controls";
import { pretty } from "../../components/payload";
import { text } from "../../texts/en";
import { Codes, type EffectProps, itemText } from "./Effect";

export function Requests({ tried, issued, stale }: EffectProps & { issued: readonly TrialOperation[] }) {
  const document = tried?.documents[0];
  if (!document) return <Empty icon="send" title={stale ? text.configuration.mendFirst : text.configuration.noPayload} hint={stale ? "" : text.configuration.noPayloadHint} />;
  const operations = [...document.operations, ...issued];
  if (operations.length === 0) return <Empty icon="send" title={text.configuration.noRequests} />;
  return (
    <div className="requests" data-testid="requests">
      <p className="pane-note soft">{text.configuration.notSent}</p>
      {operations.map((operation, at) => (
        // Its requests follow one another, several of one step too: the place is what names one.
        <Card key={`${at} ${operation.operation} ${operation.step ?? ""}`} operation={operation} />
      ))}
    </div>
  );
}

function Card({ operation }: { operation: TrialOperation }) {
  return (
    <section className="request" data-testid="request" data-operation={operation.operation}>
      <h2>
        {text.configuration.operation(operation.operation)}
        {operation.step ? ` · ${operation.step}` : null}
      </h2>
      {operation.problems.length > 0 ? (
        <Bar tone="error">
          <ul>
            {operation.problems.map((one) => (
              <li key={`${one.pointer} ${one.message}`}>
                <span className="mono">{one.pointer || "/"}</span> {one.message}
              </li>
            ))}
          </ul>
        </Bar>
      ) : null}
      {operation.request ? <Request request={operation.request} /> : null}
      {!operation.request && operation.problems.length === 0 ? <p className="pane-note soft">{text.configuration.silent}</p> : null}
      {operation.codes.length + operation.items.length > 0 ? (
        <div className="chips caption" data-testid="request-codes">
          <Codes codes={operation.codes} />
          {operation.items.length > 0 ? <span className="soft">{operation.items.map(itemText).join("; ")}</span> : null}
        </div>
      ) : null}
    </section>
  );
}

function Request({ request }: { request: ShownRequest }) {
  const body = useMemo(() => (request.body ? pretty(request.body).lines.join("\n") : ""), [request.body]);
  return (
    <pre className="payload mono" tabIndex={0}>
      <Badge tone={request.method === "GET" ? "accent" : "caution"}>{request.method}</Badge> {request.url}
      {"\n"}
      {request.headers.map(({ name, value }) => `${name}: ${value}\n`).join("")}
      {body ? `\n${body}` : ""}
    </pre>
  );
}
