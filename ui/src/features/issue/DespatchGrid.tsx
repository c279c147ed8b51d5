import { memo, type Ref, useCallback, useEffect, useMemo, useRef } from "react";
import { Clip, Unit } from "../../components/controls";
import { cellName, ColumnHead, EDIT_ROW_PX, EditGrid, type GridHandle, MESSAGE_PX, type Place } from "../../components/EditGrid";
import { text } from "../../texts/en";
import { editDecimal, formatDecimal } from "../../texts/format";
import { ItemCell } from "../document/Lines";
import { type DespatchField, type DespatchIssue, type DespatchIssues, type DespatchRow, isLast, isSent, overOf, restOf } from "./despatch";

interface Props {
  ref: Ref<GridHandle<DespatchField>>;
  /** Of an order's lines: what is ordered and open stands beside. */
  ofOrder: boolean;
  rows: readonly DespatchRow[];
  issues: DespatchIssues;
  active: string | undefined;
  onActive: (key: string) => void;
  onCell: (key: string, field: DespatchField, value: string) => void;
}

const NONE: readonly DespatchIssue[] = [];

/** What leaves of each line. */
export function DespatchGrid({ ref, ofOrder, rows, issues, active, onActive, onCell }: Props) {
  const height = useCallback((row: DespatchRow) => EDIT_ROW_PX + (issues.has(row.key) ? MESSAGE_PX : 0), [issues]);
  const latest = useRef({ onCell, onActive });
  useEffect(() => {
    latest.current = { onCell, onActive };
  });
  const on = useMemo(
    () => ({
      cell: (key: string, field: DespatchField, value: string) => latest.current.onCell(key, field, value),
      active: (key: string) => latest.current.onActive(key),
    }),
    [],
  );
  return (
    <EditGrid
      ref={ref}
      label={text.document.lines}
      className="answer-grid despatch-grid"
      testId="despatch-grid"
      head={
        <>
          <ColumnHead>{text.document.line}</ColumnHead>
          <ColumnHead>{text.document.item}</ColumnHead>
          <ColumnHead end>{ofOrder ? text.issue.ordered : ""}</ColumnHead>
          <ColumnHead end>{ofOrder ? text.issue.stillOpen : ""}</ColumnHead>
          <ColumnHead end>{text.issue.leaves}</ColumnHead>
          <ColumnHead>{text.document.unit}</ColumnHead>
          <ColumnHead end>{text.issue.later}</ColumnHead>
          <ColumnHead>{text.issue.batch}</ColumnHead>
          <ColumnHead />
        </>
      }
      rows={rows}
      active={active}
      onActive={onActive}
      height={height}
      hasField={(row, field) => field !== "outstanding" || isLast(rows, row)}
    >
      {(row, place) => {
        const last = isLast(rows, row);
        return (
          <Row
            key={row.key}
            row={row}
            ofOrder={ofOrder}
            rest={last ? restOf(rows, row) : undefined}
            over={last ? overOf(rows, row) : undefined}
            index={place.index}
            start={place.start}
            size={place.size}
            isActive={row.key === active}
            issues={issues.get(row.key) ?? NONE}
            on={on}
          />
        );
      }}
    </EditGrid>
  );
}

interface RowProps extends Place {
  row: DespatchRow;
  ofOrder: boolean;
  /** What comes later unless it is typed; undefined where another row of the line says so. */
  rest: string | undefined;
  over: string | undefined;
  isActive: boolean;
  issues: readonly DespatchIssue[];
  on: {
    cell: (key: string, field: DespatchField, value: string) => void;
    active: (key: string) => void;
  };
}

const fieldNames: Record<DespatchField, string> = {
  delivered: text.issue.leaves,
  outstanding: text.issue.later,
  batch: text.issue.batch,
};

const Row = memo(function Row({ row, ofOrder, rest, over, index, start, size, isActive, issues, on }: RowProps) {
  const { source } = row;
  const sent = isSent(row);
  const where = `${text.document.line.toLowerCase()} ${source.orderLineId}${row.part > 0 ? `, ${text.answer.part(row.part + 1)}` : ""}`;
  const input = (field: DespatchField, placeholder?: string) => (
    <input
      className={field === "batch" ? "input cell" : "input cell number"}
      value={row[field]}
      placeholder={placeholder}
      onChange={(event) => on.cell(row.key, field, event.target.value)}
      aria-label={`${fieldNames[field]}, ${where}`}
      aria-invalid={issues.some((one) => one.field === field)}
      data-cell={cellName(row.key, field)}
      data-testid={`despatch-${field}`}
      autoComplete="off"
      inputMode={field === "batch" ? undefined : "decimal"}
    />
  );
  const short = row.outstanding.trim() !== "" && rest !== undefined && editDecimal(rest) !== row.outstanding.trim();
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      className={`grid-row answer-row ${sent ? "despatch-sent" : "despatch-none"} ${row.part > 0 ? "answer-part" : ""}`}
      data-active={isActive}
      data-testid="despatch-row"
      data-line={source.orderLineId}
      data-part={row.part}
      data-sent={sent}
      style={{ height: size, transform: `translateY(${start}px)` }}
      onFocus={() => on.active(row.key)}
      onMouseDown={() => on.active(row.key)}
    >
      <div role="rowheader" className="grid-cell">
        {row.part === 0 ? <Clip text={source.orderLineId} /> : <span className="soft">{text.answer.part(row.part + 1)}</span>}
      </div>
      <div role="gridcell" className="grid-cell">{row.part === 0 ? <ItemCell item={source.item} note={ofOrder ? undefined : `${source.orderNumber} / ${source.orderLineId}`} /> : null}</div>
      <div role="gridcell" className="grid-cell grid-cell-end">{row.part === 0 && ofOrder ? formatDecimal(row.ordered) : null}</div>
      <div role="gridcell" className="grid-cell grid-cell-end">{row.part === 0 && ofOrder ? formatDecimal(row.open) : null}</div>
      <div role="gridcell" className="grid-cell">{input("delivered", "0")}</div>
      <div role="gridcell" className="grid-cell">
        <Unit code={source.unit} />
      </div>
      <div role="gridcell" className="grid-cell">{rest === undefined ? null : input("outstanding", sent ? formatDecimal(rest) : undefined)}</div>
      <div role="gridcell" className="grid-cell">{input("batch")}</div>
      <div role="gridcell" className="grid-cell">
        {over ? <span className="caption late clip" title={text.issue.over(formatDecimal(over))}>{text.issue.over(formatDecimal(over))}</span> : short ? <span className="caption soft clip">{text.issue.short}</span> : null}
      </div>
      {issues.length > 0 ? (
        <div className="answer-issue field-error clip" data-testid="issue">
          {issues.map((one) => `${fieldNames[one.field]}: ${one.message}`).join(" · ")}
        </div>
      ) : null}
    </div>
  );
});
