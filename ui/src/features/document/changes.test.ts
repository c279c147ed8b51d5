import { expect, test } from "vitest";
import { detail, row } from "../../../test/fixtures";
import type { VersionDiff } from "../../api/types";
import { changesByLine, diffWords } from "./changes";
import { comparedWith } from "./data";
import { detailText } from "./HistoryTab";
import { prettyPayload } from "./PayloadDialog";
import { pdfName } from "./PrintDialog";
import { valueText } from "./values";
import { withoutTwins } from "./VersionsTab";

const diff: VersionDiff = {
  header: [{ field: "shipTo.city", before: "Bremen", after: "Hamburg" }, { field: "shipTo.street", before: null, after: "A" }],
  lines: [
    { lineId: "10", change: "Changed", fields: [{ field: "requestedDelivery.first", before: "2026-12-01", after: "2026-12-02" }] },
    { lineId: "20", change: "Added" },
    { lineId: "30", change: "Added" },
  ],
};

test("a difference in a few words, and by line", () => {
  expect(diffWords(diff)).toBe("1 line changed, 2 lines added, Ship to");
  const lines = changesByLine(diff);
  expect(lines.get("10")?.fields.get("requestedDelivery")?.after).toBe("2026-12-02");
  expect(lines.get("20")?.change).toBe("Added");
});

test("first and last day that move alike are one change", () => {
  const move = { before: "2026-12-01", after: "2026-12-09" };
  expect(withoutTwins([{ field: "requestedDelivery.first", ...move }, { field: "requestedDelivery.last", ...move }]).map((one) => one.field)).toEqual([
    "requestedDelivery",
  ]);
  expect(withoutTwins([{ field: "requestedDelivery.first", ...move }, { field: "requestedDelivery.last", before: "x", after: "y" }])).toHaveLength(2);
});

test("what a version is compared with", () => {
  const versions = [1, 2, 3].map((number) => ({ ...(detail().versions[0] as object), number })) as ReturnType<typeof detail>["versions"];
  expect(comparedWith({ row: row(1, { agreed: 1 }), versions }, 3)).toBe(1);
  expect(comparedWith({ row: row(1, { agreed: 3 }), versions }, 3)).toBe(2);
  expect(comparedWith({ row: row(1), versions }, 1)).toBeUndefined();
  const counter = versions.map((one) => (one.number === 3 ? { ...one, base: 1 } : one));
  expect(comparedWith({ row: row(1), versions: counter }, 3)).toBe(1);
});

test("values as a person reads them", () => {
  expect(valueText("requestedDelivery.first", "2026-12-01")).toBe("12/01/2026");
  expect(valueText("quantity", "1250.50")).toBe("1,250.50");
  expect(valueText("totals.net", "249024.25 CNY")).toBe("CNY\u00a0249,024.25");
  expect(valueText("totals.net", "1.005 CNY")).toBe("1.005 CNY");
  expect(valueText("note", "<b>as it is</b>")).toBe("<b>as it is</b>");
});

test("history without ids and empty things", () => {
  expect(detailText({ version: 2, purpose: "Change", attention: ["answerHeld:0190"], late: false, sequence: 2 })).toBe("v2 · Change · an answer is held");
  expect(detailText({ version: 1, answer: { code: "RE", reason: { code: "OTH", text: "why" } }, operation: "0190" })).toBe("v1 · rejected, Other, why");
  expect(detailText({ from: "Held", to: "Withdrawn" })).toBe("Held → Withdrawn");
  expect([detailText(null), detailText({}), detailText("words")]).toEqual(["", "", "words"]);
});

test("a payload is indented when it is JSON, a file name is one everywhere", () => {
  expect(prettyPayload('{"a":1}')).toBe('{\n  "a": 1\n}');
  expect(prettyPayload("<a/>")).toBe("<a/>");
  expect(pdfName("PO/12:3 ü", 2)).toBe("PO_12_3_ü-v2.pdf");
});
