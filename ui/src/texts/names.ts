/** The words of the field for every code of the API. */

import type {
  Author,
  ChainState,
  DeliveryState,
  DocumentKind,
  HeaderAnswer,
  LineAnswerCode,
  OperationKind,
  PartnerStatus,
  Purpose,
  QuarantineState,
  ReasonCode,
  RejectAction,
  RejectReason,
  VersionState,
} from "../api/types";

export const kindName: Record<DocumentKind, string> = { Order: "Order", DespatchAdvice: "Delivery note" };
export const purposeName: Record<Purpose, string> = {
  Original: "Original",
  Change: "Change",
  Cancellation: "Cancellation",
  Counter: "Counter-offer",
  Final: "Final",
};
export const authorName: Record<Author, string> = { Us: "us", Partner: "partner" };
export const chainStateName: Record<ChainState, string> = {
  Draft: "Draft",
  Issued: "Issued",
  Confirmed: "Confirmed",
  CounterOpen: "Counter open",
  ChangePending: "Change pending",
  CancelPending: "Cancel pending",
  Cancelled: "Cancelled",
  Rejected: "Rejected",
  Closed: "Closed",
};
/** A delivery note is received, not confirmed: the same states in the words of its own kind. */
const despatchStateName: Partial<Record<ChainState, string>> = {
  Confirmed: "Received",
  CounterOpen: "Received with differences",
  Rejected: "Refused",
};
export function stateName(state: ChainState, kind: DocumentKind): string {
  return (kind === "DespatchAdvice" ? despatchStateName[state] : undefined) ?? chainStateName[state];
}
export const headerAnswerName: Record<HeaderAnswer, string> = {
  AB: "acknowledged",
  AP: "accepted",
  RE: "rejected",
  CA: "accepted with changes",
};
export const versionStateName: Record<VersionState, string> = {
  Draft: "Draft",
  Proposed: "Proposed",
  Acknowledged: "Acknowledged",
  Accepted: "Accepted",
  Countered: "Countered",
  Rejected: "Rejected",
  Superseded: "Superseded",
  Withdrawn: "Withdrawn",
};
export const deliveryStateName: Record<DeliveryState, string> = {
  Queued: "Saved",
  Sending: "Sending",
  Delivered: "Delivered",
  Applied: "Applied",
  Retrying: "Retrying",
  Unknown: "Unknown",
  Held: "Held",
  Dead: "Dead letter",
  Withdrawn: "Withdrawn",
};
export const deliveryStateHint: Record<DeliveryState, string> = {
  Queued: "Saved here; waits for its turn to be sent",
  Sending: "On its way to the partner",
  Delivered: "The partner took it",
  Applied: "The partner shows it",
  Retrying: "It failed and is tried again by itself",
  Unknown: "Sent without an answer: the partner is asked whether it arrived",
  Held: "Waits for your decision",
  Dead: "Will not be sent again unless you send it again",
  Withdrawn: "Taken back before it left",
};
export const operationName: Record<OperationKind, string> = {
  confirm: "Confirmation",
  reject: "Rejection",
  counter: "Counter-offer",
  acknowledge: "Acknowledgement",
  receipt: "Receipt",
  submit: "Order",
  update: "Change",
  cancel: "Cancellation",
  close: "Close",
  despatch: "Delivery note",
};
export const lineCodeName: Record<LineAnswerCode, string> = {
  Accepted: "As ordered",
  Changed: "Changed",
  Substituted: "Substitute",
  Backordered: "Backorder",
  Rejected: "Rejected",
  Added: "Added",
  AlreadyDelivered: "Delivered already",
  Held: "Held",
};
export const reasonName: Record<ReasonCode, string> = {
  REF: "References are wrong",
  LEG: "Legal information is wrong",
  REC: "Not meant for us",
  QUA: "Quality",
  DEL: "Delivery",
  PRI: "Price",
  QTY: "Quantity",
  ITM: "Item",
  PAY: "Payment terms",
  UNR: "Not recognised",
  FIN: "Finance",
  OTH: "Other",
};
export const rejectReasonName: Record<RejectReason, string> = {
  Broken: "Broken",
  Quality: "Quality",
  WrongItem: "Wrong item",
  WrongVersion: "Wrong version",
  Label: "Label",
  Price: "Price",
  Packaging: "Packaging",
  PackagingAndDamage: "Packaging and damage",
  Other: "Other",
};
export const rejectActionName: Record<RejectAction, string> = {
  Replace: "Replace",
  CreditAndCancel: "Credit and cancel",
};
export const quarantineStateName: Record<QuarantineState, string> = {
  Open: "Open",
  Resolved: "Resolved",
  Dismissed: "Dismissed",
};
export const partnerStatusName: Record<PartnerStatus, string> = {
  onLine: "On line",
  paused: "Paused",
  credentialsBroken: "Credentials refused",
  unreachable: "Unreachable",
  configurationBroken: "Configuration refused",
};

