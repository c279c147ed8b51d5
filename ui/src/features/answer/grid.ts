/**
 * The counter-offer's grid as pure functions: rows as a person types them, what each amounts to, what is wrong, and
 * the answer built from them. The engine checks again; these rules are here so that nobody has to wait for it.
 */

import type { Item, LineAnswer, LineAnswerCode, Order, OrderLine, OrderResponse, ReasonCode } from "../../api/types";
import { type CellIssue, type CellIssues, type Problem, problemsByRow } from "../../components/cells";
import { add, compare, type Decimal, decimal, lineMinor, sameValue, subtract, toText, ZERO } from "../../texts/decimal";
import { editDecimal, formatDay, formatDecimal, parseDay, parseDecimal, today } from "../../texts/format";
import { text } from "../../texts/en";

/** What a row offers: the line itself (as ordered or changed), another item, later, nothing, or no word yet. */
export type RowMode = "offer" | "substitute" | "backorder" | "reject" | "held";
export type Field = "quantity" | "price" | "date" | "substituteId" | "substituteText" | "reasonCode" | "reasonText";

/** One answer line as it stands on the screen; several with one `lineId` are a split delivery. */
export interface AnswerRow {
  key: string;
  lineId: string;
  /** 0 for the first row of its line. */
  part: number;
  mode: RowMode;
  /** As typed, in the person's locale. */
  quantity: string;
  price: string;
  date: string;
  substituteId: string;
  substituteText: string;
  reasonCode: string;
  reasonText: string;
}

export type Issue = CellIssue<Field | "code">;
export type Issues = CellIssues<Field | "code">;

/** The day that a line is promised for when nothing is changed: the last day that the buyer asks for. */
export function askedDay(line: OrderLine, order: Order): string | undefined {
  return line.requestedDelivery?.last ?? order.requestedDelivery?.last ?? undefined;
}

export function freshRow(line: OrderLine, order: Order): AnswerRow {
  const day = askedDay(line, order);
  return {
    key: `${line.id}#0`,
    lineId: line.id,
    part: 0,
    mode: "offer",
    quantity: editDecimal(line.quantity),
    price: editDecimal(line.price),
    date: day ? formatDay(day) : "",
    substituteId: "",
    substituteText: "",
    reasonCode: "",
    reasonText: "",
  };
}

export function freshRows(order: Order): AnswerRow[] {
  return order.lines.map((line) => freshRow(line, order));
}

/**
 * Sets a field. While the parts of a split line come to what is ordered, the first part gives or takes the difference
 * when the quantity of another one is typed.
 */
export function setField(rows: readonly AnswerRow[], key: string, field: Field, value: string, order: Order): AnswerRow[] {
  const changed = rows.map((row) => (row.key === key ? { ...row, [field]: value } : row));
  const row = rows.find((one) => one.key === key);
  const ordered = decimal(order.lines.find((line) => line.id === row?.lineId)?.quantity ?? "");
  if (field !== "quantity" || !row || row.part === 0 || !ordered) return changed;
  if (compare(sumOf(partsOf(rows, row.lineId)), ordered) !== 0) return changed;
  const others = sumOf(partsOf(changed, row.lineId).filter((one) => one.part > 0));
  const rest = subtract(ordered, others);
  if (compare(rest, ZERO) <= 0) return changed;
  return changed.map((one) => (one.lineId === row.lineId && one.part === 0 ? { ...one, quantity: editDecimal(toText(rest)) } : one));
}

/** Sets what a row offers. A backorder promises no day until one is typed. */
export function setMode(rows: readonly AnswerRow[], key: string, mode: RowMode, order: Order): AnswerRow[] {
  return rows.map((row) => {
    if (row.key !== key || row.mode === mode) return row;
    const line = order.lines.find((one) => one.id === row.lineId);
    const asked = line ? askedDay(line, order) : undefined;
    const untouched = asked !== undefined && row.date === formatDay(asked);
    const date = mode === "backorder" && untouched ? "" : mode === "offer" && row.date === "" && asked ? formatDay(asked) : row.date;
    return { ...row, mode, date };
  });
}

/** Rows of one line, in order. */
export function partsOf(rows: readonly AnswerRow[], lineId: string): AnswerRow[] {
  return rows.filter((row) => row.lineId === lineId);
}

