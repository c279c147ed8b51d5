import { describe, expect, test, vi } from "vitest";
import { order } from "../../../test/fixtures";
import type { Order } from "../../api/types";
import {
  allRejected,
  type AnswerRow,
  carryOver,
  codeOf,
  compareWithOrder,
  freshRows,
  issuesFromProblems,
  partsOf,
  resetLine,
  setField as set,
  setMode,
  split,
  toOrderResponse,
  unsplit,
  validate,
} from "./grid";

const po = order();
const setField = (rows: readonly AnswerRow[], key: string, field: Parameters<typeof set>[2], value: string) => set(rows, key, field, value, po);
const messages = (rows: readonly AnswerRow[], of: Order = po) =>
  [...validate(of, rows)].flatMap(([key, issues]) => issues.map((one) => `${key} ${one.field}`));
const rowOf = (rows: readonly AnswerRow[], key: string) => {
  const row = rows.find((one) => one.key === key);
  if (!row) throw new Error(key);
  return row;
};

test.each([
  ["America/New_York", "2026-11-29", []],
  ["Pacific/Auckland", "2026-11-29", ["10#0 date"]],
])("no day is offered that is before the order's, by the day of the person: %s", (zone, day, wrong) => {
  vi.stubEnv("TZ", zone);
  const issued = { ...po, issuedAt: "2026-11-30T02:00:00Z" };
  const [first] = freshRows(issued);
  expect(messages(set(freshRows(issued), first?.key ?? "", "date", day, issued), issued)).toEqual(wrong);
  vi.unstubAllEnvs();
});

describe("the answer built from the grid", () => {
  test("nothing changed is a confirmation without lines", () => {
    expect(messages(freshRows(po))).toEqual([]);
    expect(toOrderResponse(po, freshRows(po), "")).toEqual({ code: "AP" });
    expect(toOrderResponse(po, freshRows(po), " thanks ")).toEqual({ code: "AP", note: "thanks" });
  });

  test("the same value written otherwise is no change", () => {
    let rows = setField(freshRows(po), "20#0", "quantity", "40");
    rows = setField(rows, "10#0", "price", "2.5");
    expect(toOrderResponse(po, rows, "").code).toBe("AP");
  });

  test("another day within the days asked for is told, as an accepted line", () => {
    const rows = setField(freshRows(po), "20#0", "date", "2026-12-03");
    expect(toOrderResponse(po, rows, "")).toMatchObject({ code: "CA" });
    expect(toOrderResponse(po, rows, "").lines?.[1]).toEqual({ lineId: "20", code: "Accepted", quantity: "40.0", date: "2026-12-03" });
  });

  test("a changed quantity is a counter-offer that states every line", () => {
    const rows = setField(freshRows(po), "10#0", "quantity", "80");
    expect(toOrderResponse(po, rows, "")).toEqual({
      code: "CA",
      lines: [
        { lineId: "10", code: "Changed", quantity: "80" },
        { lineId: "20", code: "Accepted", quantity: "40.0" },
        { lineId: "30", code: "Accepted", quantity: "7" },
      ],
    });
  });

  test("price and day", () => {
    let rows = setField(freshRows(po), "10#0", "price", "2.75");
    rows = setField(rows, "20#0", "date", "+3");
    const answer = toOrderResponse(po, rows, "");
    expect(answer.lines?.[0]).toEqual({ lineId: "10", code: "Changed", quantity: "100", price: "2.75" });
    // Days count from the last day asked for.
    expect(answer.lines?.[1]).toEqual({ lineId: "20", code: "Changed", quantity: "40.0", date: "2026-12-08" });
  });

  test("substitute, backorder, reject", () => {
    let rows = setMode(freshRows(po), "10#0", "substitute", po);
    rows = setField(setField(rows, "10#0", "substituteId", "S-9"), "10#0", "substituteText", "Better bolt");
    rows = setMode(rows, "20#0", "backorder", po);
    rows = setMode(rows, "30#0", "reject", po);
    rows = setField(setField(rows, "30#0", "reasonCode", "OTH"), "30#0", "reasonText", "No longer made");
    expect(messages(rows)).toEqual([]);
    expect(toOrderResponse(po, rows, "").lines).toEqual([
      { lineId: "10", code: "Substituted", quantity: "100", substitute: { sellerId: "S-9", description: "Better bolt" } },
      // A backorder promises no day until one is typed.
      { lineId: "20", code: "Backordered", quantity: "40.0" },
      { lineId: "30", code: "Rejected", quantity: "7", reason: { code: "OTH", text: "No longer made" } },
    ]);
  });

  test("a backorder with a day promises it", () => {
    const rows = setField(setMode(freshRows(po), "20#0", "backorder", po), "20#0", "date", "2027-01-15");
    expect(toOrderResponse(po, rows, "").lines?.[1]).toEqual({ lineId: "20", code: "Backordered", quantity: "40.0", date: "2027-01-15" });
  });
});

