import { useMemo, useState } from "react";
import { api } from "../../api/client";
import { keys } from "../../api/live";
import type { AuditRow, DeliveryState, HeaderAnswer, Purpose, ReasonCode } from "../../api/types";
import { Clip, Empty } from "../../components/controls";
import { usePages } from "../../components/pages";
import { type Column, VirtualGrid } from "../../components/VirtualGrid";
import { ErrorPanel } from "../../errors/ErrorPanel";
import { text } from "../../texts/en";
import { actionName, actorName, deliveryStateName, detailNames, headerAnswerName, purposeName, reasonName } from "../../texts/names";
import { formatSeconds } from "../../texts/format";
import { usePartnerNames } from "../partners/names";

type Detail = Record<string, unknown>;
const isState = (value: unknown): value is DeliveryState => typeof value === "string" && value in deliveryStateName;

/** What a person wants to know of an audit row, in one line. Ids and what says nothing are left out. */
export function detailText(detail: unknown): string {
  if (detail === null || typeof detail !== "object") return detail == null ? "" : String(detail);
  const { version, purpose, answer, from, to, attention, late, changes, change, summary, error, message, reason } = detail as Detail;
  const words: string[] = [];
  if (version !== undefined && version !== null) words.push(detailNames.version(version));
  if (typeof purpose === "string") words.push(purposeName[purpose as Purpose] ?? purpose);
  if (answer && typeof answer === "object") words.push(answerText(answer as Detail));
  if (isState(from) && isState(to)) words.push(detailNames.fromTo(deliveryStateName[from], deliveryStateName[to]));
  else if (isState(to)) words.push(deliveryStateName[to]);
  for (const one of Array.isArray(attention) ? attention : []) {
    const name = String(one).split(":")[0] ?? "";
    const known = (detailNames as Record<string, unknown>)[name];
    words.push(typeof known === "string" ? known : name);
  }
  if (late === true) words.push(detailNames.late);
  for (const one of [changes, change, summary, reason, message, error]) {
    if (typeof one === "string" && one !== "") words.push(one);
    else if (one && typeof one === "object" && "message" in one) words.push(String(one.message));
  }
  return words.filter((word) => word !== "").join(" · ");
}

function answerText(answer: Detail): string {
  const code = typeof answer["code"] === "string" ? (headerAnswerName[answer["code"] as HeaderAnswer] ?? answer["code"]) : "";
  const reason = answer["reason"] as { code?: ReasonCode; text?: string } | undefined;
  return [code, reason?.code ? (reasonName[reason.code] ?? reason.code) : "", reason?.text, answer["note"]].filter(Boolean).join(", ");
}

export function HistoryTab({ id }: { id: number }) {
  const history = usePages([...keys.document(id), "history"], (cursor) => api.history(id, cursor), (row: AuditRow) => row.id);
  const [active, setActive] = useState<string | number | undefined>();
  const partners = usePartnerNames();
  const columns = useMemo<Column<AuditRow>[]>(
    () => [
      { id: "at", header: text.document.at, cell: (row) => <span className="clip">{formatSeconds(row.at)}</span> },
      { id: "what", header: text.document.what, cell: (row) => <Clip text={actionName(row.action)} /> },
      { id: "who", header: text.document.who, cell: (row) => <Clip text={actorName(row.actor, partners.name)} /> },
      { id: "detail", header: text.document.detail, cell: (row) => <Clip text={detailText(row.detail)} className="soft" /> },
    ],
    [partners],
  );
  if (history.error) return <ErrorPanel error={history.error} onRetry={history.retry} />;
  if (history.rows.length === 0 && !history.loading) return <Empty icon="clock" title={text.empty.history} />;
  return (
    <VirtualGrid
      label={text.document.history}
      className="history-grid"
      columns={columns}
      rows={history.rows}
      rowId={(row) => row.id}
      rowHeight={32}
      active={active}
      onActive={setActive}
      onEnd={history.loadMore}
      rowTestId="history-row"
      rowData={(row) => ({ "data-action": row.action })}
      testId="history"
    />
  );
}
