import { memo, type ReactNode, type Ref, useCallback, useEffect, useMemo, useRef } from "react";
import type { Order } from "../../api/types";
import { Badge, Clip, Unit } from "../../components/controls";
import { cellName, ColumnHead, EDIT_ROW_PX, EditGrid, EXTRA_PX, type GridHandle, MESSAGE_PX, type Place } from "../../components/EditGrid";
import { text } from "../../texts/en";
import { formatDecimal, formatMinor, formatRange } from "../../texts/format";
import { unitName } from "../../texts/units";
import { ItemCell } from "../document/Lines";
import { changeOf, netBefore, netOf, type OrderField, type OrderIssue, type OrderIssues, type OrderRow, settledDays } from "./order";

interface Props {
  ref: Ref<GridHandle<OrderField>>;
  /** The header that the lines are under. */
  order: Order;
  /** The partner has a version: what it says of each line is shown beside it. */
  changes: boolean;
  rows: readonly OrderRow[];
  issues: OrderIssues;
  /** Known without a try to save: shown for the row that is being left. */
  live: OrderIssues;
  active: string | undefined;
  onActive: (key: string) => void;
  onCell: (key: string, field: OrderField, value: string) => void;
}

const NONE: readonly OrderIssue[] = [];

function hasField(row: OrderRow, field: OrderField): boolean {
  if (row.removed) return false;
  if (field === "quantity" || field === "price" || field === "date") return true;
  return row.added && row.open;
}

/** The lines of an order, edited in place. */
export function OrderGrid({ ref, order, changes, rows, issues, live, active, onActive, onCell }: Props) {
  const shown = useCallback(
    (row: OrderRow): readonly OrderIssue[] => issues.get(row.key) ?? (row.key === active ? NONE : (live.get(row.key) ?? NONE)),
    [issues, live, active],
  );
  const height = useCallback(
    (row: OrderRow) => EDIT_ROW_PX + (row.open ? EXTRA_PX : 0) + (shown(row).length > 0 ? MESSAGE_PX : 0),
    [shown],
  );
  const latest = useRef({ onCell, onActive });
  useEffect(() => {
    latest.current = { onCell, onActive };
  });
  const on = useMemo(
    () => ({
      cell: (key: string, field: OrderField, value: string) => latest.current.onCell(key, field, value),
      active: (key: string) => latest.current.onActive(key),
    }),
    [],
  );
  return (
    <EditGrid
      ref={ref}
      label={text.document.lines}
      className={changes ? "answer-grid order-grid" : "answer-grid order-grid order-grid-new"}
      testId="order-grid"
      head={
        <>
          <ColumnHead>{text.document.line}</ColumnHead>
          <ColumnHead>{text.document.item}</ColumnHead>
          {changes ? <ColumnHead end>{text.issue.partnerHas}</ColumnHead> : null}
          <ColumnHead end>{text.document.quantity}</ColumnHead>
          <ColumnHead>{text.document.unit}</ColumnHead>
          <ColumnHead end>{text.document.price}</ColumnHead>
          <ColumnHead>{text.document.requestedOn}</ColumnHead>
          <ColumnHead end>{text.document.net}</ColumnHead>
        </>
      }
      rows={rows}
      active={active}
      onActive={onActive}
      height={height}
      hasField={hasField}
    >
      {(row, place) => <Row key={row.key} row={row} order={order} changes={changes} place={place} isActive={row.key === active} issues={shown(row)} on={on} />}
    </EditGrid>
  );
}

interface RowProps {
  row: OrderRow;
  order: Order;
  changes: boolean;
  place: Place;
  isActive: boolean;
  issues: readonly OrderIssue[];
  on: {
    cell: (key: string, field: OrderField, value: string) => void;
    active: (key: string) => void;
  };
}

const fieldNames: Record<OrderField, string> = {
  line: text.document.line,
  quantity: text.document.quantity,
  price: text.document.price,
  date: text.document.requestedOn,
  unit: text.document.unit,
  tax: text.issue.taxPercent,
  itemId: text.issue.itemNumber,
  itemText: text.issue.description,
};

const samePlace = (a: Place, b: Place) => a.index === b.index && a.start === b.start && a.size === b.size;