describe("splitting a line", () => {
  test("a new part takes what is open", () => {
    const less = setField(freshRows(po), "10#0", "quantity", "60");
    const next = split(less, "10#0", po);
    expect(next.key).toBe("10#1");
    expect(next.rows.map((row) => row.key)).toEqual(["10#0", "10#1", "20#0", "30#0"]);
    expect(rowOf(next.rows, "10#1").quantity).toBe("40");
    expect(messages(next.rows)).toEqual(["10#1 date"]);
    const dated = setField(next.rows, "10#1", "date", "+14");
    expect(messages(dated)).toEqual([]);
    expect(toOrderResponse(po, dated, "").lines?.slice(0, 2)).toEqual([
      { lineId: "10", code: "Accepted", quantity: "60", date: "2026-12-01" },
      { lineId: "10", code: "Changed", quantity: "40", date: "2026-12-15" },
    ]);
  });

  test("while the parts come to the order, the first gives what another takes", () => {
    let { rows } = split(freshRows(po), "10#0", po);
    rows = setField(rows, "10#1", "quantity", "2");
    expect(rowOf(rows, "10#0").quantity).toBe("98");
    rows = setField(rows, "10#1", "quantity", "25");
    expect(rowOf(rows, "10#0").quantity).toBe("75");
  });

  test("parts that do not come to the order are refused, less and more", () => {
    let { rows } = split(freshRows(po), "10#0", po);
    rows = setField(setField(rows, "10#0", "quantity", "10"), "10#1", "quantity", "20");
    rows = setField(rows, "10#1", "date", "+1");
    expect(messages(rows)).toEqual(["10#1 quantity"]);
    expect(messages(setField(rows, "10#1", "quantity", "95"))).toEqual(["10#1 quantity"]);
    expect(messages(setField(rows, "10#1", "quantity", "90"))).toEqual([]);
  });

  test("part now, the rest rejected", () => {
    const { rows: two, key } = split(setField(freshRows(po), "10#0", "quantity", "60"), "10#0", po);
    const rows = setField(setMode(two, key, "reject", po), key, "reasonCode", "QTY");
    expect(messages(rows)).toEqual([]);
    expect(toOrderResponse(po, rows, "").lines?.[1]).toEqual({ lineId: "10", code: "Rejected", quantity: "40", reason: { code: "QTY" } });
  });

  test("a part goes, the first stays; a line as ordered has one row again", () => {
    const { rows } = split(freshRows(po), "10#0", po);
    expect(unsplit(rows, "10#1")).toHaveLength(3);
    expect(unsplit(rows, "10#0")).toHaveLength(4);
    expect(resetLine(setField(rows, "10#0", "quantity", "1"), "10", po)).toEqual(freshRows(po));
  });

  test("the third part has a key of its own after the second went", () => {
    let next = split(freshRows(po), "10#0", po);
    next = split(next.rows, "10#1", po);
    const rows = unsplit(next.rows, "10#1");
    expect(new Set(split(rows, "10#0", po).rows.map((row) => row.key)).size).toBe(5);
  });
});

