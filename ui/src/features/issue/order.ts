/**
 * An order of ours in the editor, as pure functions: rows and header as a person types them, what differs from the
 * version that the partner has, what is wrong, and the order built from them. The engine checks again; these rules are
 * here so that everything is seen at once and nobody has to wait for it.
 */

import type { DateRange, LineQuantities, Money, Order, OrderLine, Totals } from "../../api/types";
import { type CellIssue, type CellIssues, type Problem, problemsByRow } from "../../components/cells";
import { compare, decimal, lineMinor, sameValue, ZERO } from "../../texts/decimal";
import { editDecimal, formatDecimal, formatRange, parseDecimal, parseRange } from "../../texts/format";
import { text } from "../../texts/en";

export type OrderField = "line" | "quantity" | "price" | "date" | "unit" | "tax" | "itemId" | "itemText";

/** One line as it stands on the screen. */
export interface OrderRow {
  key: string;
  /** What is not typed here is taken from it: price base, note, GTIN and so on. */
  source: OrderLine;
  /** The partner has no such line yet. */
  added: boolean;
  /** Not to be delivered any more: left out of what is sent. */
  removed: boolean;
  /** The fields of an item are shown. */
  open: boolean;
  /** As typed, in the person's locale. */
  line: string;
  quantity: string;
  price: string;
  date: string;
  unit: string;
  tax: string;
  itemId: string;
  itemText: string;
}

export type OrderIssue = CellIssue<OrderField>;
export type OrderIssues = CellIssues<OrderField>;
export type RowChange = "same" | "changed" | "added" | "removed";

const ONE = { units: 1n, scale: 0 };

function rowOf(source: OrderLine, key: string, added: boolean, open: boolean): OrderRow {
  return {
    key,
    source,
    added,
    removed: false,
    open,
    line: source.id,
    quantity: editDecimal(source.quantity),
    price: editDecimal(source.price),
    date: formatRange(source.requestedDelivery),
    unit: source.unit,
    tax: editDecimal(source.taxPercent),
    itemId: source.item.sellerId ?? "",
    itemText: source.item.description ?? "",
  };
}

/** The lines of an order to begin with; `added`: the partner has none of them. */
export function rowsOf(order: Order, added: boolean): OrderRow[] {
  return order.lines.map((line, at) => rowOf(line, `${at}`, added, false));
}

/** The next number in the order's own steps: 10 after which 20 comes, or 1 after which 2 comes. */
function nextLine(rows: readonly OrderRow[]): string {
  const numbers = rows.map((row) => (/^\d{1,9}$/.test(row.line.trim()) ? Number(row.line) : 0));
  const highest = numbers.reduce((most, one) => Math.max(most, one), 0);
  const step = highest > 0 && numbers.every((one) => one % 10 === 0) ? 10 : 1;
  return String((Math.floor(highest / step) + 1) * step);
}

/** A line more at the end. It is taxed and delivered as the others are where they all agree. */
export function addLine(rows: readonly OrderRow[]): { rows: OrderRow[]; key: string } {
  const key = `+${rows.reduce((most, row) => Math.max(most, row.key.startsWith("+") ? Number(row.key.slice(1)) : 0), 0) + 1}`;
  const agreed = (field: "tax" | "unit") => (rows.every((row) => row[field] === rows[0]?.[field]) ? (rows[0]?.[field] ?? "") : "");
  const source: OrderLine = { id: nextLine(rows), item: {}, quantity: "", unit: "" };
  const row = { ...rowOf(source, key, true, true), tax: agreed("tax"), unit: agreed("unit") };
  return { rows: [...rows, row], key };
}

export function setCell(rows: readonly OrderRow[], key: string, field: OrderField, value: string): OrderRow[] {
  return rows.map((row) => (row.key === key ? { ...row, [field]: value } : row));
}

/** Removes a line, or puts it back; one that the partner never had is simply gone. */
export function toggleRemoved(rows: readonly OrderRow[], key: string): OrderRow[] {
  return rows.flatMap((row) => (row.key !== key ? [row] : row.added ? [] : [{ ...row, removed: !row.removed }]));
}

