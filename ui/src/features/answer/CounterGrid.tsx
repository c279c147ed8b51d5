import { memo, type Ref, useCallback, useEffect, useMemo, useRef } from "react";
import type { Order, OrderLine } from "../../api/types";
import { Clip, Select } from "../../components/controls";
import { cellName, ColumnHead, EDIT_ROW_PX, EditGrid, EXTRA_PX, type GridHandle, MESSAGE_PX } from "../../components/EditGrid";
import { text } from "../../texts/en";
import { lineCodeName } from "../../texts/names";
import { formatDecimal, formatMinor, formatRange } from "../../texts/format";
import { unitName } from "../../texts/units";
import { ItemCell } from "../document/Lines";
import { type AnswerRow, codeOf, type Field, type Issue, type Issues, orderedMinor, quantityFixed, rowMinor, type RowMode, setField } from "./grid";
import { reasonOptions } from "./RejectDialog";

interface Props {
  ref: Ref<GridHandle<Field>>;
  order: Order;
  rows: readonly AnswerRow[];
  /** Shown beside the fields. */
  issues: Issues;
  /** Known without a try to save: shown for the row that is being left. */
  live: Issues;
  active: string | undefined;
  onActive: (key: string) => void;
  onChange: (rows: AnswerRow[]) => void;
  onMode: (key: string, mode: RowMode) => void;
}

const NONE: readonly Issue[] = [];

function extrasOf(row: AnswerRow): boolean {
  return row.mode === "reject" || row.mode === "substitute";
}

const head = (
  <>
    <ColumnHead>{text.document.line}</ColumnHead>
    <ColumnHead>{text.document.item}</ColumnHead>
    <ColumnHead end>{text.answer.ordered}</ColumnHead>
    <ColumnHead>{text.answer.answerCode}</ColumnHead>
    <ColumnHead end>{text.document.quantity}</ColumnHead>
    <ColumnHead end>{text.document.price}</ColumnHead>
    <ColumnHead>{text.answer.promised}</ColumnHead>
    <ColumnHead end>{text.answer.difference}</ColumnHead>
  </>
);

/** The counter-offer's rows; heights follow what a row shows. */
export function CounterGrid({ ref, order, rows, issues, live, active, onActive, onChange, onMode }: Props) {
  const lines = useMemo(() => new Map(order.lines.map((line) => [line.id, line])), [order]);
  const counts = useMemo(() => {
    const found = new Map<string, number>();
    for (const row of rows) found.set(row.lineId, (found.get(row.lineId) ?? 0) + 1);
    return found;
  }, [rows]);
  const shownIssues = useCallback(
    (row: AnswerRow): readonly Issue[] => issues.get(row.key) ?? (row.key === active ? NONE : (live.get(row.key) ?? NONE)),
    [issues, live, active],
  );
  const height = useCallback(
    (row: AnswerRow) => EDIT_ROW_PX + (extrasOf(row) ? EXTRA_PX : 0) + (shownIssues(row).length > 0 ? MESSAGE_PX : 0),
    [shownIssues],
  );
  const change = useCallback((key: string, field: Field, value: string) => onChange(setField(rows, key, field, value, order)), [rows, order, onChange]);
  const latest = useRef({ change, onMode, onActive });
  useEffect(() => {
    latest.current = { change, onMode, onActive };
  });
  const stable = useMemo(
    () => ({
      change: (key: string, field: Field, value: string) => latest.current.change(key, field, value),
      mode: (key: string, mode: RowMode) => latest.current.onMode(key, mode),
      active: (key: string) => latest.current.onActive(key),
    }),
    [],
  );
  const isSplit = (row: AnswerRow) => (counts.get(row.lineId) ?? 0) > 1;
  return (
    <EditGrid
      ref={ref}
      label={text.document.lines}
      className="answer-grid"
      testId="answer-grid"
      head={head}
      rows={rows}
      active={active}
      onActive={onActive}
      height={height}
      hasField={(row, field) => hasField(row, field, isSplit(row))}
    >
      {(row, place) => {
        const line = lines.get(row.lineId);
        if (!line) return null;
        return (
          <Row
            key={row.key}
            row={row}
            line={line}
            order={order}
            {...place}
            isSplit={isSplit(row)}
            isActive={row.key === active}
            issues={shownIssues(row)}
            on={stable}
          />
        );
      }}
    </EditGrid>
  );
}

function hasField(row: AnswerRow, field: Field, isSplit: boolean): boolean {
  if (field === "quantity") return !quantityFixed(row.mode, isSplit);
  if (field === "price") return row.mode === "offer" || row.mode === "substitute";
  if (field === "date") return row.mode !== "reject";
  if (field === "reasonCode" || field === "reasonText") return row.mode === "reject";
  return row.mode === "substitute";
}

interface RowProps {
  row: AnswerRow;
  line: OrderLine;
  order: Order;
  index: number;
  start: number;
  size: number;
  isSplit: boolean;
  isActive: boolean;
  issues: readonly Issue[];
  on: {
    change: (key: string, field: Field, value: string) => void;
    mode: (key: string, mode: RowMode) => void;
    active: (key: string) => void;
  };
}

const fieldNames: Record<Issue["field"], string> = {
  quantity: text.document.quantity,
  price: text.document.price,
  date: text.answer.promised,
  substituteId: text.answer.substituteItem,
  substituteText: text.answer.substituteText,
  reasonCode: text.answer.reason,
  reasonText: text.answer.reasonText,
  code: text.answer.answerCode,
};

