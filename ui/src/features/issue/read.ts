/** An order from a file or the clipboard: JSON in canonical form, every problem at once. */

import type { Item, Order, OrderLine, Party } from "../../api/types";
import type { Problem } from "../../components/cells";
import { decimal } from "../../texts/decimal";
import { text } from "../../texts/en";

export type ReadOrder = { order: Order; partner: string | undefined } | { problems: Problem[] };

const DECIMALS = new Set(["quantity", "price", "priceBase", "taxPercent"]);

type Json = Record<string, unknown>;
const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value);

/** A decimal written as a number keeps the digits that it was written with, where the engine tells them. */
function revive(key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== "number" || !DECIMALS.has(key)) return value;
  return context?.source ?? String(value);
}

/** The order itself, or one wrapped as the API takes and gives it. */
function unwrapped(value: unknown): { document: unknown; partner: string | undefined; at: string } {
  if (!isObject(value)) return { document: value, partner: undefined, at: "" };
  const partner = typeof value["partner"] === "string" ? value["partner"] : undefined;
  if (isObject(value["document"])) {
    const inner = unwrapped(value["document"]);
    return { document: inner.document, partner, at: `/document${inner.at}` };
  }
  if (isObject(value["Order"])) return { document: value["Order"], partner, at: "/Order" };
  return { document: value, partner: undefined, at: "" };
}

export function readOrder(source: string): ReadOrder {
  let parsed: unknown;
  try {
    parsed = JSON.parse(source, revive as (key: string, value: unknown) => unknown);
  } catch {
    return { problems: [{ pointer: "", message: text.issue.notJson }] };
  }
  const { document, partner, at } = unwrapped(parsed);
  const problems: Problem[] = [];
  const found = (pointer: string, message: string) => problems.push({ pointer: at + pointer, message });
  if (!isObject(document)) return { problems: [{ pointer: at, message: text.issue.wantsObject }] };
  const lines = document["lines"];
  const noteLine = Array.isArray(lines) && lines.some((line) => isObject(line) && "orderLineId" in line);
  if (noteLine || isObject(document["DespatchAdvice"])) return { problems: [{ pointer: at, message: text.issue.wantsOrder }] };

  for (const field of ["number", "currency"]) {
    if (document[field] === undefined) found(`/${field}`, text.issue.missing);
    else if (typeof document[field] !== "string") found(`/${field}`, text.issue.wantsText);
  }
  for (const field of ["buyer", "seller", "shipTo", "billTo", "requestedDelivery"]) {
    if (document[field] != null && !isObject(document[field])) found(`/${field}`, text.issue.wantsObject);
  }
  if (!Array.isArray(lines)) found("/lines", lines === undefined ? text.issue.missing : text.issue.wantsLines);
  const read = (Array.isArray(lines) ? lines : []).map((line: unknown, index) => readLine(line, `/lines/${index}`, found));
  if (problems.length > 0) return { problems };
  const order = {
    ...document,
    buyer: (document["buyer"] ?? {}) as Party,
    seller: (document["seller"] ?? {}) as Party,
    lines: read,
  } as unknown as Order;
  return { order, partner };
}

function readLine(line: unknown, at: string, found: (pointer: string, message: string) => void): OrderLine | undefined {
  if (!isObject(line)) {
    found(at, text.issue.wantsObject);
    return undefined;
  }
  for (const field of ["id", "unit", "quantity"]) {
    if (line[field] === undefined) found(`${at}/${field}`, text.issue.missing);
  }
  for (const field of ["id", "unit"]) {
    if (line[field] !== undefined && typeof line[field] !== "string") found(`${at}/${field}`, text.issue.wantsText);
  }
  for (const field of DECIMALS) {
    const value = line[field];
    if (value == null) continue;
    if (typeof value !== "string" || !decimal(value)) found(`${at}/${field}`, text.issue.wantsNumber);
  }
  for (const field of ["item", "requestedDelivery", "net"]) {
    if (line[field] != null && !isObject(line[field])) found(`${at}/${field}`, text.issue.wantsObject);
  }
  return { ...line, item: (line["item"] ?? {}) as Item } as unknown as OrderLine;
}

/** A copy to begin a new order with: nothing of it says which version of which order it was. */
export function copyOf(order: Order): Order {
  return { ...order, number: "", revision: undefined, issuedAt: undefined, cancelReason: undefined };
}

/** An order with nothing in it. */
export function blankOrder(): Order {
  return { number: "", currency: "EUR", buyer: {}, seller: {}, lines: [] };
}
