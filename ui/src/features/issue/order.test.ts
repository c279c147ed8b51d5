import { describe, expect, test } from "vitest";
import { order } from "../../../test/fixtures";
import type { LineQuantities, Order } from "../../api/types";
import { headChanges, headIssues, headIssuesOfEngine, headOf, withHead } from "./head";
import {
  addLine,
  buildOrder,
  carryOver,
  changeOf,
  changesOf,
  issuesOfEngine,
  orderIssues,
  type OrderRow,
  resetRow,
  rowsOf,
  setCell,
  settledDays,
  takeValues,
  toggleRemoved,
  totalsOf,
} from "./order";
import { blankOrder, copyOf, readOrder } from "./read";

const po = order({ totals: { net: { minor: 29090, currency: "EUR" } } });
const keyOf = (rows: readonly OrderRow[], line: string) => rows.find((row) => row.line === line)?.key ?? "?";
const cell = (rows: readonly OrderRow[], line: string, field: Parameters<typeof setCell>[2], value: string) => setCell(rows, keyOf(rows, line), field, value);
const problems = (rows: readonly OrderRow[], of: Order = po, delivered: LineQuantities[] = []) =>
  [...orderIssues(of, rows, delivered)].flatMap(([key, issues]) => issues.map((one) => `${rows.find((row) => row.key === key)?.line} ${one.field}`));
const left = (lineId: string, delivered: string): LineQuantities => ({
  lineId, delivered, ordered: "100", confirmed: "100", backordered: "0", rejected: "0", outstanding: "0", received: "0", refused: "0", closedShort: "0",
});

describe("a change of an order", () => {
  test("nothing typed is the order as it was, to the byte", () => {
    const rows = rowsOf(po, false);
    expect(JSON.stringify(buildOrder(withHead(po, headOf(po)), rows))).toBe(JSON.stringify(po));
    expect(changesOf(po, po, rows)).toMatchObject({ changed: 0, added: 0, removed: 0 });
    expect(headChanges(po, headOf(po))).toEqual([]);
  });

  test("the same value written otherwise is no change, and keeps the digits of before", () => {
    const rows = cell(cell(rowsOf(po, false), "20", "quantity", "40"), "10", "price", "2.5");
    expect(rows.map((row) => changeOf(row, po))).toEqual(["same", "same", "same"]);
    expect(buildOrder(po, rows).lines.map((line) => [line.quantity, line.price])).toEqual([["100", "2.50"], ["40.0", "1.005"], ["7", "10"]]);
  });

  test("quantity, price and day: the line's net and the totals follow, what was left alone stays", () => {
    let rows = cell(cell(rowsOf(po, false), "10", "quantity", "120"), "20", "price", "1.10");
    rows = cell(rows, "30", "date", "2026-12-24");
    const next = buildOrder(po, rows);
    expect(next.lines[0]).toEqual({ ...po.lines[0], quantity: "120", net: { minor: 30000, currency: "EUR" } });
    // It had no total of its own, and gets none.
    expect(next.lines[1]?.net).toBeUndefined();
    expect(next.lines[1]).toMatchObject({ price: "1.10", requestedDelivery: po.lines[1]?.requestedDelivery });
    expect(next.lines[2]?.requestedDelivery).toEqual({ first: "2026-12-24", last: "2026-12-24" });
    // 7 at 10.00 per hundred.
    expect(next.totals).toEqual({ net: { minor: 30000 + 4400 + 70, currency: "EUR" } });
    expect(changesOf(po, po, rows)).toEqual({ changed: 3, added: 0, removed: 0, before: 29090n, after: 34470n });
  });

  test("a partner's own rounding of a line that is left alone is not touched", () => {
    const odd = order({ lines: po.lines.map((line) => ({ ...line, net: { minor: 12345, currency: "EUR" } })) });
    const rows = setCell(rowsOf(odd, false), "0", "quantity", "1");
    expect(buildOrder(odd, rows).lines.map((line) => line.net?.minor)).toEqual([250, 12345, 12345]);
  });

  test("a removed line is left out, and put back; an added one is sent, and gone when removed", () => {
    let rows = toggleRemoved(rowsOf(po, false), "1");
    expect(buildOrder(po, rows).lines.map((line) => line.id)).toEqual(["10", "30"]);
    expect(changeOf(rows[1] as OrderRow, po)).toBe("removed");
    rows = toggleRemoved(rows, "1");
    expect(buildOrder(po, rows)).toEqual(po);
    const { rows: more, key } = addLine(rows);
    expect(more.at(-1)).toMatchObject({ line: "40", unit: "PCE", added: true, open: true });
    const filled = setCell(setCell(setCell(more, key, "quantity", "3"), key, "price", "4.005"), key, "itemId", "S-9");
    expect(buildOrder(po, filled).lines.at(-1)).toMatchObject({ id: "40", item: { sellerId: "S-9" }, quantity: "3", unit: "PCE", price: "4.005", net: { minor: 1202, currency: "EUR" } });
    expect(toggleRemoved(filled, key)).toHaveLength(3);
    expect(addLine(filled).key).not.toBe(key);
  });

  test("a row as the partner has it again", () => {
    expect(resetRow(cell(rowsOf(po, false), "10", "quantity", "1"), "0")).toEqual(rowsOf(po, false));
  });

  test("days: one, several, counted from the day asked for, none", () => {
    const [row] = cell(rowsOf(po, false), "10", "date", "+7") as [OrderRow];
    expect(settledDays(row, po)).toBe("12/08/2026");
    const days = (value: string) => buildOrder(po, cell(rowsOf(po, false), "10", "date", value)).lines[0]?.requestedDelivery;
    expect(days("2026-12-10..2026-12-12")).toEqual({ first: "2026-12-10", last: "2026-12-12" });
    expect(days("")).toBeUndefined();
    expect(problems(cell(rowsOf(po, false), "10", "date", "2026-12-12..2026-12-10"))).toEqual(["10 date"]);
  });

  test("the counter-offer's values beside ours", () => {
    const counter = order({ lines: [{ ...po.lines[0], id: "10", item: {}, unit: "PCE", quantity: "80", price: "2.60" }] });
    const rows = takeValues(rowsOf(po, false), counter);
    expect(rows.map((row) => [row.quantity, row.price, changeOf(row, po)])).toEqual([["80", "2.60", "changed"], ["40.0", "1.005", "same"], ["7", "10", "same"]]);
  });

  test("a draft taken over to a newer version: what was typed stays, the rest follows", () => {
    const typed = addLine(toggleRemoved(cell(rowsOf(po, false), "10", "price", "2.80"), "2")).rows;
    const now = order({ lines: po.lines.map((line) => ({ ...line, quantity: "9" })) });
    const rows = carryOver(typed, now);
    expect(rows.map((row) => [row.line, row.quantity, row.price, row.removed])).toEqual([
      ["10", "9", "2.80", false], ["20", "9", "1.005", false], ["30", "9", "10", true], ["40", "", "", false],
    ]);
  });
});

