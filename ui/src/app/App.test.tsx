import { act, fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";
import { detail, order, row } from "../../test/fixtures";
import { fakeEngine } from "../../test/host";
import { connectFeed } from "../api/live";
import { App, newQueryClient } from "./App";
import { go, openDocument } from "./router";

const counters = {
  documents: 3, needsAnswer: 2, queued: 1, sending: 0, retrying: 1, delivered: 0, applied: 0, unknown: 0, held: 1, dead: 2, quarantine: 4, duplicates: 0,
};

function start(extra: Parameters<typeof fakeEngine>[0] = {}) {
  const engine = fakeEngine({
    "GET /session": { user: "maria", company: "main", version: "0.1.0" },
    "GET /counters": counters,
    "GET /partners": [],
    "GET /documents?": { items: [row(1), row(2)] },
    "GET /documents/1": detail(),
    "GET /documents/2": detail({ row: row(2) }),
    "GET /documents/1/versions/1": { version: detail().versions[0], document: { Order: order() } },
    "GET /documents/2/versions/1": { version: detail().versions[0], document: { Order: order() } },
    "GET /operations": { items: [] },
    ...extra,
  });
  const client = newQueryClient();
  connectFeed(client, engine.host);
  return { engine, client, ...render(<App client={client} />) };
}

test("counters, the way through the screens by keys, and back", async () => {
  start();
  await screen.findByText("PO-1");
  expect(await screen.findByTestId("count-needsAnswer")).toHaveTextContent("2");
  expect(screen.getByTestId("count-inDelivery")).toHaveTextContent("5");
  expect(screen.getByTestId("count-queue")).toHaveTextContent("3");
  expect(screen.getByTestId("count-quarantine")).toHaveTextContent("4");

  fireEvent.keyDown(document.body, { key: "Enter" });
  await screen.findByTestId("document");
  await waitFor(() => expect(screen.getByTestId("document-number")).toHaveTextContent("PO-1"));
  expect(document.title).toBe("Document – Countersign");
  await waitFor(() => expect(screen.getByTestId("next-document")).not.toBeDisabled());
  fireEvent.keyDown(document.body, { key: "j" });
  await waitFor(() => expect(screen.getByTestId("document-number")).toHaveTextContent("PO-2"));
  fireEvent.keyDown(document.body, { key: "Escape" });
  const list = await screen.findByTestId("worklist");
  // The list stands where the document was left.
  await waitFor(() => expect(within(list).getAllByTestId("document-row")[1]).toHaveAttribute("data-active", "true"));

  fireEvent.keyDown(document.body, { key: "g" });
  fireEvent.keyDown(document.body, { key: "q" });
  await screen.findByTestId("queue");
});

test("the next document begins at its first line and has the keys, wherever the one before was left", async () => {
  start();
  await screen.findByText("PO-1");
  act(() => go(openDocument(1)));
  const lines = await screen.findByTestId("lines");
  const active = () => screen.getAllByTestId("line-row").map((row) => row.getAttribute("data-active"));
  fireEvent.keyDown(lines, { key: "ArrowDown" });
  await waitFor(() => expect(active().slice(0, 2)).toEqual(["false", "true"]));
  lines.scrollTop = 200;
  lines.blur();
  await waitFor(() => expect(screen.getByTestId("next-document")).not.toBeDisabled());
  fireEvent.keyDown(document.body, { key: "j" });
  await waitFor(() => expect(screen.getByTestId("document-number")).toHaveTextContent("PO-2"));
  expect(screen.getByTestId("document-position")).toHaveTextContent(/^2 of \d/);
  await waitFor(() => expect(active().slice(0, 2)).toEqual(["true", "false"]));
  expect(screen.getByTestId("lines")).toHaveFocus();
  expect(screen.getByTestId("lines").scrollTop).toBe(0);
});

test("the palette lists the screen's actions with their keys, and runs one", async () => {
  start();
  await screen.findByText("PO-1");
  fireEvent.keyDown(document.body, { key: "k", ctrlKey: true });
  const search = await screen.findByTestId("palette-search");
  const palette = screen.getByTestId("palette");
  for (const name of ["Search", "Next row", "Queue", "Switch theme"]) within(palette).getByText(name);
  await userEvent.type(search, "partners");
  await waitFor(() => expect(within(palette).getAllByRole("menuitem")).toHaveLength(1));
  await userEvent.keyboard("{Enter}");
  await waitFor(() => expect(window.location.hash).toBe("#/partners"));
});

test("? shows the keys of the screen", async () => {
  start();
  await screen.findByText("PO-1");
  fireEvent.keyDown(document.body, { key: "?", shiftKey: true });
  const keys = await screen.findByTestId("keys-dialog");
  within(keys).getByText("Clear filters");
});

test("a lost engine is said, and taken back when it is there again", async () => {
  const { engine } = start();
  await screen.findByText("PO-1");
  act(() => engine.emit({ type: "closed", reason: "gone" }));
  await screen.findByTestId("banner-lost");
  act(() => engine.emit({ type: "open" }));
  await waitFor(() => expect(screen.queryByTestId("banner-lost")).toBeNull());
});

test("without a token one is asked for", async () => {
  start({ "GET /session": { problem: { status: 401, code: "unauthorized", detail: "no token" } } });
  await screen.findByTestId("sign-in");
});

test("the theme goes round and is kept", async () => {
  start();
  await screen.findByText("PO-1");
  fireEvent.click(screen.getByTestId("theme"));
  expect(document.documentElement).toHaveAttribute("data-theme", "light");
  fireEvent.click(screen.getByTestId("theme"));
  expect(document.documentElement).toHaveAttribute("data-theme", "dark");
  expect(localStorage.getItem("countersign.theme")).toBe("dark");
  fireEvent.click(screen.getByTestId("theme"));
  expect(document.documentElement).not.toHaveAttribute("data-theme");
});