/** Adds a row for the line after its last one, with the quantity that is still open. */
export function split(rows: readonly AnswerRow[], key: string, order: Order): { rows: AnswerRow[]; key: string } {
  const row = rows.find((one) => one.key === key);
  const line = order.lines.find((one) => one.id === row?.lineId);
  if (!row || !line) return { rows: [...rows], key };
  const parts = partsOf(rows, line.id);
  const ordered = decimal(line.quantity) ?? ZERO;
  const open = subtract(ordered, sumOf(parts));
  const part = Math.max(...parts.map((one) => one.part)) + 1;
  const added: AnswerRow = {
    ...freshRow(line, order),
    key: `${line.id}#${part}`,
    part,
    price: row.price,
    quantity: compare(open, ZERO) > 0 ? editDecimal(toText(open)) : "",
    date: "",
  };
  const last = rows.findLastIndex((one) => one.lineId === line.id);
  return { rows: [...rows.slice(0, last + 1), added, ...rows.slice(last + 1)], key: added.key };
}

/** Removes a split row; the first row of a line stays. */
export function unsplit(rows: readonly AnswerRow[], key: string): AnswerRow[] {
  return rows.filter((row) => row.key !== key || row.part === 0);
}

/** The line as ordered again: one row, nothing changed. */
export function resetLine(rows: readonly AnswerRow[], lineId: string, order: Order): AnswerRow[] {
  const line = order.lines.find((one) => one.id === lineId);
  if (!line) return [...rows];
  return rows.flatMap((row) => (row.lineId !== lineId ? [row] : row.part === 0 ? [freshRow(line, order)] : []));
}

function sumOf(parts: readonly AnswerRow[]): Decimal {
  return parts.reduce<Decimal>((sum, row) => {
    const quantity = decimal(parseDecimal(row.quantity) ?? "");
    return quantity ? add(sum, quantity) : sum;
  }, ZERO);
}

function dayOf(row: AnswerRow, line: OrderLine, order: Order): string | undefined {
  return row.date.trim() === "" ? undefined : parseDay(row.date, askedDay(line, order));
}

function dayDiffers(day: string | undefined, line: OrderLine, order: Order): boolean {
  if (day === undefined) return false;
  const asked = line.requestedDelivery ?? order.requestedDelivery;
  return !asked || day < asked.first || day > asked.last;
}

/** The code that a row comes to. `isSplit`: its line has several rows, so its quantity alone is no change. */
export function codeOf(row: AnswerRow, line: OrderLine, order: Order, isSplit: boolean): LineAnswerCode {
  switch (row.mode) {
    case "reject":
      return "Rejected";
    case "backorder":
      return "Backordered";
    case "substitute":
      return "Substituted";
    case "held":
      return "Held";
    case "offer": {
      const quantity = !isSplit && !sameValue(parseDecimal(row.quantity), line.quantity);
      const price = row.price.trim() !== "" && !sameValue(parseDecimal(row.price), line.price);
      return quantity || price || dayDiffers(dayOf(row, line, order), line, order) ? "Changed" : "Accepted";
    }
  }
}

/** Whether the row keeps the ordered quantity unless its line is split (the engine's rule). */
export function quantityFixed(mode: RowMode, isSplit: boolean): boolean {
  return !isSplit && (mode === "backorder" || mode === "reject" || mode === "held");
}

function rowIssues(row: AnswerRow, line: OrderLine, order: Order, isSplit: boolean): Issue[] {
  const issues: Issue[] = [];
  const found = (field: Issue["field"], message: string) => issues.push({ field, message });
  if (!quantityFixed(row.mode, isSplit)) {
    const quantity = decimal(parseDecimal(row.quantity) ?? "");
    if (!quantity) found("quantity", text.validation.number);
    else if (compare(quantity, ZERO) <= 0) found("quantity", text.validation.positive);
  }
  if (row.mode === "offer" || row.mode === "substitute") {
    const price = decimal(parseDecimal(row.price) ?? "");
    if (row.price.trim() !== "" && !price) found("price", text.validation.number);
    else if (price && compare(price, ZERO) < 0) found("price", text.validation.notNegative);
    else if (row.price.trim() === "" && line.price != null) found("price", text.validation.number);
  }
  if (row.mode !== "reject") {
    const day = dayOf(row, line, order);
    if (row.date.trim() !== "" && !day) found("date", text.validation.dayUnclear);
    else if (day && order.issuedAt && day < today(new Date(order.issuedAt)) && day !== askedDay(line, order)) {
      found("date", text.validation.beforeIssued);
    }
    if (isSplit && row.mode === "offer" && row.date.trim() === "") found("date", text.validation.dayNeeded);
  }
  if (row.mode === "substitute" && row.substituteId.trim() === "" && row.substituteText.trim() === "") {
    found("substituteId", text.validation.substituteNeeded);
  }
  if (row.mode === "backorder" && line.backorderAllowed === false) found("code", text.validation.noBackorder);
  if (row.mode === "reject" && row.reasonCode === "") found("reasonCode", text.validation.reasonNeeded);
  if (row.reasonCode === "OTH" && row.reasonText.trim() === "") found("reasonText", text.validation.textNeeded);
  return issues;
}

