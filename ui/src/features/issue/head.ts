/** The header of an order of ours as typed: what may change, and what is wrong with it. */

import type { Order, Party } from "../../api/types";
import type { Problem } from "../../components/cells";
import { formatRange, parseRange } from "../../texts/format";
import { text } from "../../texts/en";

export interface OrderHead {
  number: string;
  currency: string;
  buyer: string;
  seller: string;
  requested: string;
  deliveryTerms: string;
  paymentTerms: string;
  shipName: string;
  shipStreet: string;
  shipPostal: string;
  shipCity: string;
  shipCountry: string;
  notes: string;
}

export type HeadField = keyof OrderHead;
export type HeadIssues = ReadonlyMap<HeadField, string>;

export function headOf(order: Order): OrderHead {
  const ship = order.shipTo;
  return {
    number: order.number,
    currency: order.currency,
    buyer: order.buyer.name ?? "",
    seller: order.seller.name ?? "",
    requested: formatRange(order.requestedDelivery),
    deliveryTerms: order.deliveryTerms ?? "",
    paymentTerms: order.paymentTerms ?? "",
    shipName: ship?.name ?? "",
    shipStreet: (ship?.street ?? []).join(", "),
    shipPostal: ship?.postalCode ?? "",
    shipCity: ship?.city ?? "",
    shipCountry: ship?.country ?? "",
    notes: (order.notes ?? []).join("\n"),
  };
}

const given = (typed: string): string | undefined => (typed.trim() === "" ? undefined : typed.trim());

function named(party: Party, name: string): Party {
  return name === (party.name ?? "") ? party : { ...party, name: given(name) };
}

function shipTo(order: Order, head: OrderHead, was: OrderHead): Party | null | undefined {
  const fields = ["shipName", "shipStreet", "shipPostal", "shipCity", "shipCountry"] as const;
  if (fields.every((field) => head[field] === was[field])) return order.shipTo;
  if (fields.every((field) => head[field].trim() === "")) return undefined;
  // Another name or place is another party: numbers that named the old one are not carried along.
  const moved = fields.some((field) => field !== "shipName" && head[field] !== was[field]);
  const old = order.shipTo ?? {};
  return {
    ...(moved || head.shipName !== was.shipName ? { contact: old.contact, email: old.email, phone: old.phone } : old),
    name: given(head.shipName),
    street: head.shipStreet === was.shipStreet ? old.street : head.shipStreet.split(",").map((one) => one.trim()).filter(Boolean),
    postalCode: given(head.shipPostal),
    city: given(head.shipCity),
    country: given(head.shipCountry),
  };
}

/** The order with the header as typed; what was left alone stays exactly as it was. */
export function withHead(order: Order, head: OrderHead): Order {
  const was = headOf(order);
  const left = (field: HeadField) => head[field] === was[field];
  return {
    ...order,
    number: left("number") ? order.number : head.number.trim(),
    currency: left("currency") ? order.currency : head.currency.trim().toUpperCase(),
    buyer: named(order.buyer, head.buyer),
    seller: named(order.seller, head.seller),
    requestedDelivery: left("requested") ? order.requestedDelivery : parseRange(head.requested),
    deliveryTerms: left("deliveryTerms") ? order.deliveryTerms : given(head.deliveryTerms),
    paymentTerms: left("paymentTerms") ? order.paymentTerms : given(head.paymentTerms),
    shipTo: shipTo(order, head, was),
    notes: left("notes") ? order.notes : head.notes.split("\n").map((one) => one.trim()).filter(Boolean),
  };
}

/** Fields that differ from the version that the partner has. */
export function headChanges(base: Order, head: OrderHead): HeadField[] {
  const was = headOf(base);
  return (Object.keys(was) as HeadField[]).filter((field) => head[field].trim() !== was[field].trim());
}

export function headIssues(order: Order, head: OrderHead): HeadIssues {
  const issues = new Map<HeadField, string>();
  if (head.number.trim() === "") issues.set("number", text.validation.numberNeeded);
  if (!/^[A-Za-z]{3}$/.test(head.currency.trim())) issues.set("currency", text.validation.currency);
  const asked = head.requested.trim();
  if (asked !== "" && head.requested !== formatRange(order.requestedDelivery) && !parseRange(asked)) issues.set("requested", text.validation.dayUnclear);
  const country = head.shipCountry.trim();
  if (country !== "" && country !== (order.shipTo?.country ?? "") && !/^[A-Z]{2}$/.test(country)) issues.set("shipCountry", text.validation.country);
  return issues;
}

const places: Record<string, HeadField> = {
  number: "number",
  currency: "currency",
  requestedDelivery: "requested",
  deliveryTerms: "deliveryTerms",
  paymentTerms: "paymentTerms",
  notes: "notes",
  "shipTo/name": "shipName",
  "shipTo/street": "shipStreet",
  "shipTo/postalCode": "shipPostal",
  "shipTo/city": "shipCity",
  "shipTo/country": "shipCountry",
  buyer: "buyer",
  seller: "seller",
};

/** Problems of the engine that belong to fields of the header. */
export function headIssuesOfEngine(problems: readonly Problem[]): Map<HeadField, string> {
  const found = new Map<HeadField, string>();
  for (const { pointer, message } of problems) {
    const parts = pointer.split("/").slice(1);
    const field = places[parts.slice(0, 2).join("/")] ?? places[parts[0] ?? ""];
    if (field) found.set(field, found.has(field) ? `${found.get(field)} ${message}` : message);
  }
  return found;
}
