import { fireEvent, screen, waitFor } from "@testing-library/react";
import { expect, test } from "vitest";
import { fakeEngine, show } from "../../../test/host";
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