export function toggleItem(rows: readonly OrderRow[], key: string): OrderRow[] {
  return rows.map((row) => (row.key === key && row.added ? { ...row, open: !row.open } : row));
}

/** The line as the partner has it. */
export function resetRow(rows: readonly OrderRow[], key: string): OrderRow[] {
  return rows.map((row) => (row.key === key ? rowOf(row.source, row.key, row.added, row.open) : row));
}

const blank = (typed: string) => typed.trim() === "";
const sameNumber = (typed: string, wire: string | null | undefined) =>
  blank(typed) ? wire == null : sameValue(parseDecimal(typed), wire ?? undefined);

function dayBase(row: OrderRow, order: Order): string | undefined {
  return row.source.requestedDelivery?.last ?? order.requestedDelivery?.last ?? undefined;
}

/** The days typed; undefined when there are none, or when they cannot be read. */
function daysOf(row: OrderRow, order: Order): DateRange | undefined {
  if (row.date === formatRange(row.source.requestedDelivery)) return row.source.requestedDelivery ?? undefined;
  return blank(row.date) ? undefined : parseRange(row.date, dayBase(row, order));
}

/** The days typed as they are shown: `+7` becomes the day that it means. */
export function settledDays(row: OrderRow, order: Order): string {
  return formatRange(daysOf(row, order)) || row.date;
}

const sameDays = (a: DateRange | null | undefined, b: DateRange | null | undefined) => a?.first === b?.first && a?.last === b?.last;

export function changeOf(row: OrderRow, order: Order): RowChange {
  if (row.removed) return "removed";
  if (row.added) return "added";
  const { source } = row;
  const same =
    sameNumber(row.quantity, source.quantity) &&
    sameNumber(row.price, source.price) &&
    (blank(row.date) || daysOf(row, order) !== undefined) &&
    sameDays(daysOf(row, order), source.requestedDelivery);
  return same ? "same" : "changed";
}

/** What a row comes to, in minor units; undefined without a price. */
export function netOf(row: OrderRow, currency: string): bigint | undefined {
  const { source } = row;
  // What the partner was told stays as it was: it may be rounded otherwise.
  if (source.net && source.net.currency === currency && sameNumber(row.quantity, source.quantity) && sameNumber(row.price, source.price)) {
    return BigInt(source.net.minor);
  }
  const quantity = decimal(parseDecimal(row.quantity) ?? "");
  const price = decimal(parseDecimal(row.price) ?? "");
  if (!quantity || !price) return undefined;
  return lineMinor(quantity, price, decimal(source.priceBase ?? "1") ?? ONE, currency);
}

/** What the line came to in the version that the partner has. */
export function netBefore(source: OrderLine, currency: string): bigint | undefined {
  return netOf(rowOf(source, "", false, false), currency);
}

const kept = (value: string) => (blank(value) ? undefined : value.trim());

function lineOf(row: OrderRow, order: Order): OrderLine {
  const { source } = row;
  if (changeOf(row, order) === "same") return source;
  // A line that never had its total does not get one by being changed.
  const net = row.added || source.net ? netOf(row, order.currency) : undefined;
  const line: OrderLine = { ...source, id: row.line.trim(), quantity: parseDecimal(row.quantity) ?? source.quantity };
  if (sameNumber(row.quantity, source.quantity)) line.quantity = source.quantity;
  line.price = sameNumber(row.price, source.price) ? source.price : parseDecimal(row.price);
  line.requestedDelivery = daysOf(row, order);
  line.net = net === undefined ? undefined : { minor: Number(net), currency: order.currency };
  if (row.added) {
    line.unit = row.unit.trim();
    line.taxPercent = sameNumber(row.tax, source.taxPercent) ? source.taxPercent : parseDecimal(row.tax);
    line.item = { ...source.item, sellerId: kept(row.itemId), description: kept(row.itemText) };
  }
  return line;
}

