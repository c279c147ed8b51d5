import { useMemo, useState } from "react";
import type { DespatchAdvice, DespatchLine, Item, Order, OrderLine, VersionDiff } from "../../api/types";
import { useActions } from "../../app/actions";
import { Badge, Clip, Empty, Unit } from "../../components/controls";
import { type Column, VirtualGrid } from "../../components/VirtualGrid";
import { formatDecimal, formatMoney, formatRange } from "../../texts/format";
import { text } from "../../texts/en";
import { changesByLine, type LineChanges } from "./changes";
import { valueText } from "./values";

const LINE_ROW = 40;

/** The identifiers of an item in one line: seller's, buyer's, GTIN. */
export function itemIds(item: Item): string {
  return [item.sellerId, item.buyerId, item.gtin ? `GTIN ${item.gtin}` : undefined].filter(Boolean).join(" · ");
}

export function ItemCell({ item, note }: { item: Item; note?: string | null | undefined }) {
  const ids = itemIds(item);
  const caption = [ids, note].filter(Boolean).join(" — ");
  return (
    <div className="stack">
      <Clip text={item.description ?? (ids || text.none)} />
      {item.description && caption ? <Clip text={caption} className="caption soft" /> : null}
    </div>
  );
}

/** A value, and what it was in the version compared with. */
function Was({ now, change, field }: { now: string; change: LineChanges | undefined; field: string }) {
  const found = change?.fields.get(field);
  if (!found) return <span className="clip">{now}</span>;
  const before = valueText(field, found.before);
  return (
    <div className="stack" title={`${before || text.none} → ${now}`}>
      <span className="clip strong">{now}</span>
      <s className="caption soft clip">{before || text.none}</s>
    </div>
  );
}

function LineId({ id, change }: { id: string; change: LineChanges | undefined }) {
  return (
    <>
      <span className="clip">{id}</span>
      {change?.change === "Added" ? <Badge tone="success">+</Badge> : null}
    </>
  );
}

const rowClass = (change: LineChanges | undefined) =>
  change === undefined ? "" : change.change === "Added" ? "row-added" : "row-changed";

function orderColumns(changes: ReadonlyMap<string, LineChanges>): Column<OrderLine>[] {
  const of = (line: OrderLine) => changes.get(line.id);
  return [
    { id: "line", header: text.document.line, cell: (line) => <LineId id={line.id} change={of(line)} /> },
    { id: "item", header: text.document.item, cell: (line) => <ItemCell item={line.item} note={line.note} /> },
    {
      id: "quantity",
      header: text.document.quantity,
      end: true,
      cell: (line) => <Was now={formatDecimal(line.quantity)} change={of(line)} field="quantity" />,
    },
    { id: "unit", header: text.document.unit, cell: (line) => <Unit code={line.unit} /> },
    {
      id: "price",
      header: text.document.price,
      end: true,
      cell: (line) => (
        <div className="stack">
          <Was now={formatDecimal(line.price) || text.none} change={of(line)} field="price" />
          {line.priceBase && line.priceBase !== "1" ? (
            <span className="caption soft">{text.document.per(formatDecimal(line.priceBase))}</span>
          ) : null}
        </div>
      ),
    },
    {
      id: "net",
      header: text.document.net,
      end: true,
      cell: (line) => <span className="clip">{formatMoney(line.net) || text.none}</span>,
    },
    {
      id: "requested",
      header: text.document.requestedOn,
      cell: (line) => (
        <Was now={formatRange(line.requestedDelivery) || text.none} change={of(line)} field="requestedDelivery" />
      ),
    },
  ];
}

