import type { DocumentRow } from "../../api/types";
import { Clip } from "../../components/controls";
import { Icon } from "../../components/Icon";
import { ChainBadge, DeliveryBadge } from "../../components/states";
import type { Column } from "../../components/VirtualGrid";
import { formatDay, formatInteger, formatMoment, formatMoney, today } from "../../texts/format";
import { text } from "../../texts/en";
import { kindName, operationName, purposeName } from "../../texts/names";
import { dayPressure, momentPressure } from "./due";

/** `v3 pending · v2 agreed`. Pending is the current version while it is not the agreed one. */
export function versionsText(row: Pick<DocumentRow, "current" | "agreed">): string {
  const agreed = row.agreed ?? null;
  return text.document.pendingAgreed(row.current === agreed ? null : row.current, agreed);
}

function Promised({ row }: { row: DocumentRow }) {
  const day = dayPressure(row.promisedOn);
  const due = momentPressure(row.answerDue);
  const overdue = row.needsAnswer && (day === "late" || due === "late");
  return (
    <div className="stack">
      <span className={`clip ${row.needsAnswer && day !== "none" ? day : ""}`}>
        {row.promisedOn ? formatDay(row.promisedOn) : text.none}
      </span>
      {overdue ? (
        <span className="caption late clip" title={row.answerDue ? text.list.answerBy(formatMoment(row.answerDue)) : undefined}>
          {text.list.overdue}
        </span>
      ) : row.answerDue && row.needsAnswer ? (
        <span className={`caption clip ${due === "soon" ? "soon" : "soft"}`} title={text.list.answerBy(formatMoment(row.answerDue))}>
          {text.list.answerBy(formatDay(today(new Date(row.answerDue))))}
        </span>
      ) : null}
    </div>
  );
}

/** What asks for a second look before an answer. */
function Mark({ row }: { row: DocumentRow }) {
  const { conflict, gap, doubtful } = text.list;
  const reasons = [row.conflict ? conflict : "", row.gap ? gap : "", row.doubtful ? doubtful : ""].filter(Boolean);
  if (reasons.length === 0) return null;
  return (
    <span className="soon" role="img" aria-label={reasons.join(". ")} title={reasons.join("\n")} data-testid="document-mark">
      <Icon name="warning" />
    </span>
  );
}

export function worklistColumns(partnerName: (id: string) => string): Column<DocumentRow>[] {
  return [
    {
      id: "number",
      header: text.list.number,
      cell: (row) => (
        <>
          <div className="stack">
            <Clip text={row.number} className="strong" />
            <span className="caption soft clip">
              {kindName[row.kind]}
              {row.currentPurpose === "Original" ? "" : ` · ${purposeName[row.currentPurpose]}`}
            </span>
          </div>
          <Mark row={row} />
        </>
      ),
    },
    {
      id: "counterparty",
      header: text.list.counterparty,
      cell: (row) => (
        <div className="stack">
          <Clip text={row.counterparty ?? text.unknownParty} />
          <Clip text={partnerName(row.partner)} className="caption soft" />
        </div>
      ),
    },
    { id: "promised", header: text.list.promised, cell: (row) => <Promised row={row} /> },
    { id: "lines", header: text.list.lines, end: true, cell: (row) => formatInteger(row.lineCount) },
    {
      id: "total",
      header: text.list.total,
      end: true,
      cell: (row) => <span className="clip">{row.total ? formatMoney(row.total) : text.none}</span>,
    },
    {
      id: "changed",
      header: text.list.changed,
      cell: (row) => (row.changeSummary ? (
          <span className="two-lines" title={row.changeSummary}>
            {row.changeSummary}
          </span>
        ) : (
          <span className="soft">{text.none}</span>
        )),
    },
    {
      id: "versions",
      header: text.list.versions,
      cell: (row) => (
        <div className="stack">
          <span>
            <ChainBadge state={row.state} kind={row.kind} />
          </span>
          <Clip text={versionsText(row)} className="caption soft" />
        </div>
      ),
    },
    {
      id: "delivery",
      header: text.list.delivery,
      cell: (row) =>
        row.operation ? (
          <div className="stack">
            <span>
              <DeliveryBadge state={row.operation.state} />
            </span>
            <span className="caption soft clip">
              {operationName[row.operation.kind]} v{row.operation.version}
            </span>
          </div>
        ) : (
          <span className="soft">{text.none}</span>
        ),
    },
  ];
}