/** Everything that is wrong, by row. */
export function validate(order: Order, rows: readonly AnswerRow[]): Issues {
  const lines = new Map(order.lines.map((line) => [line.id, line]));
  const byLine = new Map<string, AnswerRow[]>();
  for (const row of rows) byLine.set(row.lineId, [...(byLine.get(row.lineId) ?? []), row]);
  const issues = new Map<string, Issue[]>();
  for (const [lineId, parts] of byLine) {
    const line = lines.get(lineId);
    if (!line) continue;
    const isSplit = parts.length > 1;
    for (const row of parts) {
      const found = rowIssues(row, line, order, isSplit);
      if (found.length > 0) issues.set(row.key, found);
    }
    const last = parts.at(-1);
    if (!isSplit || !last || parts.some((row) => issues.get(row.key)?.some((one) => one.field === "quantity"))) continue;
    const sum = sumOf(parts);
    if (compare(sum, decimal(line.quantity) ?? ZERO) !== 0) {
      const over = compare(sum, decimal(line.quantity) ?? ZERO) > 0;
      const say = over ? text.validation.sumOver : text.validation.sumDiffers;
      const message = say(formatDecimal(toText(sum)), formatDecimal(line.quantity));
      issues.set(last.key, [...(issues.get(last.key) ?? []), { field: "quantity", message }]);
    }
  }
  return issues;
}

/** Every line is rejected: that is a rejection of the document, with one reason. */
export function allRejected(rows: readonly AnswerRow[]): boolean {
  return rows.length > 0 && rows.every((row) => row.mode === "reject");
}

function answerLine(row: AnswerRow, line: OrderLine, order: Order, isSplit: boolean): LineAnswer {
  const code = codeOf(row, line, order, isSplit);
  const answer: LineAnswer = { lineId: row.lineId, code };
  const quantity = parseDecimal(row.quantity);
  answer.quantity = quantityFixed(row.mode, isSplit) || quantity === undefined ? line.quantity : quantity;
  if (code === "Changed" || code === "Substituted") {
    const price = parseDecimal(row.price);
    if (price !== undefined && !sameValue(price, line.price)) answer.price = price;
  }
  const day = dayOf(row, line, order);
  if (code !== "Rejected" && day !== undefined && (isSplit || code === "Backordered" || day !== askedDay(line, order))) {
    answer.date = day;
  }
  if (code === "Substituted") {
    const item: Item = {};
    if (row.substituteId.trim()) item.sellerId = row.substituteId.trim();
    if (row.substituteText.trim()) item.description = row.substituteText.trim();
    answer.substitute = item;
  }
  if (row.reasonCode !== "" && code !== "Accepted") {
    answer.reason = { code: row.reasonCode as ReasonCode, ...(row.reasonText.trim() ? { text: row.reasonText.trim() } : {}) };
  }
  return answer;
}

/**
 * The answer that the rows amount to: a confirmation (AP, no lines) when nothing differs, else a counter-offer (CA)
 * that states every line in the order of the rows. Call only when `validate` found nothing.
 */
export function toOrderResponse(order: Order, rows: readonly AnswerRow[], note: string): OrderResponse {
  const lines = new Map(order.lines.map((line) => [line.id, line]));
  const counts = new Map<string, number>();
  for (const row of rows) counts.set(row.lineId, (counts.get(row.lineId) ?? 0) + 1);
  const answers = rows.flatMap((row) => {
    const line = lines.get(row.lineId);
    return line ? [answerLine(row, line, order, (counts.get(row.lineId) ?? 0) > 1)] : [];
  });
  const asOrdered = [...counts.values()].every((count) => count === 1) && answers.every((one) => one.code === "Accepted" && one.date === undefined);
  const words = note.trim() ? { note: note.trim() } : {};
  return asOrdered ? { code: "AP", ...words } : { code: "CA", ...words, lines: answers };
}

export interface Comparison {
  /** Net in minor units; undefined where a price is missing. */
  ordered: bigint | undefined;
  answered: bigint | undefined;
  /** Lines that are not simply accepted. */
  differing: number;
  lastAsked: string | undefined;
  lastPromised: string | undefined;
}

