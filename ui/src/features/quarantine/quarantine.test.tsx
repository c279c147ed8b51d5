import { act, fireEvent, screen, waitFor } from "@testing-library/react";
import { expect, test } from "vitest";
import { fakeEngine, show } from "../../../test/host";
import { connectFeed } from "../../api/live";
import type { QuarantineRow } from "../../api/types";
import QuarantineScreen from "./QuarantineScreen";

const row: QuarantineRow = {
  id: 4,
  company: "main",
  partner: "sandbox",
  stream: "orders",
  kind: "Order",
  number: null,
  stage: "schema",
  problems: [
    { pointer: "/lines/0/quantity", message: "\"x\" is not a number" },
    { pointer: "/currency", message: "is missing" },
  ],
  payload: 9,
  state: "Open",
  runs: 1,
  seen: 2,
  receivedAt: "2026-11-20T10:00:00.000Z",
};

test("problems lie beside the payload, the line of each is marked; run again, dismiss", async () => {
  const engine = fakeEngine({
    "GET /quarantine?": { items: [row] },
    "GET /quarantine/4/payload": { lines: [{ quantity: "x" }] },
    "POST /quarantine/4/retry": row,
    "POST /quarantine/retry": { resolved: 3, stillWrong: 1, dismissed: 0, more: false },
    "POST /quarantine/4/dismiss": { ...row, state: "Dismissed" },
    "GET /partners": [],
  });
  show(<QuarantineScreen id={undefined} />);
  expect(await screen.findAllByTestId("problem")).toHaveLength(2);
  await waitFor(() => expect(document.querySelector("[data-chosen=true]")).toHaveTextContent('"quantity": "x"'));
  fireEvent.click(screen.getAllByTestId("problem")[1] as Element);
  expect(document.querySelector("[data-chosen=true]")).toHaveTextContent("1{");

  fireEvent.keyDown(document.body, { key: "r" });
  await waitFor(() => expect(engine.calls.some((call) => call.path === "/quarantine/4/retry")).toBe(true));
  fireEvent.click(screen.getByTestId("quarantine-retry-all"));
  await waitFor(() => expect(engine.calls.some((call) => call.path === "/quarantine/retry?partner=sandbox")).toBe(true));
  fireEvent.keyDown(document.body, { key: "d" });
  fireEvent.click(await screen.findByTestId("dismiss-confirm"));
  await waitFor(() => expect(engine.calls.some((call) => call.path === "/quarantine/4/dismiss")).toBe(true));
});

test("what is dismissed is what was looked at, whatever comes on top of it or takes its place", async () => {
  let rows: QuarantineRow[] = [{ ...row, number: "PO-4" }, { ...row, id: 3, number: "PO-3" }];
  const engine = fakeEngine({
    "GET /quarantine?": () => ({ items: rows }),
    "GET /quarantine/": {},
    "POST /quarantine/": row,
    "GET /partners": [],
  });
  const { client } = show(<QuarantineScreen id={undefined} />);
  const stop = connectFeed(client, engine.host);
  const now = async (next: QuarantineRow[]) => {
    rows = next;
    act(() => engine.emit({ type: "change", change: { id: 1, kind: "quarantine", subject: "5" } }));
    await waitFor(() => expect(screen.getAllByTestId("quarantine-row").map((one) => Number(one.dataset["id"]))).toEqual(next.map((one) => one.id)));
  };
  const dismissed = () => engine.calls.filter((call) => call.path.endsWith("/dismiss")).map((call) => call.path);
  await screen.findAllByTestId("quarantine-row");

  await now([{ ...row, id: 5, number: "PO-5" }, ...rows]);
  fireEvent.keyDown(document.body, { key: "d" });
  expect(await screen.findByTestId("dismiss-row")).toHaveTextContent("PO-4");
  await now([{ ...row, id: 6, number: "PO-6" }, ...rows.filter((one) => one.id !== 4)]);
  expect(screen.getByTestId("dismiss-row")).toHaveTextContent("PO-4");
  fireEvent.click(screen.getByTestId("dismiss-confirm"));
  await waitFor(() => expect(dismissed()).toEqual(["/quarantine/4/dismiss"]));

  // The one that took its place is next, and another filter begins at its top.
  fireEvent.keyDown(document.body, { key: "d" });
  expect(await screen.findByTestId("dismiss-row")).toHaveTextContent("PO-5");
  fireEvent.keyDown(screen.getByTestId("dismiss-confirm"), { key: "Escape" });
  await waitFor(() => expect(screen.queryByTestId("dismiss-dialog")).toBeNull());
  rows = [{ ...row, id: 8 }, { ...row, id: 7 }];
  fireEvent.keyDown(document.body, { key: "4" });
  await waitFor(() => expect(screen.getAllByTestId("quarantine-row").map((one) => one.dataset["active"])).toEqual(["true", "false"]));
  stop();
});
