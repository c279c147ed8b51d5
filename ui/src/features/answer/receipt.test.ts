import { describe, expect, test } from "vitest";
import { despatch } from "../../../test/fixtures";
import {
  carryOver,
  freshReceipt,
  receiptDayIssue,
  receiptDiffers,
  receiptIssuesFromProblems,
  receiptRowIssues,
  type ReceiptRow,
  shortOf,
  toReceiptAdvice,
} from "./receipt";

const note = despatch();
const [first, second] = note.lines;
if (!first || !second) throw new Error("two lines");
const row = (change: Partial<ReceiptRow> = {}): ReceiptRow => ({
  lineId: "1",
  received: "100",
  rejected: "",
  reason: "",
  action: "",
  note: "",
  ...change,
});
const fields = (change: Partial<ReceiptRow>) => receiptRowIssues(row(change)).map((one) => one.field);

describe("a receipt", () => {
  test("all received", () => {
    expect(toReceiptAdvice(note, freshReceipt(note), "2026-11-20", "")).toEqual({
      receivedOn: "2026-11-20",
      lines: [
        { lineId: "1", received: "100" },
        { lineId: "2", received: "12.5" },
      ],
    });
  });

  test("short is worked out; refused goods count as received", () => {
    const [, other] = freshReceipt(note);
    const rows = [row({ received: "90", rejected: "5", reason: "Broken", action: "Replace", note: "box crushed" }), ...(other ? [other] : [])];
    expect(toReceiptAdvice(note, rows, "2026-11-20", "gate 4").lines[0]).toEqual({
      lineId: "1",
      received: "90",
      short: "10",
      rejected: "5",
      rejectReason: "Broken",
      action: "Replace",
      note: "box crushed",
    });
    expect(shortOf(row({ received: "120" }), first)).toBe("");
    expect(receiptDiffers(row({ received: "120" }), first)).toBe(true);
    expect(receiptDiffers(row(), first)).toBe(false);
  });

  test.each([
    [{ received: "" }, ["received"]],
    [{ received: "-1" }, ["received"]],
    [{ rejected: "x" }, ["rejected"]],
    [{ rejected: "101", reason: "Broken", action: "Replace" }, ["rejected"]],
    [{ rejected: "1" }, ["reason", "action"]],
    [{ rejected: "1", reason: "Other", action: "Replace" }, ["note"]],
    [{ rejected: "1", reason: "Label", action: "CreditAndCancel" }, []],
    [{ received: "0" }, []],
  ] as const)("%j", (change, wrong) => {
    expect(fields(change)).toEqual(wrong);
  });

  test("the day is a day, and not before the goods left", () => {
    expect(receiptDayIssue("2026-11-02", note)).toBeUndefined();
    expect(receiptDayIssue("2026-11-01", note)).toBeDefined();
    expect(receiptDayIssue("later", note)).toBeDefined();
  });

  test("the engine's problems lie beside their rows", () => {
    const found = receiptIssuesFromProblems(freshReceipt(note), [
      { pointer: "/lines/1/rejectReason", message: "choose one" },
      { pointer: "/receivedOn", message: "too early" },
    ]);
    expect([...found.rows]).toEqual([["2", [{ field: "reason", message: "choose one" }]]]);
    expect(found.rest.map((one) => one.message)).toEqual(["too early"]);
  });
});

test("a draft taken over to a new version: typed values stay, the rest follows the note, lines come and go", () => {
  const now = { ...note, lines: [{ ...first, delivered: "120" }, { ...first, id: "3", delivered: "4" }] };
  const rows = freshReceipt(note);
  expect(carryOver(rows, note, now)).toEqual(freshReceipt(now));
  const typed = [row({ rejected: "5", reason: "Broken", action: "Replace", note: "crushed" })];
  expect(carryOver(typed, note, now)[0]).toEqual({ ...typed[0], received: "120" });
  expect(carryOver([row({ received: "90" })], note, now).map((one) => one.received)).toEqual(["90", "4"]);
});
