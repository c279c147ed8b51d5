import { EditorView } from "@codemirror/view";
import { act, cleanup, fireEvent, screen, waitFor, within } from "@testing-library/react";
import { expect, test } from "vitest";
import { type Call, fakeEngine, show } from "../../../test/host";
import { keys } from "../../api/live";
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

/** The screen on a file that the test may change, with what the editor shows and a way to type. */
async function edited() {
  const file = { text: '{"id":"acme"}', broken: false };
  const view = () => ({ id: "acme", file: "acme.json", text: file.text, mistakes: [], warnings: [] });
  const routes = {
    "GET /partners/acme/configuration": () => (file.broken ? { problem: { status: 500, code: "store.failed" } } : view()),
    "PUT /partners/acme/configuration": (call: Call) => {
      file.text = (call.body as { text: string }).text;
      return view();
    },
    "POST /partners/check": { mistakes: [], warnings: [] },
  };
  const editor = () => {
    const found = EditorView.findFromDOM(screen.getByTestId("configuration-editor").shadowRoot?.querySelector(".cm-editor") as HTMLElement);
    if (!found) throw new Error("no editor");
    return found;
  };
  const open = async () => {
    fakeEngine(routes);
    const { client } = show(<ConfigurationScreen id="acme" />);
    await screen.findByTestId("configuration-editor");
    // What an event of the partner does.
    return { readAgain: () => act(() => client.invalidateQueries({ queryKey: keys.partners })) };
  };
  const state = () => screen.getByTestId("configuration-state").textContent;
  return { file, open, state, shown: () => editor().state.doc.toString(), type: (insert: string) => act(() => editor().dispatch({ changes: { from: 0, insert } })) };
}

test("what is typed outlives the screen, until it is saved or begun again from the file", async () => {
  const { open, shown, state, type, file } = await edited();
  await open();
  expect(screen.queryByTestId("draft-bar")).toBeNull();
  type("g o");
  cleanup();
  await open();
  expect(shown()).toBe('g o{"id":"acme"}');
  expect(screen.getByTestId("draft-bar")).toHaveTextContent("Your draft from before is shown.");
  expect(state()).toBe("Not saved");
  fireEvent.click(screen.getByTestId("configuration-again"));
  expect(shown()).toBe('{"id":"acme"}');
  expect(screen.queryByTestId("draft-bar")).toBeNull();
  type(" ");
  fireEvent.click(screen.getByTestId("configuration-save"));
  await waitFor(() => expect(state()).toBe("In force"));
  expect(file.text).toBe(' {"id":"acme"}');
  cleanup();
  await open();
  expect(shown()).toBe(' {"id":"acme"}');
  expect(screen.queryByTestId("draft-bar")).toBeNull();
});

test("what is typed stays when the file is read again: unreadable, or another one meanwhile", async () => {
  const { open, shown, state, type, file } = await edited();
  const { readAgain } = await open();
  file.text = '{"id":"acme","name":"A"}';
  await readAgain();
  await waitFor(() => expect(shown()).toBe('{"id":"acme","name":"A"}'));
  expect(state()).toBe("In force");

  type("x");
  file.broken = true;
  await readAgain();
  expect(screen.queryByTestId("error-panel")).toBeNull();
  expect(shown()).toBe('x{"id":"acme","name":"A"}');

  file.broken = false;
  file.text = '{"id":"acme","name":"B"}';
  await readAgain();
  expect(await screen.findByTestId("draft-bar")).toHaveTextContent("The file has changed");
  expect(shown()).toBe('x{"id":"acme","name":"A"}');
  fireEvent.keyDown(document.body, { key: "a", altKey: true });
  await waitFor(() => expect(shown()).toBe('{"id":"acme","name":"B"}'));
  expect(state()).toBe("In force");
});