describe("totals", () => {
  const line = (minor: number, taxPercent?: string) => ({ id: "1", item: {}, quantity: "1", unit: "C62", net: { minor, currency: "EUR" }, taxPercent });

  test("tax is summed per rate before it is rounded, halves away from zero", () => {
    // 0.45 each of 3.00 and 3.00 at 7.5: 6.00 * 7.5 % = 0.45 exactly; 1.50 at 19 % = 0.285.
    expect(totalsOf([line(300, "7.5"), line(300, "7.50"), line(150, "19")], "EUR")).toEqual({
      net: { minor: 750, currency: "EUR" }, tax: { minor: 45 + 29, currency: "EUR" }, gross: { minor: 750 + 74, currency: "EUR" },
    });
  });

  test("a line without a rate leaves the tax open, one without a price all of it", () => {
    expect(totalsOf([line(100, "19"), line(100)], "EUR")).toEqual({ net: { minor: 200, currency: "EUR" } });
    expect(totalsOf([line(100), { ...line(1), net: undefined }], "EUR")).toBeUndefined();
  });
});

describe("what is wrong with an order", () => {
  test.each([
    ["quantity", "", "quantity"],
    ["quantity", "0", "quantity"],
    ["quantity", "x", "quantity"],
    ["price", "-1", "price"],
    ["price", "1,2,3", "price"],
    ["date", "soon", "date"],
  ] as const)("%s %j", (field, value, wrong) => {
    expect(problems(cell(rowsOf(po, false), "10", field, value))).toEqual([`10 ${wrong}`]);
  });

  test("an added line needs a number of its own, a unit and an item", () => {
    const { rows, key } = addLine(rowsOf(po, false));
    expect(problems(setCell(rows, key, "line", ""))).toEqual([" quantity", " line", " itemText"]);
    expect(problems(setCell(setCell(rows, key, "unit", ""), key, "line", "10"))).toEqual(["10 quantity", "10 unit", "10 itemText", "10 line"]);
  });

  test("what has left can neither be ordered away nor removed", () => {
    const delivered = [left("10", "60"), left("20", "0")];
    const rows = cell(rowsOf(po, false), "10", "quantity", "59");
    expect(problems(rows, po, delivered)).toEqual(["10 quantity"]);
    expect(problems(cell(rows, "10", "quantity", "60"), po, delivered)).toEqual([]);
    expect(problems(toggleRemoved(toggleRemoved(rowsOf(po, false), "0"), "1"), po, delivered)).toEqual(["10 quantity"]);
  });

  test("the engine's problems lie beside their cells; removed lines were not sent and do not count", () => {
    const rows = toggleRemoved(rowsOf(po, false), "0");
    const found = issuesOfEngine(rows, [
      { pointer: "/lines/0/quantity", message: "too much" },
      { pointer: "/lines/1/requestedDelivery/first", message: "a Sunday" },
      { pointer: "/currency", message: "no" },
      { pointer: "", message: "nothing differs" },
    ]);
    expect([...found.rows]).toEqual([["1", [{ field: "quantity", message: "too much" }]], ["2", [{ field: "date", message: "a Sunday" }]]]);
    expect([...headIssuesOfEngine(found.rest)]).toEqual([["currency", "no"]]);
  });

  test("the header", () => {
    const head = { ...headOf(po), number: " ", currency: "euro", requested: "soon", shipCountry: "Germany" };
    expect([...headIssues(po, head).keys()]).toEqual(["number", "currency", "requested", "shipCountry"]);
    expect(headIssues(po, headOf(po)).size).toBe(0);
  });
});

