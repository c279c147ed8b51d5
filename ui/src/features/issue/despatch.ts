/**
 * A delivery note of ours in the editor, as pure functions: what leaves of which order line, in which batch, and what
 * of it comes later. The engine checks again.
 */

import type { DespatchAdvice, DespatchLine, LineQuantities, Order } from "../../api/types";
import { carried, type CellIssue, type CellIssues, type Problem, problemsByRow } from "../../components/cells";
import { add, compare, type Decimal, decimal, sameValue, subtract, toText, ZERO } from "../../texts/decimal";
import { editDecimal, formatDay, formatRange, parseDay, parseDecimal, parseRange, today } from "../../texts/format";
import { text } from "../../texts/en";

export type DespatchField = "delivered" | "outstanding" | "batch";

/** One note line; several with one `source.orderLineId` are batches of one order line. */
export interface DespatchRow {
  key: string;
  /** 0 for the first row of its order line. */
  part: number;
  source: DespatchLine;
  /** What may still leave for the order line, all rows together. */
  open: string;
  ordered: string;
  /** As typed. Nothing delivered and nothing typed: the line is not on the note. */
  delivered: string;
  /** As typed; empty follows what is delivered: the rest comes later. */
  outstanding: string;
  batch: string;
}

export type DespatchIssue = CellIssue<DespatchField>;
export type DespatchIssues = CellIssues<DespatchField>;

export interface DespatchHead {
  number: string;
  despatchedOn: string;
  expected: string;
  carrier: string;
  tracking: string;
  notes: string;
}

export type DespatchHeadField = keyof DespatchHead;

/** The order's lines with what is still open of each: as confirmed and not yet delivered. */
export function rowsOfOrder(order: Order, quantities: readonly LineQuantities[]): DespatchRow[] {
  const known = new Map(quantities.map((line) => [line.lineId, line]));
  return order.lines.map((line, at) => {
    const open = decimal(known.get(line.id)?.outstanding ?? line.quantity) ?? ZERO;
    const some = compare(open, ZERO) > 0;
    return {
      key: `${at}`,
      part: 0,
      source: { id: line.id, orderNumber: order.number, orderLineId: line.id, item: line.item, delivered: "0", unit: line.unit },
      open: some ? toText(open) : "0",
      ordered: line.quantity,
      delivered: some ? editDecimal(toText(open)) : "",
      outstanding: "",
      batch: "",
    };
  });
}

/** The lines of a note that is there, to be replaced. */
export function rowsOfNote(note: DespatchAdvice): DespatchRow[] {
  return note.lines.map((line, at) => {
    const whole = add(decimal(line.delivered) ?? ZERO, decimal(line.outstanding ?? "0") ?? ZERO);
    return {
      key: `${at}`,
      part: 0,
      source: line,
      open: toText(whole),
      ordered: "",
      delivered: editDecimal(line.delivered),
      outstanding: editDecimal(line.outstanding),
      batch: line.batch ?? "",
    };
  });
}

export function freshHead(): DespatchHead {
  return { number: "", despatchedOn: formatDay(today()), expected: "", carrier: "", tracking: "", notes: "" };
}

export function despatchHeadOf(note: DespatchAdvice): DespatchHead {
  return {
    number: note.number,
    despatchedOn: formatDay(note.despatchedOn),
    expected: formatRange(note.expectedDelivery),
    carrier: note.carrier ?? "",
    tracking: note.trackingId ?? "",
    notes: (note.notes ?? []).join("\n"),
  };
}

export function setCell(rows: readonly DespatchRow[], key: string, field: DespatchField, value: string): DespatchRow[] {
  return rows.map((row) => (row.key === key ? { ...row, [field]: value } : row));
}

const lineKey = (row: DespatchRow) => `${row.source.orderNumber}\u0000${row.source.orderLineId}`;
const number = (typed: string): Decimal | undefined => (typed.trim() === "" ? ZERO : decimal(parseDecimal(typed) ?? ""));

function leaves(rows: readonly DespatchRow[]): Decimal {
  return rows.reduce<Decimal>((all, row) => add(all, number(row.delivered) ?? ZERO), ZERO);
}

