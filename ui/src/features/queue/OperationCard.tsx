import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../../api/client";
import { keys } from "../../api/live";
import type { AttemptRow, DeliveryState, OperationError, OperationRow } from "../../api/types";
import { go } from "../../app/router";
import { Bar, Button } from "../../components/controls";
import { DeliveryBadge } from "../../components/states";
import { AGAIN, classify } from "../../errors/table";
import { text } from "../../texts/en";
import { actorName, deliveryStateHint, operationName, stepName } from "../../texts/names";
import { formatDecimal, formatMoment, formatSeconds } from "../../texts/format";
import { OperationButtons } from "./OperationButtons";

/** One operation: where it is, why, and every attempt with the partner's words. */
export function OperationCard({ operation, open: initially, named }: { operation: OperationRow; open: boolean; named?: boolean }) {
  const [open, setOpen] = useState(initially);
  const detail = useQuery({
    queryKey: keys.operation(operation.id),
    queryFn: () => api.operation(operation.id),
    enabled: open,
  });
  return (
    <article className="card" data-testid="operation" data-id={operation.id} data-state={operation.state}>
      <header className="card-head">
        <Button
          small
          look="subtle"
          icon={open ? "down" : "forward"}
          aria-label={text.document.detail}
          aria-expanded={open}
          onPress={() => setOpen(!open)}
        />
        <b className="clip">
          {named ? `${operation.documentNumber} · ` : ""}
          {operationName[operation.kind]} v{operation.version}
        </b>
        <DeliveryBadge state={operation.state} />
        <span className="caption soft clip">
          {deliveryStateHint[operation.state]}
          {operation.state === "Retrying" && operation.dueAt ? ` · ${text.delivery.nextTry(formatSeconds(operation.dueAt))}` : ""}
        </span>
        <span className="grow" />
        <span className="caption soft clip">
          {actorName(operation.actor)} · {formatMoment(operation.createdAt)} · {text.delivery.attempts(operation.attempts)}
        </span>
        <OperationButtons operation={operation} />
      </header>
      {operation.lastError && operation.state !== "Applied" ? <ErrorLine error={operation.lastError} state={operation.state} /> : null}
      {operation.replayOf ? <Other words={text.delivery.replayOf} id={operation.replayOf} document={operation.document} /> : null}
      {operation.replayedAs ? <Other words={text.delivery.replayedAs} id={operation.replayedAs} document={operation.document} /> : null}
      {open ? <Attempts attempts={detail.data?.attempts} /> : null}
    </article>
  );
}

/** The dead letter that it replays, or its replay. */
function Other({ words, id, document }: { words: string; id: string; document: number }) {
  return (
    <p className="caption soft card-body" data-testid="operation-other" data-id={id}>
      {words}{" "}
      <Button small look="subtle" onPress={() => go({ name: "document", id: document, tab: "delivery", version: undefined })}>
        {text.delivery.showOther}
      </Button>
    </p>
  );
}

/** What can be done: the table's hint, unless it speaks of tries that will not come. */
export function hintOf(code: string, state: DeliveryState): string {
  const { hint } = classify(code);
  if (hint !== AGAIN) return hint;
  if (state === "Dead") return text.delivery.gaveUp;
  return state === "Held" || state === "Withdrawn" ? "" : hint;
}

function ErrorLine({ error, state }: { error: OperationError; state: DeliveryState }) {
  const entry = classify(error.code);
  return (
    <Bar tone={entry.severity}>
      <b>{entry.title}.</b> {hintOf(error.code, state)}
      {error.message ? (
        <div className="caption" data-testid="partner-words">
          {text.delivery.reported}: “{error.message}”{error.status ? ` (${error.status})` : ""}
        </div>
      ) : null}
    </Bar>
  );
}

function Attempts({ attempts }: { attempts: readonly AttemptRow[] | undefined }) {
  if (!attempts) return <p className="soft card-body">{text.loading}</p>;
  if (attempts.length === 0) return <p className="soft card-body">{text.delivery.noAttempts}</p>;
  return (
    <table className="diff-table card-body">
      <thead>
        <tr>
          <th scope="col">{text.delivery.attempt}</th>
          <th scope="col">{text.delivery.started}</th>
          <th scope="col">{text.delivery.took}</th>
          <th scope="col">{text.delivery.status}</th>
          <th scope="col">{text.delivery.result}</th>
          <th scope="col">{text.delivery.reported}</th>
        </tr>
      </thead>
      <tbody>
        {attempts.map((attempt) => (
          <tr key={`${attempt.number}-${attempt.step}-${attempt.startedAt}`} data-testid="attempt-row" data-result={attempt.result}>
            <td>
              {attempt.number} · {stepName(attempt.step)}
            </td>
            <td>{formatSeconds(attempt.startedAt)}</td>
            <td className="number">{formatDecimal(String(attempt.durationMs))} ms</td>
            <td className="number">{attempt.status ?? text.none}</td>
            <td>
              <DeliveryBadge state={attempt.result} />
            </td>
            <td className="words" title={attempt.responseExcerpt ?? undefined}>
              {attempt.error ? <div>{classify(attempt.error.code).title}</div> : null}
              <div className={attempt.error ? "soft" : undefined}>{attempt.error?.message ?? attempt.responseExcerpt ?? (attempt.error ? "" : text.none)}</div>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
