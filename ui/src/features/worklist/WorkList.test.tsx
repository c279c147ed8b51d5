import { act, fireEvent, screen, waitFor } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import { row } from "../../../test/fixtures";
import { type Call, fakeEngine, show } from "../../../test/host";
import { connectFeed } from "../../api/live";
import type { DocumentRow } from "../../api/types";
import { WorkList } from "./WorkList";

afterEach(() => void vi.unstubAllEnvs());

const counters = { needsAnswer: 0 };
const active = () => screen.getAllByRole("row").find((one) => one.getAttribute("data-active") === "true")?.getAttribute("data-number");

test("moves by keyboard, opens, and keeps the active document when rows come before it", async () => {
  let rows: DocumentRow[] = [row(1), row(2), row(3)];
  const engine = fakeEngine({ "GET /documents": () => ({ items: rows }), "GET /partners": [], "GET /counters": counters });
  const { client } = show(<WorkList view="all" />);
  const stop = connectFeed(client, engine.host);
  const grid = await screen.findByTestId("worklist");
  await waitFor(() => expect(active()).toBe("PO-1"));
  expect(grid).toHaveAccessibleName("All documents");

  fireEvent.keyDown(grid, { key: "j" });
  await waitFor(() => expect(active()).toBe("PO-2"));
  fireEvent.keyDown(document.body, { key: "j" });
  await waitFor(() => expect(active()).toBe("PO-3"));
  fireEvent.keyDown(grid, { key: "ArrowUp" });
  await waitFor(() => expect(active()).toBe("PO-2"));
  expect(grid.getAttribute("aria-activedescendant")).toBe(screen.getAllByTestId("document-row")[1]?.id);

  rows = [row(9), row(8), ...rows];
  act(() => engine.emit({ type: "change", change: { id: 1, kind: "document", subject: "9", document: 9 } }));
  await waitFor(() => expect(screen.getAllByTestId("document-row")).toHaveLength(5));
  expect(active()).toBe("PO-2");

  // Answered elsewhere: the one that took its place is active.
  rows = rows.filter((one) => one.id !== 2);
  act(() => engine.emit({ type: "change", change: { id: 2, kind: "document", subject: "2", document: 2 } }));
  await waitFor(() => expect(active()).toBe("PO-3"));

  fireEvent.keyDown(grid, { key: "Enter" });
  expect(window.location.hash).toBe("#/documents/3");
  stop();
});

test("searches as one types, and says what to do when nothing matches", async () => {
  const engine = fakeEngine({
    "GET /documents": (call: Call) => ({ items: call.path.includes("q=bolt") ? [] : [row(1)] }),
    "GET /partners": [{ id: "sandbox", name: "Sandbox", status: "onLine", streams: [], operations: [], configFile: "", configErrors: [] }],
  });
  show(<WorkList view="inDelivery" />);
  await screen.findByText("PO-1");
  await screen.findByText("Sandbox", { selector: ".caption" });
  fireEvent.keyDown(document.body, { key: "/" });
  const search = screen.getByTestId("search");
  expect(document.activeElement).toBe(search);
  fireEvent.change(search, { target: { value: "bolt" } });
  expect(await screen.findByTestId("empty")).toHaveTextContent("Nothing matches");
  expect(engine.calls.some((call) => call.path.includes("view=inDelivery") && call.path.includes("q=bolt"))).toBe(true);
  fireEvent.keyDown(search, { key: "Escape" });
  await screen.findByText("PO-1");
});

test("an engine that refuses is shown by the table, with a way on", async () => {
  let broken = true;
  fakeEngine({
    "GET /documents": () => (broken ? { problem: { status: 500, code: "store.failed", detail: "disk I/O error" } } : { items: [row(1)] }),
    "GET /partners": [],
  });
  show(<WorkList view="needsAnswer" />);
  const panel = await screen.findByTestId("error-panel");
  expect(panel).toHaveTextContent("The database failed");
  expect(panel).toHaveTextContent("disk I/O error");
  broken = false;
  fireEvent.click(screen.getByRole("button", { name: "Retry" }));
  await screen.findByText("PO-1");
});

test("ten thousand documents make a few dozen rows, and pages come as one scrolls", async () => {
  const engine = fakeEngine({
    "GET /documents": (call: Call) => {
      const from = Number(/cursor=(\d+)/.exec(call.path)?.[1] ?? 0);
      return { items: Array.from({ length: 100 }, (_, n) => row(from + n + 1)), next: String(from + 100) };
    },
    "GET /partners": [],
  });
  show(<WorkList view="all" />);
  await screen.findByText("PO-1");
  expect(screen.getAllByTestId("document-row").length).toBeLessThan(60);
  const grid = screen.getByTestId("worklist");
  fireEvent.keyDown(grid, { key: "End" });
  await waitFor(() => expect(engine.calls.some((call) => call.path.includes("cursor=100"))).toBe(true));
});

test("a search whose first pages are empty goes on until it has rows", async () => {
  const engine = fakeEngine({
    "GET /documents": (call: Call) => {
      const from = Number(/cursor=(\d+)/.exec(call.path)?.[1] ?? 0);
      return from < 3 ? { items: [], next: String(from + 1) } : { items: [row(7)] };
    },
    "GET /partners": [],
  });
  show(<WorkList view="all" />);
  await screen.findByText("PO-7");
  expect(engine.calls.filter((call) => call.path.startsWith("/documents")).length).toBe(4);
});

test("text of partners stays text", async () => {
  fakeEngine({ "GET /documents": { items: [row(1, { counterparty: "<img src=x onerror=alert(1)>" })] }, "GET /partners": [] });
  const { container } = show(<WorkList view="all" />);
  await screen.findByText("<img src=x onerror=alert(1)>");
  expect(container.querySelector("img")).toBeNull();
});

test("amounts that do not add up are marked in the row, in words too, and can be listed alone", async () => {
  const engine = fakeEngine({
    "GET /documents": (call: Call) => ({ items: call.path.includes("doubtful=true") ? [row(2, { doubtful: true })] : [row(1), row(2, { doubtful: true })] }),
    "GET /partners": [],
  });
  show(<WorkList view="all" />);
  const marks = await screen.findAllByRole("img", { name: "The amounts do not add up" });
  expect(marks.map((mark) => mark.closest("[data-number]")?.getAttribute("data-number"))).toEqual(["PO-2"]);
  fireEvent.change(screen.getByTestId("filter-state"), { target: { value: "doubtful" } });
  await waitFor(() => expect(screen.getAllByTestId("document-row")).toHaveLength(1));
  fireEvent.change(screen.getByTestId("filter-state"), { target: { value: "Issued" } });
  await waitFor(() => expect(engine.calls.at(-1)?.path).toMatch(/state=Issued/));
  expect(engine.calls.at(-1)?.path).not.toContain("doubtful");
  fireEvent.keyDown(document.body, { key: "x" });
  await waitFor(() => expect(screen.getAllByTestId("document-row")).toHaveLength(2));
});

test.each([
  ["America/New_York", "2099-12-01T04:59:00.000Z", "11/30/2099"],
  ["Pacific/Auckland", "2099-11-30T12:00:00.000Z", "12/01/2099"],
])("in %s an answer is due by the day of the person", async (zone, answerDue, day) => {
  vi.stubEnv("TZ", zone);
  fakeEngine({ "GET /documents": { items: [row(1, { answerDue })] }, "GET /partners": [] });
  show(<WorkList view="all" />);
  await screen.findByText(`by ${day}`);
});
