import { screen } from "@testing-library/react";
import { expect, test } from "vitest";
import { detail, order, row } from "../../../test/fixtures";
import { fakeEngine, show } from "../../../test/host";
import { HistoryTab } from "./HistoryTab";
import { VersionsTab } from "./VersionsTab";

test("what an added and a deleted line say stands in the difference", async () => {
  const [first] = detail().versions;
  if (!first) throw new Error("a version");
  const both = detail({ row: row(1, { current: 2 }), versions: [first, { ...first, number: 2, supersedes: 1 }] });
  const [bolt, nut, washer] = order().lines;
  fakeEngine({
    "GET /documents/1/diff": { header: [], lines: [{ lineId: "10", change: "Deleted" }, { lineId: "30", change: "Added" }] },
    "GET /documents/1/versions/1": { version: first, document: { Order: order({ lines: [bolt, nut] as never }) } },
    "GET /documents/1/versions/2": { version: first, document: { Order: order({ lines: [nut, washer] as never }) } },
  });
  show(<VersionsTab detail={both} onShow={() => undefined} />);
  await screen.findByText("Bolt, 100 pcs");
  const rows = screen.getAllByTestId("diff-row").map((one) => one.textContent);
  expect(rows).toEqual(["Line 10DeletedBolt, 100 pcs", "Line 30AddedWasher, 7 pcs"]);
});

test("the history names partners as people know them", async () => {
  const entry = { at: "2026-11-20T10:00:00.000Z", document: 1, detail: { version: 1 } };
  fakeEngine({
    "GET /documents/1/history": { items: [{ id: 2, actor: "partner:sandbox", action: "answerDelivered", ...entry }, { id: 1, actor: "user:maria", action: "confirm", ...entry }] },
    "GET /partners": [{ id: "sandbox", name: "Sandbox partner", status: "onLine", streams: [], operations: [], configFile: "", configErrors: [] }],
  });
  show(<HistoryTab id={1} />);
  await screen.findByText("Sandbox partner");
  const rows = screen.getAllByTestId("history-row").map((one) => one.textContent);
  expect(rows[0]).toContain("The partner has the answer");
  expect(rows[1]).toContain("maria");
  expect(rows.join()).not.toMatch(/partner:|user:/);
});