/** Halves away from zero. */
function rounded(numerator: bigint, denominator: bigint): bigint {
  const size = numerator < 0n ? -numerator : numerator;
  const whole = (2n * size + denominator) / (2n * denominator);
  return numerator < 0n ? -whole : whole;
}

/** Tax summed per rate before it is rounded, as the engine does; undefined where a line has no rate. */
function taxOf(lines: readonly OrderLine[]): bigint | undefined {
  const rates = new Map<string, { net: bigint; units: bigint; scale: number }>();
  for (const line of lines) {
    const rate = decimal(line.taxPercent ?? "");
    if (!rate || !line.net) return undefined;
    // 19 and 19.0 are one rate.
    const plain = formatPlain(rate);
    const known = rates.get(plain);
    rates.set(plain, { ...rate, net: (known?.net ?? 0n) + BigInt(line.net.minor) });
  }
  let tax = 0n;
  for (const { net, units, scale } of rates.values()) tax += rounded(net * units, 100n * 10n ** BigInt(scale));
  return tax;
}

function formatPlain({ units, scale }: { units: bigint; scale: number }): string {
  let [u, s] = [units, scale];
  while (s > 0 && u % 10n === 0n) [u, s] = [u / 10n, s - 1];
  return `${u}e-${s}`;
}

/** Net where every line has one; tax and total where every line has its rate as well. */
export function totalsOf(lines: readonly OrderLine[], currency: string): Totals | undefined {
  if (lines.length === 0 || lines.some((line) => !line.net)) return undefined;
  const money = (minor: bigint): Money => ({ minor: Number(minor), currency });
  const net = lines.reduce((sum, line) => sum + BigInt(line.net?.minor ?? 0), 0n);
  const tax = taxOf(lines);
  return tax === undefined ? { net: money(net) } : { net: money(net), tax: money(tax), gross: money(net + tax) };
}

/** The order that the rows amount to, on the header `order`. */
export function buildOrder(order: Order, rows: readonly OrderRow[]): Order {
  const sent = rows.filter((row) => !row.removed);
  const lines = sent.map((row) => lineOf(row, order));
  const isNew = rows.every((row) => row.added);
  if (rows.every((row) => changeOf(row, order) === "same") || (!order.totals && !isNew)) return { ...order, lines };
  const counted = sent.map((row, at) => {
    const net = netOf(row, order.currency);
    return { ...(lines[at] ?? row.source), net: net === undefined ? undefined : { minor: Number(net), currency: order.currency } };
  });
  return { ...order, lines, totals: totalsOf(counted, order.currency) };
}

function rowIssues(row: OrderRow, order: Order, left: string | undefined): OrderIssue[] {
  const issues: OrderIssue[] = [];
  const found = (field: OrderField, message: string) => issues.push({ field, message });
  const quantity = decimal(parseDecimal(row.quantity) ?? "");
  if (!quantity) found("quantity", text.validation.number);
  else if (compare(quantity, ZERO) <= 0) found("quantity", text.validation.positive);
  else if (left && compare(quantity, decimal(left) ?? ZERO) < 0) found("quantity", text.validation.alreadyLeft(formatDecimal(left)));
  const price = decimal(parseDecimal(row.price) ?? "");
  if (!blank(row.price) && !price) found("price", text.validation.number);
  else if (price && compare(price, ZERO) < 0) found("price", text.validation.notNegative);
  if (!blank(row.date) && !daysOf(row, order)) found("date", text.validation.dayUnclear);
  if (!row.added) return issues;
  if (blank(row.line)) found("line", text.validation.lineNeeded);
  if (blank(row.unit)) found("unit", text.validation.unitNeeded);
  if (!blank(row.tax) && !decimal(parseDecimal(row.tax) ?? "")) found("tax", text.validation.number);
  if (blank(row.itemId) && blank(row.itemText) && !row.source.item.gtin && !row.source.item.buyerId) found("itemText", text.validation.itemNeeded);
  return issues;
}

