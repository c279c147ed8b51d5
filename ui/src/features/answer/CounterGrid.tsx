import { defaultRangeExtractor, type Range, useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, memo, type Ref, useCallback, useEffect, useImperativeHandle, useMemo, useRef } from "react";
import type { Order, OrderLine } from "../../api/types";
import { Clip, Select } from "../../components/controls";
import { HEAD_PX } from "../../components/VirtualGrid";
import { text } from "../../texts/en";
import { lineCodeName } from "../../texts/names";
import { formatDecimal, formatMinor, formatRange } from "../../texts/format";
import { ItemCell } from "../document/Lines";
import { type AnswerRow, codeOf, type Field, type Issue, type Issues, orderedMinor, quantityFixed, rowMinor, type RowMode, setField } from "./grid";
import { reasonOptions } from "./RejectDialog";

export interface GridHandle {
  focus(key: string, field: Field): void;
}

interface Props {
  ref: Ref<GridHandle>;
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
const ROW = 40;
const EXTRA = 36;
const MESSAGE = 20;

function extrasOf(row: AnswerRow): boolean {
  return row.mode === "reject" || row.mode === "substitute";
}

/** Rows with fields. Enter and the arrows move along a column, whatever is in sight; heights follow what a row shows. */
export function CounterGrid({ ref, order, rows, issues, live, active, onActive, onChange, onMode }: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const lines = useMemo(() => new Map(order.lines.map((line) => [line.id, line])), [order]);
  const counts = useMemo(() => {
    const found = new Map<string, number>();
    for (const row of rows) found.set(row.lineId, (found.get(row.lineId) ?? 0) + 1);
    return found;
  }, [rows]);
  const activeIndex = rows.findIndex((row) => row.key === active);
  const shownIssues = useCallback(
    (row: AnswerRow): readonly Issue[] => issues.get(row.key) ?? (row.key === active ? NONE : (live.get(row.key) ?? NONE)),
    [issues, live, active],
  );

  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => {
      const row = rows[index];
      if (!row) return ROW;
      return ROW + (extrasOf(row) ? EXTRA : 0) + (shownIssues(row).length > 0 ? MESSAGE : 0);
    },
    getItemKey: (index) => rows[index]?.key ?? index,
    overscan: 6,
    scrollMargin: HEAD_PX,
    scrollPaddingStart: HEAD_PX,
    // The row that has the focus stays while one scrolls away from it.
    rangeExtractor: (range: Range) => {
      const shown = defaultRangeExtractor(range);
      return activeIndex < 0 || shown.includes(activeIndex) ? shown : [...shown, activeIndex].sort((a, b) => a - b);
    },
  });
  useEffect(() => virtual.measure(), [virtual, rows, issues, live, active]);

  const wanted = useRef<{ key: string; field: Field } | undefined>(undefined);
  const settle = () => {
    const want = wanted.current;
    if (!want) return;
    const cell = scroller.current?.querySelector<HTMLInputElement | HTMLSelectElement>(
      `[data-cell="${CSS.escape(`${want.key}:${want.field}`)}"]`,
    );
    if (!cell || cell.disabled) return;
    wanted.current = undefined;
    cell.focus({ preventScroll: true });
    if (cell instanceof HTMLInputElement) cell.select();
  };
  useEffect(settle);
  const focus = (key: string, field: Field) => {
    wanted.current = { key, field };
    const index = rows.findIndex((row) => row.key === key);
    if (index >= 0) virtual.scrollToIndex(index, { align: "auto" });
    onActive(key);
    requestAnimationFrame(settle);
  };
  useImperativeHandle(ref, () => ({ focus }));

  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>) => {
    const target = event.target as HTMLElement;
    const cell = target.dataset["cell"];
    if (!cell || event.ctrlKey || event.altKey || event.metaKey) return;
    const isSelect = target instanceof HTMLSelectElement;
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? ROW) / ROW) - 2);
    const steps: Record<string, number> = {
      Enter: event.shiftKey ? -1 : 1,
      ...(isSelect ? {} : { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page }),
    };
    const step = steps[event.key];
    if (step === undefined || activeIndex < 0) return;
    event.preventDefault();
    const field = cell.slice(cell.lastIndexOf(":") + 1) as Field;
    const direction = step > 0 ? 1 : -1;
    // A field that a row does not have is passed over.
    let to = Math.max(0, Math.min(rows.length - 1, activeIndex + step));
    for (; to >= 0 && to < rows.length; to += direction) {
      const row = rows[to];
      if (row && hasField(row, field, (counts.get(row.lineId) ?? 0) > 1)) return focus(row.key, field);
    }
  };

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

  return (
    <div
      ref={scroller}
      className="grid answer-grid"
      role="grid"
      aria-label={text.document.lines}
      aria-rowcount={rows.length + 1}
      onKeyDown={onKeyDown}
      data-testid="answer-grid"
    >
      <div className="grid-head" role="row" aria-rowindex={1}>
        {[text.document.line, text.document.item].map((name) => (
          <div key={name} role="columnheader" className="grid-cell">{name}</div>
        ))}
        <div role="columnheader" className="grid-cell grid-cell-end">{text.answer.ordered}</div>
        <div role="columnheader" className="grid-cell">{text.answer.answerCode}</div>
        <div role="columnheader" className="grid-cell grid-cell-end">{text.document.quantity}</div>
        <div role="columnheader" className="grid-cell grid-cell-end">{text.document.price}</div>
        <div role="columnheader" className="grid-cell">{text.answer.promised}</div>
        <div role="columnheader" className="grid-cell grid-cell-end">{text.answer.difference}</div>
      </div>
      <div className="grid-body" role="presentation" style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map((item) => {
          const row = rows[item.index];
          const line = row ? lines.get(row.lineId) : undefined;
          if (!row || !line) return null;
          return (
            <Row
              key={row.key}
              row={row}
              line={line}
              order={order}
              index={item.index}
              start={item.start - HEAD_PX}
              size={item.size}
              isSplit={(counts.get(row.lineId) ?? 0) > 1}
              isActive={row.key === active}
              issues={shownIssues(row)}
              on={stable}
            />
          );
        })}
      </div>
    </div>
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
      data-cell={`${row.key}:${field}`}
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
            <span className="clip">{formatDecimal(line.quantity)} {line.unit}{line.price ? ` × ${formatDecimal(line.price)}` : ""}</span>
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
            data-cell={`${row.key}:reasonCode`}
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
