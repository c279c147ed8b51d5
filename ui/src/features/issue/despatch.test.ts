import { describe, expect, test } from "vitest";
import { despatch, order } from "../../../test/fixtures";
import type { LineQuantities } from "../../api/types";
import {
  addBatch,
  buildNote,
  carryOver,
  despatchHeadIssues,
  despatchHeadIssuesOfEngine,
  despatchHeadOf,
  type DespatchRow,
  despatchIssues,
  despatchIssuesOfEngine,
  freshHead,
  isLast,
  leavesAnything,
  overOf,
  removeRow,
  restOf,
  rowsOfNote,
  rowsOfOrder,
  setCell,
} from "./despatch";

const po = order();
const quantities = (outstanding: string[]): LineQuantities[] =>
  po.lines.map((line, at) => ({
    lineId: line.id, ordered: line.quantity, confirmed: line.quantity, backordered: "0", rejected: "0", delivered: "0", outstanding: outstanding[at] ?? "0", received: "0", refused: "0", closedShort: "0",
  }));
const fresh = () => rowsOfOrder(po, quantities(["100", "12.5", "0"]));
const head = { ...freshHead(), number: "LS-1", despatchedOn: "2026-11-30", expected: "+2", carrier: "Spedition Nord", tracking: "JJD 1" };
const at = (rows: readonly DespatchRow[], n: number) => rows[n] as DespatchRow;

describe("a delivery note for an order", () => {
  test("begins with what is open; a line of which nothing is open is not on it", () => {
    expect(fresh().map((row) => row.delivered)).toEqual(["100", "12.5", ""]);
    const note = buildNote(po, head, fresh());
    expect(note).toMatchObject({
      number: "LS-1", buyer: po.buyer, seller: po.seller, despatchedOn: "2026-11-30", expectedDelivery: { first: "2026-12-02", last: "2026-12-02" }, carrier: "Spedition Nord", trackingId: "JJD 1", notes: [],
    });
    expect(note.lines.map((line) => [line.id, line.orderNumber, line.orderLineId, line.delivered, line.outstanding, line.unit])).toEqual([
      ["10", "PO-10000001", "10", "100", "0", "PCE"],
      ["20", "PO-10000001", "20", "12.5", "0", "PCE"],
    ]);
  });

  test("less than is open: the rest comes later unless it is said that it never comes", () => {
    const rows = setCell(fresh(), "0", "delivered", "60");
    expect(restOf(rows, at(rows, 0))).toBe("40");
    expect(buildNote(po, head, rows).lines[0]).toMatchObject({ delivered: "60", outstanding: "40" });
    expect(buildNote(po, head, setCell(rows, "0", "outstanding", "0")).lines[0]).toMatchObject({ delivered: "60", outstanding: "0" });
  });

  test("batches of a line are lines of their own; the last says what comes later", () => {
    let rows = setCell(setCell(fresh(), "0", "delivered", "60"), "0", "batch", "L1");
    const added = addBatch(rows, "0");
    expect(at(added.rows, 1)).toMatchObject({ key: added.key, part: 1, delivered: "40" });
    rows = setCell(setCell(added.rows, added.key, "delivered", "30"), added.key, "batch", "L2");
    expect([isLast(rows, at(rows, 0)), isLast(rows, at(rows, 1))]).toEqual([false, true]);
    expect(buildNote(po, head, rows).lines.map((line) => [line.id, line.orderLineId, line.delivered, line.outstanding, line.batch])).toEqual([
      ["10", "10", "60", undefined, "L1"],
      ["11", "10", "30", "10", "L2"],
      ["20", "20", "12.5", "0", undefined],
    ]);
    expect(removeRow(rows, added.key)).toHaveLength(3);
    expect(at(removeRow(rows, "0"), 0)).toMatchObject({ delivered: "", batch: "" });
  });

  test("the number of a further batch is one that no line has", () => {
    const near = order({ lines: po.lines.map((line, n) => ({ ...line, id: String(n + 1) })) });
    const rows = addBatch(rowsOfOrder(near, []), "0").rows;
    expect(buildNote(near, head, setCell(rows, "0.1", "delivered", "1")).lines.map((line) => line.id)).toEqual(["1", "4", "2", "3"]);
  });

  test("more than is open is said, and left to the partner's rules", () => {
    const rows = setCell(fresh(), "1", "delivered", "13");
    expect(overOf(rows, at(rows, 1))).toBe("0.5");
    expect(overOf(rows, at(rows, 0))).toBeUndefined();
    expect(despatchIssues(rows).size).toBe(0);
  });

  test("what is wrong, all at once", () => {
    const rows = setCell(setCell(fresh(), "0", "delivered", "x"), "1", "outstanding", "-1");
    expect([...despatchIssues(rows)].map(([key, found]) => [key, found[0]?.field])).toEqual([["0", "delivered"], ["1", "outstanding"]]);
    expect(leavesAnything(rowsOfOrder(po, quantities(["0", "0", "0"])))).toBe(false);
    const wrong = { ...head, number: "", despatchedOn: "2026-12-10", expected: "2026-12-01" };
    expect([...despatchHeadIssues(wrong).keys()]).toEqual(["number", "expected"]);
  });

  test("the engine's problems lie beside their cells; rows that are not on the note do not count", () => {
    const rows = removeRow(fresh(), "0");
    const found = despatchIssuesOfEngine(rows, [
      { pointer: "/lines/0/delivered", message: "too much" },
      { pointer: "/expectedDelivery", message: "before" },
    ]);
    expect([...found.rows]).toEqual([["1", [{ field: "delivered", message: "too much" }]]]);
    expect([...despatchHeadIssuesOfEngine(found.rest)]).toEqual([["expected", "before"]]);
  });
});

test("a note that is replaced is the same until something is typed", () => {
  const note = despatch();
  const again = buildNote(note, despatchHeadOf(note), rowsOfNote(note));
  expect(again.lines.map((line) => [line.id, line.orderNumber, line.delivered])).toEqual([["1", "PO-1", "100"], ["2", "PO-1", "12.5"]]);
  expect(again.despatchedOn).toBe(note.despatchedOn);
});

describe("a draft taken over", () => {
  test("the same lines: it stays as it is, further batches as well", () => {
    const note = despatch();
    const [one, two] = note.lines;
    if (!one || !two) throw new Error("two lines");
    // Two lines of the note for one line of the order.
    const before = rowsOfNote({ ...note, lines: [one, { ...two, orderLineId: one.orderLineId }] });
    const rows = setCell(addBatch(setCell(before, "0", "delivered", "60"), "0").rows, "1", "batch", "L1");
    expect(carryOver(rows, before, before)).toEqual(rows);
  });

  test("lines come and go, and a further batch goes with its line", () => {
    const before = rowsOfOrder(po, []);
    const added = addBatch(setCell(before, "1", "delivered", "30"), "1");
    const rows = setCell(added.rows, added.key, "batch", "L2");
    const lines = [po.lines[2], { ...po.lines[0], id: "5" }, { ...po.lines[1], quantity: "50" }] as typeof po.lines;
    const next = carryOver(rows, before, rowsOfOrder(order({ lines }), []));
    expect(next.map((row) => [row.key, row.source.orderLineId, row.delivered, row.open, row.batch])).toEqual([
      ["0", "30", "7", "7", ""],
      ["1", "5", "100", "100", ""],
      ["2", "20", "30", "50", ""],
      ["2.1", "20", "10.0", "50", "L2"],
    ]);
  });
});
