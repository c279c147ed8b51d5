/** The exact requests that the operations would send for the document that is tried. Nothing is sent. */

import { useMemo, useState } from "react";
import type { ShownRequest, TrialOperation } from "../../api/types";
import { Badge, Bar, Button, Empty } from "../../components/controls";
import { pretty } from "../../components/payload";
import { text } from "../../texts/en";
import { Codes, type EffectProps, itemText } from "./Effect";
import { TakeText } from "./TakeText";

/** What the partner answers to the reads before requests: the body, and where it came from. */
export interface Prepared {
  from: string;
  body: unknown;
}

interface Props extends EffectProps {
  issued: readonly TrialOperation[];
  prepared: Prepared | undefined;
  onPrepared: (prepared: Prepared | undefined) => void;
}

const isRead = (operation: TrialOperation) => /(^|: )prepare$/.test(operation.step ?? "");

export function Requests({ tried, issued, stale, prepared, onPrepared }: Props) {
  const document = tried?.documents[0];
  if (!document) return <Empty icon="send" title={stale ? text.configuration.mendFirst : text.configuration.noPayload} hint={stale ? "" : text.configuration.noPayloadHint} />;
  const operations = [...document.operations, ...issued];
  if (operations.length === 0) return <Empty icon="send" title={text.configuration.noRequests} />;
  return (
    <div className="requests" data-testid="requests">
      <p className="pane-note soft">{text.configuration.notSent}</p>
      {prepared !== undefined || operations.some(isRead) ? <PreparedBar prepared={prepared} onPrepared={onPrepared} /> : null}
      {operations.map((operation, at) => (
        // Its requests follow one another, several of one step too: the place is what names one.
        <Card key={`${at} ${operation.operation} ${operation.step ?? ""}`} operation={operation} />
      ))}
    </div>
  );
}

function PreparedBar({ prepared, onPrepared }: Pick<Props, "prepared" | "onPrepared">) {
  const [wrong, setWrong] = useState(false);
  const take = (taken: string, from: string) => {
    try {
      onPrepared({ from, body: JSON.parse(taken) as unknown });
      setWrong(false);
    } catch {
      setWrong(true);
    }
  };
  return (
    <div data-testid="prepared" data-from={prepared?.from}>
      <div className="prepared-bar">
        <span className="grow">
          {text.configuration.prepared} <b>{prepared?.from ?? text.configuration.placeholders}</b>
        </span>
        <TakeText testId="prepared" onTake={take} />
        {prepared ? (
          <Button small onPress={() => onPrepared(undefined)} data-testid="prepared-clear">
            {text.configuration.usePlaceholders}
          </Button>
        ) : null}
      </div>
      {wrong ? (
        <Bar tone="error" testId="prepared-wrong">
          {text.configuration.notJson}
        </Bar>
      ) : null}
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