/** Names of the API's fields where a person reads them: differences, problems. */
const fieldNames: Record<string, string> = {
  quantity: "Quantity",
  unit: "Unit",
  price: "Price",
  priceBase: "Price base",
  taxPercent: "Tax %",
  net: "Net",
  requestedDelivery: "Requested delivery",
  backorderAllowed: "Backorder allowed",
  note: "Note",
  notes: "Notes",
  description: "Description",
  sellerId: "Seller's item",
  buyerId: "Buyer's item",
  gtin: "GTIN",
  item: "Item",
  buyer: "Buyer",
  seller: "Seller",
  shipTo: "Ship to",
  billTo: "Bill to",
  name: "name",
  id: "number",
  street: "street",
  postalCode: "postal code",
  city: "city",
  country: "country",
  contact: "contact",
  email: "e-mail",
  phone: "phone",
  taxId: "tax number",
  gln: "GLN",
  paymentTerms: "Payment terms",
  deliveryTerms: "Delivery terms",
  currency: "Currency",
  issuedAt: "Issued",
  revision: "Revision",
  language: "Language",
  references: "References",
  totals: "Totals",
  tax: "Tax",
  gross: "Total",
  cancelReason: "Cancellation reason",
  delivered: "Delivered",
  outstanding: "Outstanding",
  batch: "Batch",
  carrier: "Carrier",
  trackingId: "Tracking",
  despatchedOn: "Despatched",
  expectedDelivery: "Expected",
  orderNumber: "Order",
  orderLineId: "Order line",
  first: "from",
  last: "to",
};
const wholeNames: Record<string, string> = { "totals.net": "Net total", "totals.tax": "Tax in all", "totals.gross": "Total with tax" };

const lines = (n: number, what: string) => (n === 0 ? "" : `${n} ${n === 1 ? "line" : "lines"} ${what}`);
export const diffCounts = {
  changed: (n: number) => lines(n, "changed"),
  added: (n: number) => lines(n, "added"),
  deleted: (n: number) => lines(n, "deleted"),
};

/** `shipTo.city` -> `Ship to, city`. */
export function fieldName(field: string): string {
  const whole = wholeNames[field];
  if (whole) return whole;
  return field
    .split(".")
    .map((part) => fieldNames[part] ?? part)
    .reduce((all, part) => (/^\d+$/.test(part) ? `${all} ${part}` : `${all}, ${part}`));
}

/**
 * A place in a document or an answer, for people: `/totals/net` -> `Net total`, `/lines/4/net` -> `Line 20, net`. A
 * pointer counts lines from 0; `line` is the line's own number.
 */
export function placeName(pointer: string, line: string | null | undefined): string {
  const [first = "", second = "", ...rest] = pointer.split("/").slice(1);
  if (first === "lines" && second !== "") {
    const named = line ? `Line ${line}` : `Line in place ${Number(second) + 1}`;
    return rest.length === 0 ? named : `${named}, ${fieldName(rest.join(".")).toLowerCase()}`;
  }
  return fieldName([first, second, ...rest].filter(Boolean).join("."));
}

const stepNames: Record<string, string> = { prepare: "read", send: "sent", lookup: "asked", verify: "checked", job: "waited for" };
/** What was done in an attempt; behind it the step of the operation, where it has several. */
export function stepName(step: string): string {
  const [done = step, ...of] = step.split(" ");
  return [stepNames[done] ?? done, ...of].join(" ");
}

/** Detail of an audit row: names of what is worth reading. */
export const detailNames = {
  answer: "answer",
  reason: "reason",
  version: (n: unknown) => `v${n}`,
  fromTo: (from: string, to: string) => `${from} → ${to}`,
  answerHeld: "an answer is held",
  sequenceConflict: "another version has the same sequence",
  sequenceGap: "a version is missing before it",
  late: "came after a later version",
};

/** Words for the audit trail's actions; an unknown one is shown as it is. */
const actionNames: Record<string, string> = {
  version: "Version arrived",
  confirm: "Confirmed",
  reject: "Rejected",
  counter: "Counter-offer made",
  acknowledge: "Acknowledged",
  receipt: "Receipt recorded",
  submit: "Order issued",
  update: "Change issued",
  cancel: "Cancellation issued",
  close: "Closed",
  despatch: "Delivery note issued",
  issueDelivered: "The partner has it",
  answerDelivered: "The partner has the answer",
  answerRefused: "The answer changed nothing here",
  answered: "Answered by the partner",
  takenBack: "Taken back before it left",
  effectUndone: "The partner failed to carry it out",
  applied: "Applied by the partner",
  held: "Held for a decision",
  dead: "Given up: a dead letter",
  replay: "Sent again in a new operation",
  retry: "Sent again by hand",
  release: "Released although superseded",
  withdraw: "Answer withdrawn",
  duplicate: "Duplicate ignored",
  conflict: "Conflicting version stored",
};
export function actionName(action: string): string {
  return actionNames[action] ?? action;
}

/** Who did it, without the kind of actor: a person's name, a partner's, or the program itself. */
export function actorName(actor: string, partnerName: (id: string) => string = (id) => id): string {
  const [kind, ...rest] = actor.split(":");
  const name = rest.join(":");
  if (actor === "engine") return "Countersign";
  return kind === "partner" ? partnerName(name) : kind === "user" ? name : actor;
}
