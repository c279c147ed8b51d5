import { readFileSync } from "node:fs";
import { join } from "node:path";
import { act, fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";
import { fakeEngine, show } from "../../../test/host";
import type { Health, IncidentRow } from "../../api/types";
import { connectFeed } from "../../api/live";
import { App, newQueryClient } from "../../app/App";
import HealthScreen from "./HealthScreen";
import { troublesOf } from "./troubles";

const incident = (id: number, kind: string, subject: string, change: Partial<IncidentRow> = {}): IncidentRow => ({
  id,
  kind,
  subject,
  detail: "401 invalid_client",
  beganAt: "2027-03-01T08:00:00Z",
  ...change,
});
const well: Health = { ready: true, reasons: [], version: "0.1.0" };
const ended = { endedAt: "2027-03-01T09:00:00Z" };

test("the worst comes first, what is over does not count, and the store's own troubles are there", () => {
  const health: Health = {
    ...well,
    reasons: [
      { code: "store.disk_full", message: "the disk is full" },
      { code: "partner.clock", message: "acme: the partner's clock is 600 s ahead of ours" },
      // An incident says it already.
      { code: "partner.credentials", message: "acme: refused" },
    ],
  };
  const found = troublesOf(
    [incident(1, "partner.unreachable", "other"), incident(2, "partner.credentials", "acme"), incident(3, "queue.dead", "acme", ended)],
    health,
  );
  expect(found.map((one) => [one.code, one.subject])).toEqual([
    ["store.disk_full", ""],
    ["partner.credentials", "acme"],
    ["partner.clock", "acme"],
    ["partner.unreachable", "other"],
  ]);
});

test("every kind of the engine says what to do", () => {
  for (const kind of ["partner.unreachable", "partner.credentials", "partner.configuration", "queue.dead", "care.backup", "care.archive"]) {
    const [one] = troublesOf([incident(1, kind, "acme")], undefined);
    expect(one?.entry.title, kind).not.toBe("Something went wrong");
    expect(one?.entry.hint, kind).toMatch(/\.$/);
  }
});

test("the banner is on every screen, leads by key and by button to what to do, and goes when it is over", async () => {
  const incidents = [incident(1, "partner.credentials", "acme"), incident(2, "care.backup", "database")];
  const engine = fakeEngine({
    "GET /session": { user: "maria", company: "main", version: "0.1.0" },
    "GET /counters": {},
    "GET /partners": [],
    "GET /documents?": { items: [] },
    "GET /incidents": () => incidents,
    "GET /health": well,
  });
  window.location.hash = "";
  const client = newQueryClient();
  connectFeed(client, engine.host);
  render(<App client={client} />);
  const banner = await screen.findByTestId("banner-health");
  expect(banner).toHaveTextContent("acme: The partner refused our credentials, and 1 more");
  expect(banner).toHaveAttribute("role", "alert");
  // It cannot be sent away.
  expect(within(banner).getAllByRole("button")).toHaveLength(1);
  expect(screen.getByTestId("count-health")).toHaveTextContent("2");

  fireEvent.keyDown(document.body, { key: "g" });
  fireEvent.keyDown(document.body, { key: "h" });
  await screen.findByTestId("health");
  expect(screen.queryByTestId("banner-health")).toBeNull();
  expect((await screen.findAllByTestId("trouble")).map((one) => one.dataset.code)).toEqual(["partner.credentials", "care.backup"]);

  fireEvent.keyDown(document.body, { key: "g" });
  fireEvent.keyDown(document.body, { key: "q" });
  const button = await screen.findByTestId("banner-health-show");
  button.focus();
  await userEvent.keyboard("{Enter}");
  await screen.findByTestId("health");

  incidents.splice(0, 2, incident(1, "partner.credentials", "acme", ended));
  act(() => engine.emit({ type: "change", change: { id: 9, kind: "incident", subject: "1" } }));
  await waitFor(() => expect(screen.queryByTestId("trouble")).toBeNull());
  expect(screen.getByTestId("over")).toHaveTextContent("acme: The partner refused our credentials");
  expect(screen.queryByTestId("count-health")).toBeNull();
});

test("a look at everything shows what is wrong with why and what to do, and the rest when asked", async () => {
  fakeEngine({
    "GET /incidents": [],
    "GET /health": well,
    "GET /doctor": {
      worst: "fail",
      checks: [
        { name: "integrity", level: "ok", message: "quick_check ok" },
        { name: "backup", level: "warn", message: "there is none", why: "A disk that breaks takes everything with it.", advice: "countersign backup" },
        { name: "disk", level: "fail", message: "1.00 MiB free", words: "said", why: "A full disk stops every save.", advice: "make room now" },
      ],
    },
  });
  show(<HealthScreen />);
  await screen.findByTestId("empty");
  fireEvent.keyDown(document.body, { key: "c" });
  const examined = await screen.findByTestId("examined");
  expect(examined).toHaveAttribute("data-wrong", "2");
  const shown = within(examined).getAllByTestId("check");
  expect(shown.map((one) => one.dataset.name)).toEqual(["disk", "backup"]);
  for (const words of ["1.00 MiB free: said", "A full disk stops every save.", "make room now"]) expect(shown[0]).toHaveTextContent(words);
  await userEvent.click(screen.getByTestId("examined-all"));
  expect(within(examined).getAllByTestId("check")).toHaveLength(3);
});

test("the diagnostics are saved where the person says, and nothing is said when they change their mind", async () => {
  const { host } = fakeEngine({ "GET /incidents": [], "GET /health": well });
  const saveFile = vi.spyOn(host, "saveFile").mockResolvedValueOnce(false);
  show(<HealthScreen />);
  await userEvent.click(await screen.findByTestId("diagnostics-save"));
  expect(saveFile).toHaveBeenCalledWith("/api/v1/diagnostics", expect.stringMatching(/^countersign-diagnostics-\d{8}-\d{6}\.zip$/));
  await waitFor(() => expect(screen.getByTestId("diagnostics-save")).toHaveTextContent("Save diagnostics…"));
});

test("while all is well, what lies below does not make the screen scroll", async () => {
  const sheet = document.createElement("style");
  sheet.textContent = ["controls", "health"].map((name) => readFileSync(join(process.cwd(), `src/styles/${name}.css`), "utf8")).join("\n");
  document.head.append(sheet);
  fakeEngine({ "GET /incidents": [], "GET /health": well });
  show(<HealthScreen />);
  expect(getComputedStyle(await screen.findByTestId("empty")).height).toBe("auto");
  sheet.remove();
});