/** Another batch of the same order line, with what is left of it. */
export function addBatch(rows: readonly DespatchRow[], key: string): { rows: DespatchRow[]; key: string } {
  const row = rows.find((one) => one.key === key);
  if (!row) return { rows: [...rows], key };
  const parts = rows.filter((one) => lineKey(one) === lineKey(row));
  const rest = subtract(decimal(row.open) ?? ZERO, leaves(parts));
  const part = Math.max(...parts.map((one) => one.part)) + 1;
  const first = parts[0] ?? row;
  const fresh: DespatchRow = {
    ...row,
    key: `${first.key}.${part}`,
    part,
    delivered: compare(rest, ZERO) > 0 ? editDecimal(toText(rest)) : "",
    outstanding: "",
    batch: "",
  };
  const last = rows.findLastIndex((one) => lineKey(one) === lineKey(row));
  return { rows: [...rows.slice(0, last + 1), fresh, ...rows.slice(last + 1)], key: fresh.key };
}

/** Takes a batch off again; the first row of a line is emptied instead. */
export function removeRow(rows: readonly DespatchRow[], key: string): DespatchRow[] {
  return rows.flatMap((row) => (row.key !== key ? [row] : row.part > 0 ? [] : [{ ...row, delivered: "", outstanding: "", batch: "" }]));
}

const typedOf = ({ delivered, outstanding, batch }: DespatchRow) => ({ delivered, outstanding, batch });

/**
 * A draft that began with `before`, taken over to what there is `now`: what was typed stays, what was left alone
 * follows, lines come and go. A further batch stays behind its order line.
 */
export function carryOver(rows: readonly DespatchRow[], before: readonly DespatchRow[], now: readonly DespatchRow[]): DespatchRow[] {
  const old = new Map(before.map((row) => [row.source.id, row]));
  const fresh = new Map(now.map((row, at) => [row.source.id, { row, at }]));
  const last = new Map(now.map((row, at) => [lineKey(row), at]));
  const there = new Set(rows.map((row) => row.source.id));
  const placed = rows.flatMap((row) => {
    const next = fresh.get(row.source.id);
    if (!next) return [];
    const { open, ordered, source } = next.row;
    if (row.part > 0) return [{ at: last.get(lineKey(next.row)) ?? next.at, row: { ...row, key: `${next.row.key}.${row.part}`, open, ordered, source } }];
    const was = old.get(row.source.id);
    return [{ at: next.at, row: { ...next.row, ...(was ? carried(typedOf(row), typedOf(was), typedOf(next.row)) : typedOf(row)) } }];
  });
  const added = now.flatMap((row, at) => (there.has(row.source.id) ? [] : [{ at, row }]));
  return [...placed, ...added].sort((a, b) => a.at - b.at).map(({ row }) => row);
}

/** What comes later of the order line unless it is typed: what is open and does not leave now. */
export function restOf(rows: readonly DespatchRow[], row: DespatchRow): string {
  const rest = subtract(decimal(row.open) ?? ZERO, leaves(rows.filter((one) => lineKey(one) === lineKey(row))));
  return compare(rest, ZERO) > 0 ? toText(rest) : "0";
}

/** Of several batches of a line the last says what is outstanding. */
export function isLast(rows: readonly DespatchRow[], row: DespatchRow): boolean {
  return rows.findLast((one) => lineKey(one) === lineKey(row))?.key === row.key;
}

/** Whether the row is a line of the note: something leaves, or it is said what comes later. */
export function isSent(row: DespatchRow): boolean {
  return row.delivered.trim() !== "" || row.outstanding.trim() !== "" || row.batch.trim() !== "";
}

/** Everything that is wrong with the lines; more than is open is a warning of `overOf`, since some partners take it. */
export function despatchIssues(rows: readonly DespatchRow[]): DespatchIssues {
  const issues = new Map<string, DespatchIssue[]>();
  for (const row of rows) {
    if (!isSent(row)) continue;
    const found: DespatchIssue[] = [];
    const delivered = number(row.delivered);
    if (!delivered) found.push({ field: "delivered", message: text.validation.number });
    else if (compare(delivered, ZERO) < 0) found.push({ field: "delivered", message: text.validation.notNegative });
    const outstanding = number(row.outstanding);
    if (!outstanding) found.push({ field: "outstanding", message: text.validation.number });
    else if (compare(outstanding, ZERO) < 0) found.push({ field: "outstanding", message: text.validation.notNegative });
    if (found.length > 0) issues.set(row.key, found);
  }
  return issues;
}