const Row = memo(
  function Row({ row, order, changes, place, isActive, issues, on }: RowProps) {
    const change = changeOf(row, order);
    const messageId = `issue-${row.key}`;
    const where = `${text.document.line.toLowerCase()} ${row.line}`;
    // What was typed short is shown in full, so that one sees the day that is meant.
    const settleDays = () => {
      const meant = settledDays(row, order);
      if (meant !== row.date) on.cell(row.key, "date", meant);
    };
    const input = (field: OrderField, options: { end?: boolean; placeholder?: string } = {}) => (
      <input
        className={options.end ? "input cell number" : "input cell"}
        value={row[field]}
        disabled={row.removed}
        placeholder={options.placeholder}
        onChange={(event) => on.cell(row.key, field, event.target.value)}
        onBlur={field === "date" ? settleDays : undefined}
        aria-label={`${fieldNames[field]}, ${where}`}
        aria-invalid={issues.some((one) => one.field === field)}
        aria-describedby={issues.length > 0 ? messageId : undefined}
        data-cell={cellName(row.key, field)}
        data-testid={`order-${field}`}
        autoComplete="off"
        inputMode={options.end ? "decimal" : undefined}
      />
    );
    return (
      <div
        role="row"
        aria-rowindex={place.index + 2}
        className={`grid-row answer-row order-row order-${change}`}
        data-active={isActive}
        data-testid="order-row"
        data-line={row.line}
        data-change={change}
        style={{ height: place.size, transform: `translateY(${place.start}px)` }}
        onFocus={() => on.active(row.key)}
        onMouseDown={() => on.active(row.key)}
      >
        <div role="rowheader" className="grid-cell">
          <Clip text={row.line} />
        </div>
        <div role="gridcell" className="grid-cell">
          <ItemCell item={row.added ? { ...row.source.item, sellerId: row.itemId, description: row.itemText || undefined } : row.source.item} note={row.source.note} />
        </div>
        {changes ? <PartnerHas row={row} order={order} /> : null}
        <div role="gridcell" className="grid-cell">{input("quantity", { end: true })}</div>
        <div role="gridcell" className="grid-cell">
          <Unit code={row.unit} />
        </div>
        <div role="gridcell" className="grid-cell">{input("price", { end: true })}</div>
        <div role="gridcell" className="grid-cell">{input("date", { placeholder: formatRange(order.requestedDelivery) || "+7" })}</div>
        <NetCell row={row} order={order} changes={changes} />
        {row.open ? (
          <div className="answer-extra order-extra" role="gridcell">
            <Labelled name={fieldNames.line}>{input("line")}</Labelled>
            <Labelled name={fieldNames.itemId} wide>{input("itemId")}</Labelled>
            <Labelled name={fieldNames.itemText} wide>{input("itemText")}</Labelled>
            <Labelled name={fieldNames.unit}>{input("unit", { placeholder: "C62" })}</Labelled>
            <Labelled name={fieldNames.tax}>{input("tax", { end: true })}</Labelled>
          </div>
        ) : null}
        {issues.length > 0 ? (
          <div id={messageId} className="answer-issue field-error clip" data-testid="issue">
            {issues.map((one) => `${fieldNames[one.field]}: ${one.message}`).join(" · ")}
          </div>
        ) : null}
      </div>
    );
  },
  (a, b) => a.row === b.row && a.order === b.order && a.changes === b.changes && a.isActive === b.isActive && a.issues === b.issues && samePlace(a.place, b.place),
);

function Labelled({ name, wide = false, children }: { name: string; wide?: boolean; children: ReactNode }) {
  return (
    <label className={wide ? "order-labelled grow" : "order-labelled"}>
      <span className="caption soft">{name}</span>
      {children}
    </label>
  );
}

function PartnerHas({ row, order }: { row: OrderRow; order: Order }) {
  const { source } = row;
  return (
    <div role="gridcell" className="grid-cell grid-cell-end">
      {row.added ? (
        <Badge tone="success">{text.issue.newLine}</Badge>
      ) : (
        <div className="stack">
          <span className="clip">
            {formatDecimal(source.quantity)} {unitName(source.unit)}
            {source.price ? ` × ${formatDecimal(source.price)}` : ""}
            {source.price && source.priceBase && source.priceBase !== "1" ? ` ${text.document.per(formatDecimal(source.priceBase))}` : ""}
          </span>
          <Clip text={formatRange(source.requestedDelivery ?? order.requestedDelivery)} className="caption soft" />
        </div>
      )}
    </div>
  );
}

function NetCell({ row, order, changes }: { row: OrderRow; order: Order; changes: boolean }) {
  const net = row.removed ? 0n : netOf(row, order.currency);
  const was = row.added || !changes ? undefined : netBefore(row.source, order.currency);
  const difference = net !== undefined && was !== undefined ? net - was : 0n;
  return (
    <div role="gridcell" className="grid-cell grid-cell-end">
      <div className="stack order-net">
        <span className="clip">{net === undefined || row.removed ? text.none : formatMinor(net, order.currency)}</span>
        {difference !== 0n ? (
          <span className={`caption clip ${difference > 0n ? "soon" : "late"}`}>
            {difference > 0n ? "+" : ""}
            {formatMinor(difference, order.currency)}
          </span>
        ) : null}
      </div>
    </div>
  );
}
