import { render, screen } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { row } from "../../test/fixtures";
import { fakeEngine } from "../../test/host";
import { App, newQueryClient } from "./App";
import { readFirst } from "./first";

const answers = {
  "GET /session": { user: "maria", company: "main", version: "0.1.0" },
  "GET /counters": { needsAnswer: 1 },
  "GET /partners": [{ id: "sandbox", name: "Sandbox", status: "onLine", streams: [], operations: [], configFile: "", configErrors: [] }],
  "GET /incidents": [],
  "GET /health": { status: "ok", reasons: [] },
  "GET /documents?": { items: [row(1)] },
};

test("the first frame has the list with its names and counts, and nothing is asked twice", async () => {
  window.location.hash = "#/list/answer";
  const engine = fakeEngine(answers);
  const client = newQueryClient();
  await readFirst(client);
  const asked = engine.calls.length;
  render(<App client={client} />);
  expect(screen.getByText("PO-1")).toBeVisible();
  expect(screen.getByTestId("count-needsAnswer")).toHaveTextContent("1");
  expect(screen.getByText("Sandbox", { selector: ".caption" })).toBeVisible();
  await Promise.resolve();
  expect(engine.calls).toHaveLength(asked);
});

test("an engine that takes its time does not hold up the screen", async () => {
  vi.useFakeTimers();
  const engine = fakeEngine(answers);
  engine.host.request = () => new Promise(() => undefined);
  let ended = false;
  const reading = readFirst(newQueryClient()).then(() => (ended = true));
  await vi.advanceTimersByTimeAsync(200);
  expect(ended).toBe(false);
  await vi.advanceTimersByTimeAsync(100);
  await reading;
  vi.useRealTimers();
});

test("an engine that refuses is told by the screen", async () => {
  window.location.hash = "#/list/answer";
  fakeEngine({ ...answers, "GET /documents?": { problem: { status: 500, code: "store.failed", detail: "disk I/O error" } } });
  const client = newQueryClient();
  await readFirst(client);
  render(<App client={client} />);
  expect(await screen.findByTestId("error-panel")).toHaveTextContent("disk I/O error");
});