describe("what is wrong", () => {
  test.each([
    ["quantity", "", "quantity"],
    ["quantity", "abc", "quantity"],
    ["quantity", "0", "quantity"],
    ["quantity", "-1", "quantity"],
    ["price", "x", "price"],
    ["price", "", "price"],
    ["price", "-2", "price"],
    ["date", "soon", "date"],
    ["date", "2026-10-01", "date"],
  ] as const)("%s %j", (field, value, wrong) => {
    expect(messages(setField(freshRows(po), "10#0", field, value))).toEqual([`10#0 ${wrong}`]);
  });

  test("modes need what they need", () => {
    expect(messages(setMode(freshRows(po), "10#0", "substitute", po))).toEqual(["10#0 substituteId"]);
    expect(messages(setMode(freshRows(po), "10#0", "reject", po))).toEqual(["10#0 reasonCode"]);
    expect(messages(setMode(freshRows(po), "30#0", "backorder", po))).toEqual(["30#0 code"]);
    const other = setField(setMode(freshRows(po), "10#0", "reject", po), "10#0", "reasonCode", "OTH");
    expect(messages(other)).toEqual(["10#0 reasonText"]);
  });

  test("an order without prices takes none", () => {
    const free = order({ lines: [{ id: "1", item: {}, quantity: "5", unit: "PCE" }] });
    expect(messages(freshRows(free), free)).toEqual([]);
    expect(toOrderResponse(free, freshRows(free), "")).toEqual({ code: "AP" });
  });

  test("an asked day in the past is no mistake of the clerk", () => {
    const old = order({ requestedDelivery: { first: "2026-10-01", last: "2026-10-01" } });
    expect(messages(freshRows(old), old)).toEqual([]);
  });

  test("all lines rejected is said", () => {
    let rows = freshRows(po);
    for (const { key } of rows) rows = setMode(rows, key, "reject", po);
    expect(allRejected(rows)).toBe(true);
    expect(allRejected(freshRows(po))).toBe(false);
  });

  test("the engine's problems lie beside their fields", () => {
    const rows = split(freshRows(po), "10#0", po).rows;
    const found = issuesFromProblems(rows, [
      { pointer: "/lines/1/quantity", message: "too much" },
      { pointer: "/lines/2/reason/text", message: "say why" },
      { pointer: "/note", message: "too long" },
      { pointer: "/lines/99/price", message: "no such line" },
    ]);
    expect([...found.rows]).toEqual([
      ["10#1", [{ field: "quantity", message: "too much" }]],
      ["20#0", [{ field: "reasonText", message: "say why" }]],
    ]);
    expect(found.rest.map((one) => one.message)).toEqual(["too long", "no such line"]);
  });
});

describe("beside the order", () => {
  test("as ordered, nothing differs", () => {
    const same = compareWithOrder(po, freshRows(po));
    expect(same.ordered).toBe(25000n + 4020n + 70n);
    expect(same.answered).toBe(same.ordered);
    expect(same.differing).toBe(0);
  });

  test("a rejected line counts nothing, a later day is seen", () => {
    let rows = setMode(freshRows(po), "10#0", "reject", po);
    rows = setField(rows, "20#0", "date", "2026-12-24");
    const found = compareWithOrder(po, rows);
    expect(found.answered).toBe(4020n + 70n);
    expect(found.differing).toBe(2);
    expect(found.lastAsked).toBe("2026-12-05");
    expect(found.lastPromised).toBe("2026-12-24");
  });

  test("codes follow what is typed", () => {
    const line = po.lines[0];
    if (!line) throw new Error();
    const [row] = freshRows(po);
    if (!row) throw new Error();
    expect(codeOf(row, line, po, false)).toBe("Accepted");
    expect(codeOf({ ...row, quantity: "99" }, line, po, false)).toBe("Changed");
    expect(codeOf({ ...row, quantity: "99" }, line, po, true)).toBe("Accepted");
    expect(codeOf({ ...row, mode: "held" }, line, po, false)).toBe("Held");
  });
});

describe("a draft taken over to a new version", () => {
  const now = order({
    lines: [
      { id: "10", item: { description: "Bolt" }, quantity: "120", unit: "PCE", price: "2.50" },
      { id: "20", item: { description: "Nut" }, quantity: "50", unit: "PCE", price: "1.005" },
      { id: "40", item: { description: "New" }, quantity: "1", unit: "PCE", price: "1" },
    ],
  });

  test("typed values stay, the rest follows the order, lines come and go", () => {
    let rows = setField(freshRows(po), "10#0", "price", "2.80");
    rows = setMode(rows, "30#0", "reject", po);
    const next = carryOver(rows, po, now);
    expect(next.map((row) => row.key)).toEqual(["10#0", "20#0", "40#0"]);
    expect(rowOf(next, "10#0")).toMatchObject({ price: "2.80", quantity: "120" });
    expect(rowOf(next, "20#0").quantity).toBe("50");
    expect(partsOf(next, "30")).toEqual([]);
  });
});

test("ten times the lines are ten times the work to check, and no more", () => {
  const work = (count: number) => {
    let reads = 0;
    const counted = <T extends object>(one: T): T =>
      new Proxy(one, {
        get(target, name, receiver) {
          reads += 1;
          return Reflect.get(target, name, receiver) as unknown;
        },
      });
    const lines = Array.from({ length: count }, (_, n) => counted({ id: String(n), item: {}, quantity: "10", unit: "PCE", price: "1.25" }));
    const big = order({ lines });
    const rows = freshRows(big).map(counted);
    reads = 0;
    expect(validate(big, rows).size).toBe(0);
    expect(compareWithOrder(big, rows).differing).toBe(0);
    expect(toOrderResponse(big, rows, "").code).toBe("AP");
    return reads;
  };
  expect(work(1000)).toBe(10 * work(100));
});