/** How much more leaves of the row's order line than is open; undefined when it is not more. */
export function overOf(rows: readonly DespatchRow[], row: DespatchRow): string | undefined {
  const over = subtract(leaves(rows.filter((one) => lineKey(one) === lineKey(row))), decimal(row.open) ?? ZERO);
  return compare(over, ZERO) > 0 ? toText(over) : undefined;
}

/** Whether anything leaves at all. */
export function leavesAnything(rows: readonly DespatchRow[]): boolean {
  return compare(leaves(rows), ZERO) > 0;
}

export function despatchHeadIssues(head: DespatchHead): Map<DespatchHeadField, string> {
  const issues = new Map<DespatchHeadField, string>();
  if (head.number.trim() === "") issues.set("number", text.validation.numberNeeded);
  const left = head.despatchedOn.trim() === "" ? undefined : parseDay(head.despatchedOn);
  if (head.despatchedOn.trim() !== "" && !left) issues.set("despatchedOn", text.validation.dayUnclear);
  const expected = head.expected.trim() === "" ? undefined : parseRange(head.expected, left);
  if (head.expected.trim() !== "" && !expected) issues.set("expected", text.validation.dayUnclear);
  else if (expected && left && expected.last < left) issues.set("expected", text.validation.beforeDespatch);
  return issues;
}

const given = (typed: string): string | undefined => (typed.trim() === "" ? undefined : typed.trim());

/** The note that the rows amount to, with the parties of `parties`. Call only when nothing is wrong. */
export function buildNote(parties: Pick<DespatchAdvice, "buyer" | "seller" | "shipTo" | "language">, head: DespatchHead, rows: readonly DespatchRow[]): DespatchAdvice {
  const left = head.despatchedOn.trim() === "" ? undefined : parseDay(head.despatchedOn);
  const sent = rows.filter(isSent);
  const taken = new Set(sent.filter((row) => row.part === 0).map((row) => row.source.id));
  const lines = sent.map((row): DespatchLine => {
    const stated = row.outstanding.trim() === "" ? (isLast(sent, row) ? restOf(rows, row) : undefined) : parseDecimal(row.outstanding);
    const delivered = parseDecimal(row.delivered) ?? "0";
    return {
      ...row.source,
      id: row.part === 0 ? row.source.id : freeId(taken, row),
      delivered: sameValue(delivered, row.source.delivered) ? row.source.delivered : delivered,
      outstanding: sameValue(stated, row.source.outstanding) ? row.source.outstanding : stated,
      batch: given(row.batch),
    };
  });
  return {
    ...parties,
    number: head.number.trim(),
    despatchedOn: left,
    expectedDelivery: head.expected.trim() === "" ? undefined : parseRange(head.expected, left),
    carrier: given(head.carrier),
    trackingId: given(head.tracking),
    notes: head.notes.split("\n").map((one) => one.trim()).filter(Boolean),
    lines,
  };
}

/** A further batch is a line of its own: the first number above its order line's that no other line has. */
function freeId(taken: Set<string>, row: DespatchRow): string {
  const start = /^\d{1,9}$/.test(row.source.id) ? Number(row.source.id) : 0;
  for (let next = start + 1; ; next += 1) {
    const id = String(next);
    if (taken.has(id)) continue;
    taken.add(id);
    return id;
  }
}

const issueFields: Record<string, DespatchField> = { outstanding: "outstanding", batch: "batch" };

/** Problems of the engine put beside their cells; rows that are not on the note do not count. */
export function despatchIssuesOfEngine(rows: readonly DespatchRow[], problems: readonly Problem[]) {
  const sent = rows.filter(isSent).map((row) => row.key);
  return problemsByRow(sent, problems, (place) => issueFields[place] ?? "delivered");
}

const places: Record<string, DespatchHeadField> = {
  number: "number",
  despatchedOn: "despatchedOn",
  expectedDelivery: "expected",
  carrier: "carrier",
  trackingId: "tracking",
  notes: "notes",
};

export function despatchHeadIssuesOfEngine(problems: readonly Problem[]): Map<DespatchHeadField, string> {
  const found = new Map<DespatchHeadField, string>();
  for (const { pointer, message } of problems) {
    const field = places[pointer.split("/")[1] ?? ""];
    if (field) found.set(field, message);
  }
  return found;
}