/** What one row comes to, in minor units. Nothing for a rejected one. */
export function rowMinor(row: AnswerRow, line: OrderLine, isSplit: boolean, currency: string): bigint | undefined {
  if (row.mode === "reject") return 0n;
  const quantity = decimal(quantityFixed(row.mode, isSplit) ? line.quantity : (parseDecimal(row.quantity) ?? ""));
  const price = decimal(parseDecimal(row.price) ?? line.price ?? "");
  if (!quantity || !price) return undefined;
  return lineMinor(quantity, price, decimal(line.priceBase ?? "1") ?? { units: 1n, scale: 0 }, currency);
}

export function orderedMinor(line: OrderLine, currency: string): bigint | undefined {
  const quantity = decimal(line.quantity);
  const price = decimal(line.price ?? "");
  // Worked out like the answer's, so that a line as ordered shows no difference of rounding.
  if (quantity && price) return lineMinor(quantity, price, decimal(line.priceBase ?? "1") ?? { units: 1n, scale: 0 }, currency);
  return line.net ? BigInt(line.net.minor) : undefined;
}

const total = (values: (bigint | undefined)[]): bigint | undefined =>
  values.some((value) => value === undefined) ? undefined : values.reduce<bigint>((sum, value) => sum + (value ?? 0n), 0n);

const latest = (days: (string | undefined)[]): string | undefined => {
  const known = days.filter((day) => day !== undefined).sort();
  return known.at(-1);
};

/** The order beside the answer, for the line at the foot of the grid. */
export function compareWithOrder(order: Order, rows: readonly AnswerRow[]): Comparison {
  const lines = new Map(order.lines.map((line) => [line.id, line]));
  const counts = new Map<string, number>();
  for (const row of rows) counts.set(row.lineId, (counts.get(row.lineId) ?? 0) + 1);
  const differing = new Set<string>();
  const amounts: (bigint | undefined)[] = [];
  const promised: (string | undefined)[] = [];
  for (const row of rows) {
    const line = lines.get(row.lineId);
    if (!line) continue;
    const isSplit = (counts.get(row.lineId) ?? 0) > 1;
    if (isSplit || codeOf(row, line, order, isSplit) !== "Accepted") differing.add(row.lineId);
    amounts.push(rowMinor(row, line, isSplit, order.currency));
    if (row.mode !== "reject") promised.push(dayOf(row, line, order));
  }
  return {
    ordered: total(order.lines.map((line) => orderedMinor(line, order.currency))),
    answered: total(amounts),
    differing: differing.size,
    lastAsked: latest(order.lines.map((line) => askedDay(line, order))),
    lastPromised: latest(promised),
  };
}

function touched(rows: readonly AnswerRow[], line: OrderLine, order: Order): boolean {
  const first = rows[0];
  return rows.length > 1 || first === undefined || JSON.stringify(first) !== JSON.stringify(freshRow(line, order));
}

/** A draft for one version taken over to a newer one: what was typed stays, what was left alone follows the order. */
export function carryOver(rows: readonly AnswerRow[], before: Order, now: Order): AnswerRow[] {
  const old = new Map(before.lines.map((line) => [line.id, line]));
  return now.lines.flatMap((line) => {
    const was = old.get(line.id);
    const parts = partsOf(rows, line.id);
    if (!was || parts.length === 0 || !touched(parts, was, before)) return [freshRow(line, now)];
    const untouchedRow = freshRow(was, before);
    const fresh = freshRow(line, now);
    return parts.map((row) => {
      const keep = (field: "quantity" | "price" | "date") => (row[field] === untouchedRow[field] ? fresh[field] : row[field]);
      return { ...row, quantity: keep("quantity"), price: keep("price"), date: keep("date") };
    });
  });
}

const issueFields: Record<string, Issue["field"]> = {
  quantity: "quantity",
  price: "price",
  date: "date",
  substitute: "substituteId",
  reason: "reasonCode",
  "reason/text": "reasonText",
};

/** Problems of the engine put beside their fields: `/lines/3/quantity` belongs to the fourth row. */
export function issuesFromProblems(rows: readonly AnswerRow[], problems: readonly Problem[]): { rows: Issues; rest: Problem[] } {
  const keys = rows.map((row) => row.key);
  return problemsByRow(keys, problems, (place) => issueFields[place] ?? issueFields[place.split("/")[0] ?? ""] ?? "code");
}