/** Everything that is wrong with the lines. `delivered`: what has left already cannot be ordered away. */
export function orderIssues(order: Order, rows: readonly OrderRow[], delivered: readonly LineQuantities[]): OrderIssues {
  const left = new Map(delivered.filter((line) => compare(decimal(line.delivered) ?? ZERO, ZERO) > 0).map((line) => [line.lineId, line.delivered]));
  const issues = new Map<string, OrderIssue[]>();
  const numbers = new Set<string>();
  for (const row of rows) {
    const gone = left.get(row.source.id);
    const found: OrderIssue[] = row.removed
      ? gone === undefined
        ? []
        : [{ field: "quantity", message: text.validation.alreadyLeft(formatDecimal(gone)) }]
      : rowIssues(row, order, row.added ? undefined : gone);
    if (!row.removed) {
      const number = row.line.trim();
      if (number !== "" && numbers.has(number)) found.push({ field: "line", message: text.validation.lineTwice(number) });
      numbers.add(number);
    }
    if (found.length > 0) issues.set(row.key, found);
  }
  return issues;
}

const issueFields: Record<string, OrderField> = {
  id: "line",
  quantity: "quantity",
  price: "price",
  priceBase: "price",
  net: "price",
  unit: "unit",
  taxPercent: "tax",
  item: "itemText",
  requestedDelivery: "date",
};

/** Problems of the engine put beside their cells; lines that are removed were not sent, and do not count. */
export function issuesOfEngine(rows: readonly OrderRow[], problems: readonly Problem[]) {
  const sent = rows.filter((row) => !row.removed).map((row) => row.key);
  return problemsByRow(sent, problems, (place) => issueFields[place.split("/")[0] ?? ""] ?? "quantity");
}

export interface OrderChanges {
  changed: number;
  added: number;
  removed: number;
  /** Net in minor units; undefined where a price is missing. */
  before: bigint | undefined;
  after: bigint | undefined;
}

const sum = (values: (bigint | undefined)[]): bigint | undefined =>
  values.some((value) => value === undefined) ? undefined : values.reduce<bigint>((all, value) => all + (value ?? 0n), 0n);

/** What differs from the version that the partner has, and what both come to. */
export function changesOf(base: Order | undefined, order: Order, rows: readonly OrderRow[]): OrderChanges {
  const count = { same: 0, changed: 0, added: 0, removed: 0 };
  for (const row of rows) count[changeOf(row, order)] += 1;
  const before = base ? sum(base.lines.map((line) => netBefore(line, base.currency))) : undefined;
  const after = sum(rows.filter((row) => !row.removed).map((row) => netOf(row, order.currency)));
  return { changed: count.changed, added: count.added, removed: count.removed, before, after };
}

/** Quantity, price and days as another order has them, such as the seller's counter-offer. */
export function takeValues(rows: readonly OrderRow[], from: Order): OrderRow[] {
  const lines = new Map(from.lines.map((line) => [line.id, line]));
  return rows.map((row) => {
    const line = lines.get(row.source.id);
    if (!line || row.added) return row;
    return { ...row, quantity: editDecimal(line.quantity), price: editDecimal(line.price), date: formatRange(line.requestedDelivery) };
  });
}

/** A draft taken over to a newer version of ours: what was typed stays, what was left alone follows the order. */
export function carryOver(rows: readonly OrderRow[], now: Order): OrderRow[] {
  const typed = new Map(rows.filter((row) => !row.added).map((row) => [row.source.id, row]));
  const kept = rowsOf(now, false).map((fresh) => {
    const row = typed.get(fresh.source.id);
    if (!row) return fresh;
    const was = rowOf(row.source, "", false, false);
    const keep = (field: "quantity" | "price" | "date") => (row[field] === was[field] ? fresh[field] : row[field]);
    return { ...fresh, removed: row.removed, quantity: keep("quantity"), price: keep("price"), date: keep("date") };
  });
  return [...kept, ...rows.filter((row) => row.added)];
}