describe("the header", () => {
  const full = order({ shipTo: { id: "W1", gln: "4000001000005", name: "Store", street: ["Road 1"], city: "Hamburg", country: "DE", email: "a@b.example" }, notes: ["one\ntwo"], deliveryTerms: "DAP Hamburg" });

  test("what is left alone stays exactly as it was", () => {
    expect(withHead(full, headOf(full))).toEqual(full);
    expect(withHead(full, { ...headOf(full), deliveryTerms: "FCA Bremen" })).toEqual({ ...full, deliveryTerms: "FCA Bremen" });
  });

  test("another place is another party: its numbers are not carried along", () => {
    const moved = withHead(full, { ...headOf(full), shipCity: "Bremen" });
    expect(moved.shipTo).toEqual({ name: "Store", street: ["Road 1"], postalCode: undefined, city: "Bremen", country: "DE", contact: undefined, email: "a@b.example", phone: undefined });
    expect(headChanges(full, { ...headOf(full), shipCity: "Bremen" })).toEqual(["shipCity"]);
  });
});

describe("an order from a file or the clipboard", () => {
  test("as it is, wrapped as the API has it, and with decimals as numbers", () => {
    expect(readOrder(JSON.stringify(po))).toEqual({ order: po, partner: undefined });
    expect(readOrder(JSON.stringify({ partner: "acme", kind: "Order", document: { Order: po } }))).toEqual({ order: po, partner: "acme" });
    const read = readOrder('{"number":"1","currency":"EUR","lines":[{"id":"1","item":{},"unit":"C62","quantity":12,"price":1.5}]}');
    expect("order" in read && read.order.lines[0]).toMatchObject({ quantity: "12", price: "1.5" });
    expect("order" in read && [read.order.buyer, read.order.seller]).toEqual([{}, {}]);
  });

  test("every problem at once, with its place", () => {
    const read = readOrder('{"currency":3,"buyer":"x","lines":[{"id":1,"quantity":"a lot"},7]}');
    expect("problems" in read && read.problems.map((one) => one.pointer)).toEqual([
      "/number", "/currency", "/buyer", "/lines/0/unit", "/lines/0/id", "/lines/0/quantity", "/lines/1",
    ]);
    expect("problems" in readOrder("<Order/>")).toBe(true);
    const note = readOrder('{"number":"1","lines":[{"orderLineId":"1"}]}');
    expect("problems" in note && note.problems).toHaveLength(1);
  });

  test("a copy says nothing of the order that it was", () => {
    const copy = copyOf(order({ revision: "3", cancelReason: "no" }));
    expect(JSON.parse(JSON.stringify(copy))).not.toHaveProperty("revision");
    expect([copy.number, copy.issuedAt, copy.cancelReason]).toEqual(["", undefined, undefined]);
    expect(rowsOf(blankOrder(), true)).toEqual([]);
  });
});