function despatchColumns(changes: ReadonlyMap<string, LineChanges>): Column<DespatchLine>[] {
  const of = (line: DespatchLine) => changes.get(line.id);
  return [
    { id: "line", header: text.document.line, cell: (line) => <LineId id={line.id} change={of(line)} /> },
    { id: "item", header: text.document.item, cell: (line) => <ItemCell item={line.item} /> },
    {
      id: "order",
      header: text.document.orderRef,
      cell: (line) => <Clip text={`${line.orderNumber} / ${line.orderLineId}`} />,
    },
    {
      id: "delivered",
      header: text.document.delivered,
      end: true,
      cell: (line) => <Was now={formatDecimal(line.delivered)} change={of(line)} field="delivered" />,
    },
    {
      id: "outstanding",
      header: text.document.outstanding,
      end: true,
      cell: (line) => <Was now={formatDecimal(line.outstanding) || text.none} change={of(line)} field="outstanding" />,
    },
    { id: "unit", header: text.document.unit, cell: (line) => <Unit code={line.unit} /> },
    { id: "batch", header: text.document.batch, cell: (line) => <Clip text={line.batch ?? text.none} /> },
  ];
}

interface LineGridProps<T extends { id: string }> {
  /** The document and the version that the lines are of. */
  of: string;
  lines: readonly T[];
  columns: Column<T>[];
  className: string;
  changes: ReadonlyMap<string, LineChanges>;
}

/** One grid for all documents that are looked at one after the other: to make a new one for each takes longer. */
function LineGrid<T extends { id: string }>({ of, lines, columns, className, changes }: LineGridProps<T>) {
  const [chosen, setChosen] = useState<{ of: string; id: string | number }>();
  const active = chosen?.of === of ? chosen.id : lines[0]?.id;
  const setActive = (id: string | number) => setChosen({ of, id });
  const toChange = (by: 1 | -1) => {
    const at = lines.findIndex((line) => line.id === active);
    for (let n = 1; n <= lines.length; n += 1) {
      const line = lines[(at + by * n + lines.length * 2) % lines.length];
      if (line && changes.has(line.id)) return setActive(line.id);
    }
  };
  const none = !lines.some((line) => changes.has(line.id));
  const group = text.groups.document;
  useActions([
    { id: "next-change", key: "n", title: text.document.nextChange, group, run: () => toChange(1), disabled: none },
    { id: "previous-change", key: "Shift+N", title: text.document.previousChange, group, run: () => toChange(-1), disabled: none },
  ]);
  if (lines.length === 0) return <Empty icon="list" title={text.empty.lines} />;
  return (
    <VirtualGrid
      label={text.document.lines}
      className={className}
      columns={columns}
      of={of}
      rows={lines}
      rowId={(line) => line.id}
      rowHeight={LINE_ROW}
      active={active}
      onActive={setActive}
      autoFocus
      rowTestId="line-row"
      rowData={(line) => ({ "data-line": line.id })}
      rowClass={(line) => rowClass(changes.get(line.id))}
      testId="lines"
    />
  );
}

export function OrderLines({ of, order, diff }: { of: string; order: Order; diff: VersionDiff | undefined }) {
  const changes = useMemo(() => changesByLine(diff), [diff]);
  const columns = useMemo(() => orderColumns(changes), [changes]);
  return (
    <>
      <LineGrid of={of} lines={order.lines} columns={columns} className="order-lines" changes={changes} />
      <footer className="grid-foot totals">
        <span>{text.answer.summary(order.lines.length, "")}</span>
        <span className="grow" />
        {order.totals ? (
          <>
            <span>
              {text.document.net} <b data-testid="total-net">{formatMoney(order.totals.net)}</b>
            </span>
            {order.totals.tax ? (
              <span>
                {text.document.tax} <b>{formatMoney(order.totals.tax)}</b>
              </span>
            ) : null}
            {order.totals.gross ? (
              <span className="totals-gross">
                {text.document.gross} <b>{formatMoney(order.totals.gross)}</b>
              </span>
            ) : null}
          </>
        ) : null}
      </footer>
    </>
  );
}

export function DespatchLines({ of, note, diff }: { of: string; note: DespatchAdvice; diff: VersionDiff | undefined }) {
  const changes = useMemo(() => changesByLine(diff), [diff]);
  const columns = useMemo(() => despatchColumns(changes), [changes]);
  return (
    <>
      <LineGrid of={of} lines={note.lines} columns={columns} className="despatch-lines" changes={changes} />
      <footer className="grid-foot">
        <span>{text.answer.summary(note.lines.length, "")}</span>
      </footer>
    </>
  );
}
