import type { DespatchAdvice, DocumentDetail, DocumentRow, OperationRow, Order } from "../src/api/types";

export function order(change: Partial<Order> = {}): Order {
  return {
    number: "PO-10000001",
    currency: "EUR",
    issuedAt: "2026-11-01T08:00:00.000Z",
    buyer: { name: "Buyer" },
    seller: { name: "Seller" },
    requestedDelivery: { first: "2026-12-01", last: "2026-12-01" },
    lines: [
      { id: "10", item: { description: "Bolt" }, quantity: "100", unit: "PCE", price: "2.50", net: { minor: 25000, currency: "EUR" } },
      { id: "20", item: { description: "Nut" }, quantity: "40.0", unit: "PCE", price: "1.005", requestedDelivery: { first: "2026-12-01", last: "2026-12-05" } },
      { id: "30", item: { description: "Washer" }, quantity: "7", unit: "PCE", price: "10", priceBase: "100", backorderAllowed: false },
    ],
    ...change,
  };
}

export function despatch(): DespatchAdvice {
  return {
    number: "DN-1",
    buyer: { name: "Buyer" },
    seller: { name: "Seller" },
    despatchedOn: "2026-11-02",
    lines: [
      { id: "1", orderNumber: "PO-1", orderLineId: "10", item: { description: "Bolt" }, delivered: "100", unit: "PCE" },
      { id: "2", orderNumber: "PO-1", orderLineId: "20", item: { description: "Nut" }, delivered: "12.5", unit: "KGM" },
    ],
  };
}

export function row(id: number, change: Partial<DocumentRow> = {}): DocumentRow {
  return {
    id,
    company: "main",
    partner: "sandbox",
    kind: "Order",
    side: "Seller",
    number: `PO-${id}`,
    counterparty: `Party ${id}`,
    state: "Issued",
    current: 1,
    currentState: "Proposed",
    currentPurpose: "Original",
    agreed: null,
    needsAnswer: true,
    promisedOn: "2026-12-01",
    answerDue: null,
    lineCount: 3,
    total: { minor: 12345, currency: "EUR" },
    changeSummary: null,
    conflict: false,
    gap: false,
    doubtful: false,
    operation: null,
    updatedAt: "2026-11-20T10:00:00.000Z",
    ...change,
  };
}

export function operation(change: Partial<OperationRow> = {}): OperationRow {
  return {
    id: "0190-op",
    company: "main",
    partner: "sandbox",
    document: 1,
    documentKind: "Order",
    documentNumber: "PO-1",
    version: 1,
    kind: "confirm",
    answer: { code: "AP" },
    state: "Queued",
    attempts: 0,
    createdAt: "2026-11-20T10:00:00.000Z",
    updatedAt: "2026-11-20T10:00:00.000Z",
    actor: "user:maria",
    ...change,
  };
}

export function detail(change: Partial<DocumentDetail> = {}): DocumentDetail {
  const head = change.row ?? row(1);
  return {
    row: head,
    chain: { kind: "Order", side: "Seller", state: head.state, versions: [], pending: [] },
    versions: [
      {
        number: 1,
        purpose: "Original",
        author: "Partner",
        state: "Proposed",
        hash: "00",
        payload: 1,
        actor: "partner:sandbox",
        receivedAt: "2026-11-20T10:00:00.000Z",
      },
    ],
    operations: [],
    allowed: ["confirm", "reject", "counter", "acknowledge"],
    possible: [],
    received: [],
    doubts: [],
    ...change,
  };
}
