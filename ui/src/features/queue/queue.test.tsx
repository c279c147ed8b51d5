import { act, fireEvent, screen, waitFor } from "@testing-library/react";
import { expect, test } from "vitest";
import { operation } from "../../../test/fixtures";
import { type Call, fakeEngine, show } from "../../../test/host";
import { connectFeed } from "../../api/live";
import type { DeliveryState } from "../../api/types";
import { actsOf } from "./OperationButtons";
import { hintOf } from "./OperationCard";
import QueueScreen, { errorsOf, replayable } from "./QueueScreen";

test("every state has its acts, and none that cannot be", () => {
  const states: DeliveryState[] = ["Queued", "Sending", "Delivered", "Applied", "Retrying", "Unknown", "Held", "Dead", "Withdrawn"];
  expect(Object.fromEntries(states.map((state) => [state, actsOf(state)]))).toMatchInlineSnapshot(`
    {
      "Applied": [],
      "Dead": [
        "retry",
        "withdraw",
      ],
      "Delivered": [],
      "Held": [
        "release",
        "withdraw",
      ],
      "Queued": [
        "withdraw",
      ],
      "Retrying": [
        "retry",
      ],
      "Sending": [],
      "Unknown": [
        "retry",
      ],
      "Withdrawn": [],
    }
  `);
});

test("only dead letters of a selection are sent again", () => {
  const rows = [operation({ id: "a", state: "Dead" }), operation({ id: "b", state: "Held" }), operation({ id: "c", state: "Dead" })];
  expect(replayable(rows, new Set(["a", "b"])).map((row) => row.id)).toEqual(["a"]);
});

test("a hint never promises a try that will not come", () => {
  expect(hintOf("partner.unavailable", "Retrying")).toContain("by itself");
  expect(hintOf("partner.unavailable", "Dead")).not.toContain("by itself");
  expect(hintOf("partner.unavailable", "Held")).toBe("");
  expect(hintOf("partner.rejected", "Dead")).toContain("partner's words");
});

test("dead letters are chosen and sent again, with the partner's words in sight", async () => {
  const dead = [1, 2].map((n) =>
    operation({
      id: `op-${n}`,
      documentNumber: `PO-${n}`,
      state: "Dead",
      attempts: 3,
      lastError: { code: "partner.rejected", status: 422, message: `line ${n} has no price` },
    }),
  );
  const engine = fakeEngine({
    "GET /operations?": { items: dead },
    "GET /operations/op-": (call: Call) => ({
      operation: dead[Number(call.path.slice(-1)) - 1],
      attempts: [{ number: 3, step: "send", startedAt: "2026-11-20T10:00:00.000Z", durationMs: 12, status: 422, result: "Dead", error: dead[0]?.lastError }],
    }),
    "POST /operations/": operation({ state: "Queued" }),
    "GET /partners": [],
  });
  show(<QueueScreen operation={undefined} />);
  await screen.findAllByTestId("operation-row");
  expect(engine.calls[0]?.path).toContain("state=Dead&state=Held&state=Unknown");
  expect(await screen.findByTestId("partner-words")).toHaveTextContent("line 1 has no price");
  await screen.findByTestId("attempt-row");

  fireEvent.keyDown(document.body, { key: "a" });
  const replay = await screen.findByTestId("replay-selected");
  expect(replay).toHaveTextContent("(2)");
  fireEvent.click(replay);
  await waitFor(() =>
    expect(engine.calls.filter((call) => call.method === "POST").map((call) => call.path)).toEqual(["/operations/op-1/retry", "/operations/op-2/retry"]),
  );
  await waitFor(() => expect(screen.queryByTestId("replay-selected")).toBeNull());
});

test("all dead letters that the filter shows are sent again in one call", async () => {
  const dead = operation({ id: "op-1", state: "Dead", attempts: 1, lastError: { code: "partner.rejected", status: 422 }, replayOf: "op-0" });
  const engine = fakeEngine({
    "GET /operations?": { items: [dead] },
    "GET /operations/op-": { operation: dead, attempts: [] },
    "POST /operations/replay": { queued: 3, held: 0, more: false },
    "GET /partners": [],
  });
  show(<QueueScreen operation={undefined} />);
  expect(await screen.findByTestId("operation-other")).toHaveAttribute("data-id", "op-0");
  expect(errorsOf([dead], "partner.timeout").map((one) => one.value)).toEqual(["partner.rejected", "partner.timeout"]);
  fireEvent.click(await screen.findByTestId("replay-matching"));
  await waitFor(() => expect(engine.calls.filter((call) => call.method === "POST").map((call) => call.path)).toEqual(["/operations/replay"]));
});

test("a key acts on the operation that was looked at, and not on one that has just come on top", async () => {
  let rows = [operation({ id: "op-1", state: "Dead" })];
  const engine = fakeEngine({
    "GET /operations?": () => ({ items: rows }),
    "GET /operations/op-": () => ({ operation: rows[0], attempts: [] }),
    "POST /operations/": operation({ state: "Withdrawn" }),
    "GET /partners": [],
  });
  const { client } = show(<QueueScreen operation={undefined} />);
  const stop = connectFeed(client, engine.host);
  await screen.findByTestId("operation-row");
  rows = [operation({ id: "op-2", state: "Dead" }), ...rows];
  act(() => engine.emit({ type: "change", change: { id: 1, kind: "operation", subject: "op-2" } }));
  await waitFor(() => expect(screen.getAllByTestId("operation-row")).toHaveLength(2));
  fireEvent.keyDown(document.body, { key: "w" });
  await waitFor(() => expect(engine.calls.filter((call) => call.method === "POST").map((call) => call.path)).toEqual(["/operations/op-1/withdraw"]));
  stop();
});
