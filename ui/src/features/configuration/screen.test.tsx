import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { expect, test } from "vitest";
import { type Call, fakeEngine, show } from "../../../test/host";
import type { Trial, TrialDocument, TrialOperation, TrialStream } from "../../api/types";
import ConfigurationScreen from "./ConfigurationScreen";

const operation = (change: Partial<TrialOperation> = {}): TrialOperation => ({
  operation: "confirm",
  answer: {},
  codes: [],
  items: [],
  problems: [],
  request: { method: "POST", url: "https://acme.example/orders/1/answer", headers: [], body: '{"code":"AP"}' },
  ...change,
});

const tried = (change: Partial<TrialDocument> = {}): TrialDocument => ({
  canonical: { number: "PO-1" } as unknown as TrialDocument["canonical"],
  codes: [],
  empty: [],
  items: [],
  operations: [operation()],
  outcome: "version",
  payload: '{"no":"PO-1","unit":"Stk"}',
  problems: [],
  rules: [],
  unread: [],
  warnings: [],
  ...change,
});

const stream = (change: Partial<TrialStream> = {}): TrialStream => ({ documents: [tried()], items: 1, more: false, setAside: [], stream: "orders", ...change });
const trial = (change: Partial<TrialStream> = {}): Trial => ({ name: "Acme", partner: "acme", streams: [stream(change)], issued: [], rules: [] });

/** Opens the screen and fetches a page; `answer` is what each trial gives. */
async function opened(answer: Trial | ((call: Call) => Trial)) {
  const { calls } = fakeEngine({
    "GET /partners/acme/configuration": { id: "acme", file: "acme.json", text: '{"id":"acme","streams":{"orders":{}}}', mistakes: [], warnings: [] },
    "POST /partners/check": { mistakes: [], warnings: [] },
    "POST /partners/try": answer,
  });
  show(<ConfigurationScreen id="acme" />);
  const fetch = await screen.findByTestId("source-fetch");
  await waitFor(() => expect(fetch).not.toBeDisabled());
  fireEvent.click(fetch);
  return { trials: () => calls.filter((call) => call.path === "/partners/try").map((call) => call.body as { prepared?: unknown; payload?: string }) };
}

const give = (testId: string, content: string, name: string) =>
  fireEvent.change(screen.getByTestId(testId), { target: { files: [new File([content], name)] } });

test("items that are set aside and items that cannot be had now are told beside what was taken", async () => {
  const problems = [{ pointer: "/detail", message: "the partner says 410 Gone" }];
  await opened(trial({ setAside: [{ payload: "{}", stage: "fetch", problems }], held: { code: "partner.unavailable", message: "503 Service Unavailable" } }));
  const bar = await screen.findByTestId("effect-set-aside");
  expect(bar).toHaveTextContent("One item of the page would go to quarantine:/detail the partner says 410 Gone");
  expect(bar).toHaveTextContent("Some items cannot be had now: 503 Service Unavailable");
  expect(await screen.findByTestId("effect")).toHaveAttribute("data-outcome", "version");
});

test("rules say what they do with this document, and codes are matched both ways", async () => {
  const codes: TrialDocument["codes"] = [
    { table: "units", code: "Stk", count: 3, direction: "in", found: "PCE" },
    { table: "reasons", code: "Z9", count: 1, direction: "in", found: null },
  ];
  const out: TrialOperation["codes"] = [{ table: "units", code: "PCE", count: 3, direction: "out", found: "Stk" }];
  const rules = [{ rule: "answerDeadlineHours", effect: "an answer is due on 2026-12-01" }];
  const items = [{ id: "sellerId", lines: 2, of: 3, example: "A-1" }];
  await opened(trial({ documents: [tried({ codes, rules, items, operations: [operation({ codes: out })] })] }));
  expect(await screen.findByTestId("effect-rule")).toHaveTextContent("answerDeadlineHoursan answer is due on 2026-12-01");
  const effect = screen.getByTestId("effect");
  expect(effect).toHaveTextContent("units: Stk → PCE");
  expect(effect).toHaveTextContent("reasons: Z9 → unknown");
  expect(screen.getByTestId("effect-items")).toHaveTextContent("sellerId in 2 of 3 lines, such as A-1");
  fireEvent.click(screen.getByTestId("pane-requests"));
  expect(await screen.findByTestId("request-codes")).toHaveTextContent("units: PCE → Stk");
});

test("what the partner answers to the read before a request is given, refused when it is no JSON, and taken back", async () => {
  const read = operation({ step: "prepare", request: { method: "GET", url: "https://acme.example/orders/1/lines", headers: [] } });
  const { trials } = await opened(trial({ documents: [tried({ operations: [read, operation()] })] }));
  await screen.findByTestId("effect-payload");
  fireEvent.click(screen.getByTestId("pane-requests"));
  const bar = await screen.findByTestId("prepared");
  expect(bar).toHaveTextContent("placeholders");
  expect(screen.getAllByTestId("request")[0]).toHaveTextContent("Confirm · prepare");

  give("prepared-file", "no json", "wrong.json");
  expect(await screen.findByTestId("prepared-wrong")).toHaveTextContent("no JSON");
  expect(trials().at(-1)?.prepared).toBeUndefined();

  give("prepared-file", '[{"lineId":7}]', "lines.json");
  await waitFor(() => expect(trials().at(-1)?.prepared).toEqual([{ lineId: 7 }]));
  expect(screen.queryByTestId("prepared-wrong")).toBeNull();
  expect(screen.getByTestId("prepared")).toHaveTextContent("lines.json");
  expect(trials().at(-1)?.payload).toContain("PO-1");

  fireEvent.click(within(screen.getByTestId("prepared")).getByTestId("prepared-clear"));
  await waitFor(() => expect(screen.getByTestId("prepared")).toHaveTextContent("placeholders"));
});

test("requests that read nothing before offer no such answer", async () => {
  await opened(trial());
  await screen.findByTestId("effect-payload");
  fireEvent.click(screen.getByTestId("pane-requests"));
  await screen.findByTestId("request");
  expect(screen.queryByTestId("prepared")).toBeNull();
});