const Row = memo(function Row({ row, line, order, index, start, size, isSplit, isActive, issues, on }: RowProps) {
  const code = codeOf(row, line, order, isSplit);
  const messageId = `issue-${row.key}`;
  const where = `${text.document.line.toLowerCase()} ${line.id}${row.part > 0 ? `, ${text.answer.part(row.part + 1)}` : ""}`;
  const input = (field: Field, name: string, testId: string, options: { end?: boolean; disabled?: boolean; placeholder?: string } = {}) => (
    <input
      className={options.end ? "input cell number" : "input cell"}
      value={options.disabled ? "" : row[field]}
      disabled={options.disabled}
      placeholder={options.placeholder}
      onChange={(event) => on.change(row.key, field, event.target.value)}
      aria-label={`${name}, ${where}`}
      aria-invalid={issues.some((one) => one.field === field)}
      aria-describedby={issues.length > 0 ? messageId : undefined}
      data-cell={cellName(row.key, field)}
      data-testid={testId}
      autoComplete="off"
      inputMode={options.end ? "decimal" : undefined}
    />
  );
  const modes: { value: RowMode; label: string }[] = [
    { value: "offer", label: code === "Changed" ? lineCodeName.Changed : lineCodeName.Accepted },
    { value: "substitute", label: lineCodeName.Substituted },
    { value: "backorder", label: lineCodeName.Backordered },
    { value: "reject", label: lineCodeName.Rejected },
    { value: "held", label: lineCodeName.Held },
  ];
  const amount = rowMinor(row, line, isSplit, order.currency);
  const ordered = row.part === 0 && !isSplit ? orderedMinor(line, order.currency) : undefined;
  const difference = amount !== undefined && ordered !== undefined ? amount - ordered : undefined;
  const fixed = quantityFixed(row.mode, isSplit);
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      className={`grid-row answer-row answer-${code.toLowerCase()} ${row.part > 0 ? "answer-part" : ""}`}
      data-active={isActive}
      data-testid="answer-row"
      data-line={row.lineId}
      data-part={row.part}
      data-code={code}
      style={{ height: size, transform: `translateY(${start}px)` }}
      onFocus={() => on.active(row.key)}
      onMouseDown={() => on.active(row.key)}
    >
      <div role="rowheader" className="grid-cell">{row.part === 0 ? line.id : <span className="soft">{text.answer.part(row.part + 1)}</span>}</div>
      <div role="gridcell" className="grid-cell">{row.part === 0 ? <ItemCell item={line.item} /> : null}</div>
      <div role="gridcell" className="grid-cell grid-cell-end">
        {row.part === 0 ? (
          <div className="stack">
            <span className="clip">{formatDecimal(line.quantity)} {unitName(line.unit)}{line.price ? ` × ${formatDecimal(line.price)}` : ""}</span>
            <Clip text={formatRange(line.requestedDelivery ?? order.requestedDelivery)} className="caption soft" />
          </div>
        ) : null}
      </div>
      <div role="gridcell" className="grid-cell">
        <Select
          aria-label={`${text.answer.answerCode}, ${where}`}
          aria-invalid={issues.some((one) => one.field === "code")}
          value={row.mode}
          onChange={(value) => on.mode(row.key, value as RowMode)}
          options={modes}
          testId="answer-code"
        />
      </div>
      <div role="gridcell" className="grid-cell">
        {fixed ? <span className="number grow soft">{row.mode === "reject" ? text.none : formatDecimal(line.quantity)}</span> : input("quantity", text.document.quantity, "answer-quantity", { end: true })}
      </div>
      <div role="gridcell" className="grid-cell">
        {row.mode === "offer" || row.mode === "substitute" ? input("price", text.document.price, "answer-price", { end: true }) : <span className="number grow soft">{text.none}</span>}
      </div>
      <div role="gridcell" className="grid-cell">
        {row.mode === "reject" ? <span className="soft">{text.none}</span> : input("date", text.answer.promised, "answer-date", { placeholder: row.mode === "backorder" || row.mode === "held" ? text.answer.open : "+7" })}
      </div>
      <div role="gridcell" className="grid-cell grid-cell-end">
        {difference ? (
          <span className={`clip ${difference < 0n ? "late" : "soon"}`}>{difference > 0n ? "+" : ""}{formatMinor(difference, order.currency)}</span>
        ) : isSplit && amount !== undefined ? (
          <span className="clip soft">{formatMinor(amount, order.currency)}</span>
        ) : null}
      </div>
      {row.mode === "reject" ? (
        <div className="answer-extra" role="gridcell">
          <span className="caption soft">{text.answer.reason}</span>
          <Select
            aria-label={`${text.answer.reason}, ${where}`}
            aria-invalid={issues.some((one) => one.field === "reasonCode")}
            value={row.reasonCode}
            onChange={(value) => on.change(row.key, "reasonCode", value)}
            options={reasonOptions}
            data-cell={cellName(row.key, "reasonCode")}
            testId="row-reason"
          />
          {input("reasonText", text.answer.reasonText, "row-reason-text", { placeholder: text.answer.reasonText })}
        </div>
      ) : null}
      {row.mode === "substitute" ? (
        <div className="answer-extra" role="gridcell">
          <span className="caption soft">{text.answer.substituteItem}</span>
          {input("substituteId", text.answer.substituteId, "substitute-id", { placeholder: text.answer.substituteId })}
          {input("substituteText", text.answer.substituteText, "substitute-text", { placeholder: text.answer.substituteText })}
        </div>
      ) : null}
      {issues.length > 0 ? (
        <div id={messageId} className="answer-issue field-error clip" data-testid="issue">
          {issues.map((one) => `${fieldNames[one.field]}: ${one.message}`).join(" · ")}
        </div>
      ) : null}
    </div>
  );
});
