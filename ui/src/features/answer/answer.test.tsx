import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { beforeEach, expect, test } from "vitest";
import { despatch, detail, operation, order, row } from "../../../test/fixtures";
import { type Answer, type Call, fakeEngine, show } from "../../../test/host";
import type { DocumentDetail } from "../../api/types";
import { keys } from "../../api/live";
import { formatDay, today } from "../../texts/format";
import { DocumentScreen } from "../document/DocumentScreen";
import AnswerScreen from "./AnswerScreen";

let current: DocumentDetail;
beforeEach(() => {
  current = detail();
});

function engine(extra: Record<string, Answer | ((call: Call) => Answer)> = {}) {
  return fakeEngine({
    "GET /documents?": { items: [current.row] },
    "GET /documents/1": () => current,
    "GET /documents/1/versions/1": () => ({ version: current.versions[0], document: { Order: order() } }),
    "GET /documents/1/versions/2": () => ({
      version: { ...current.versions[0], number: 2 },
      document: { Order: order({ lines: order().lines.map((line) => (line.id === "20" ? { ...line, quantity: "50" } : line)) }) },
    }),
    "GET /documents/1/diff": { header: [], lines: [{ lineId: "20", change: "Changed", fields: [{ field: "quantity", before: "40.0", after: "50" }] }] },
    "POST /documents/1/answers": operation(),
    "POST /documents/1/receipts": operation({ kind: "receipt" }),
    ...extra,
  });
}

const posted = (calls: Call[]) => calls.filter((call) => call.method === "POST").map((call) => call.body);
const press = (key: string, extra: object = {}) => fireEvent.keyDown(document.activeElement ?? document.body, { key, ...extra });

test("c, a look, Enter: confirmed", async () => {
  const { calls } = engine();
  show(<DocumentScreen id={1} tab="lines" version={undefined} />);
  await screen.findByTestId("answer-confirm");
  fireEvent.keyDown(document.body, { key: "c" });
  const dialog = await screen.findByTestId("confirm-dialog");
  expect(dialog).toHaveTextContent("3 lines, EUR 123.45");
  fireEvent.click(within(dialog).getByTestId("confirm-save"));
  await waitFor(() => expect(posted(calls)).toEqual([{ version: 1, answer: { code: "AP" } }]));
  await waitFor(() => expect(screen.queryByTestId("confirm-dialog")).toBeNull());
});

test("what is doubtful stands above the document and where it is confirmed", async () => {
  const doubts = [
    { code: "amounts" as const, pointer: "/lines/1/net", line: "20", message: "20.02 EUR is given, 20.00 EUR comes out" },
    { code: "amounts" as const, pointer: "/totals/net", line: null, message: "1.00 EUR is given, 20.00 EUR comes out" },
    ...Array.from({ length: 5 }, (_, n) => ({ code: "overDelivery" as const, pointer: `/lines/${n + 2}/delivered`, line: `${n}0`, message: "no" })),
  ];
  current = detail({ doubts });
  engine();
  show(<DocumentScreen id={1} tab="lines" version={undefined} />);
  const bar = await screen.findByTestId("doubts");
  expect(bar).toHaveTextContent("Line 20, net: 20.02 EUR is given, 20.00 EUR comes out");
  expect(bar).toHaveTextContent("Net total: 1.00 EUR is given");
  expect(bar).toHaveTextContent("Line 00, delivered: no");
  expect(bar).not.toHaveTextContent("/");
  expect(bar).toHaveTextContent("and 2 more");
  fireEvent.keyDown(document.body, { key: "c" });
  const dialog = await screen.findByTestId("confirm-dialog");
  expect(within(dialog).getByTestId("doubts")).toHaveTextContent("Line 20, net: 20.02 EUR");
});

test("a rejection needs its reason, and Other its text", async () => {
  const { calls } = engine();
  show(<DocumentScreen id={1} tab="lines" version={undefined} />);
  await screen.findByTestId("answer-reject");
  fireEvent.keyDown(document.body, { key: "r" });
  const save = await screen.findByTestId("reject-save");
  fireEvent.click(save);
  expect(await screen.findByRole("alert")).toHaveTextContent("Choose a reason");
  fireEvent.change(screen.getByTestId("reject-reason"), { target: { value: "OTH" } });
  fireEvent.click(save);
  expect(await screen.findByRole("alert")).toHaveTextContent("needs a text");
  fireEvent.change(screen.getByTestId("reject-text"), { target: { value: "No longer made" } });
  fireEvent.click(save);
  await waitFor(() => expect(posted(calls)).toEqual([{ version: 1, answer: { code: "RE", reason: { code: "OTH", text: "No longer made" } } }]));
});

test("an answer that the engine refuses says why, in the dialog", async () => {
  engine({ "POST /documents/1/answers": { problem: { status: 409, code: "answer.pending", detail: "an answer of ours is on its way" } } });
  show(<DocumentScreen id={1} tab="lines" version={undefined} />);
  await screen.findByTestId("answer-confirm");
  fireEvent.keyDown(document.body, { key: "c" });
  fireEvent.click(await screen.findByTestId("confirm-save"));
  const refused = await screen.findByTestId("refused");
  expect(refused).toHaveTextContent("An answer is on its way already");
  expect(refused).toHaveTextContent("an answer of ours is on its way");
});

test("only what is allowed has a button and a key", async () => {
  current = detail({ allowed: [] });
  engine();
  show(<DocumentScreen id={1} tab="lines" version={undefined} />);
  await screen.findByTestId("document");
  for (const id of ["confirm", "reject", "counter", "acknowledge"]) expect(screen.queryByTestId(`answer-${id}`)).toBeNull();
  fireEvent.keyDown(document.body, { key: "c" });
  expect(screen.queryByTestId("confirm-dialog")).toBeNull();
});

test("a counter-offer by keyboard: quantity, split, reject; what is missing is said first", async () => {
  const { calls } = engine();
  show(<AnswerScreen id={1} />);
  await screen.findByTestId("answer-grid");
  const quantity = await screen.findByLabelText("Quantity, line 10");
  await waitFor(() => expect(document.activeElement).toBe(quantity));
  fireEvent.change(quantity, { target: { value: "60" } });
  expect(screen.getByTestId("answer-summary")).toHaveAttribute("data-differing", "1");

  press("s", { altKey: true });
  const part = await screen.findByLabelText("Quantity, line 10, part 2");
  await waitFor(() => expect(document.activeElement).toBe(part));
  expect(part).toHaveValue("40");
  fireEvent.change(screen.getByLabelText("Promised, line 10, part 2"), { target: { value: "2026-12-15" } });

  press("Enter");
  await waitFor(() => expect(document.activeElement).toBe(screen.getByLabelText("Quantity, line 20")));
  press("r", { altKey: true });
  const reason = await screen.findByTestId("row-reason");
  await waitFor(() => expect(document.activeElement).toBe(reason));
  press("Enter", { ctrlKey: true });
  await screen.findByText("Reason: Reason needed");
  expect(posted(calls)).toEqual([]);
  fireEvent.change(reason, { target: { value: "QTY" } });
  press("Enter", { ctrlKey: true });
  await waitFor(() =>
    expect(posted(calls)).toEqual([
      {
        version: 1,
        answer: {
          code: "CA",
          lines: [
            { lineId: "10", code: "Accepted", quantity: "60", date: "2026-12-01" },
            { lineId: "10", code: "Changed", quantity: "40", date: "2026-12-15" },
            { lineId: "20", code: "Rejected", quantity: "40.0", reason: { code: "QTY" } },
            { lineId: "30", code: "Accepted", quantity: "7" },
          ],
        },
      },
    ]),
  );
  expect(window.location.hash).toBe("#/documents/1");
});

test("the engine's problems lie beside their fields", async () => {
  engine({
    "POST /documents/1/answers": {
      problem: { status: 422, code: "answer.incomplete", detail: "too much", data: [{ pointer: "/lines/0/quantity", message: "no more than 80 for this buyer" }] },
    },
  });
  show(<AnswerScreen id={1} />);
  fireEvent.change(await screen.findByLabelText("Quantity, line 10"), { target: { value: "90" } });
  fireEvent.click(screen.getByTestId("answer-save"));
  await screen.findByText("Quantity: no more than 80 for this buyer");
  expect(screen.getByTestId("refused")).toHaveTextContent("Line 10, quantity: no more than 80");
  expect(screen.getByLabelText("Quantity, line 10")).toHaveAttribute("aria-invalid", "true");
});

test("a new version while answering: what changed is shown, and the draft goes on", async () => {
  const { calls } = engine();
  const { client } = show(<AnswerScreen id={1} />);
  fireEvent.change(await screen.findByLabelText("Price, line 10"), { target: { value: "2.80" } });
  current = detail({ row: row(1, { current: 2, currentPurpose: "Change" }), versions: [...current.versions] });
  await client.invalidateQueries({ queryKey: keys.document(1) });
  const dialog = await screen.findByTestId("superseded-dialog");
  await within(dialog).findByTestId("diff-row");
  fireEvent.click(within(dialog).getByTestId("superseded-take"));
  await waitFor(() => expect(screen.getByTestId("answer")).toHaveAttribute("data-version", "2"));
  expect(screen.getByLabelText("Price, line 10")).toHaveValue("2.80");
  expect(screen.getByLabelText("Quantity, line 20")).toHaveValue("50");
  fireEvent.click(screen.getByTestId("answer-save"));
  await waitFor(() => expect(posted(calls)[0]).toMatchObject({ version: 2, answer: { code: "CA" } }));
});

test("a draft outlives the screen", async () => {
  engine();
  const first = show(<AnswerScreen id={1} />);
  fireEvent.change(await screen.findByLabelText("Quantity, line 10"), { target: { value: "77" } });
  first.unmount();
  show(<AnswerScreen id={1} />);
  expect(await screen.findByLabelText("Quantity, line 10")).toHaveValue("77");
  fireEvent.click(within(screen.getByTestId("draft-bar")).getByRole("button"));
  await waitFor(() => expect(screen.getByLabelText("Quantity, line 10")).toHaveValue("100"));
});

test("a held answer asks: send anyway, or withdraw", async () => {
  const held = operation({ state: "Held" });
  current = detail({ row: row(1, { current: 2 }), operations: [held] });
  const { calls } = engine({ "POST /operations/0190-op/release": operation({ state: "Queued" }), "POST /operations/0190-op/withdraw": operation({ state: "Withdrawn" }) });
  show(<DocumentScreen id={1} tab="lines" version={undefined} />);
  expect(await screen.findByTestId("held-banner")).toHaveTextContent("Your answer to v1 is held: v2 arrived");
  fireEvent.keyDown(document.body, { key: "S", shiftKey: true });
  await waitFor(() => expect(calls.some((call) => call.path.endsWith("/release"))).toBe(true));
  fireEvent.click(screen.getByTestId("held-withdraw"));
  await waitFor(() => expect(calls.some((call) => call.path.endsWith("/withdraw"))).toBe(true));
});

test("a receipt: short is worked out, refused goods need a reason and what is wanted", async () => {
  current = detail({ row: row(1, { kind: "DespatchAdvice", side: "Buyer" }), allowed: ["receipt"] });
  const { calls } = engine({ "GET /documents/1/versions/1": () => ({ version: current.versions[0], document: { DespatchAdvice: despatch() } }) });
  show(<AnswerScreen id={1} />);
  fireEvent.change(await screen.findByLabelText("Received, line 1"), { target: { value: "90" } });
  fireEvent.change(screen.getByLabelText("Refused, line 1"), { target: { value: "5" } });
  expect(screen.getAllByTestId("receipt-short")[0]).toHaveTextContent("10");
  fireEvent.click(screen.getByTestId("receipt-save"));
  await screen.findByText("Reason needed · Say what you want");
  fireEvent.change(screen.getAllByTestId("receipt-reason")[0] as Element, { target: { value: "Broken" } });
  fireEvent.change(screen.getAllByTestId("receipt-action")[0] as Element, { target: { value: "Replace" } });
  fireEvent.change(screen.getByTestId("receipt-day"), { target: { value: "2026-11-20" } });
  fireEvent.click(screen.getByTestId("receipt-save"));
  await waitFor(() =>
    expect(posted(calls)).toEqual([
      {
        version: 1,
        receipt: {
          receivedOn: "2026-11-20",
          lines: [
            { lineId: "1", received: "90", short: "10", rejected: "5", rejectReason: "Broken", action: "Replace" },
            { lineId: "2", received: "12.5" },
          ],
        },
      },
    ]),
  );
});

const receiving = (extra: Parameters<typeof engine>[0] = {}) => {
  current = detail({ row: row(1, { kind: "DespatchAdvice", side: "Buyer" }), allowed: ["receipt"] });
  const [first, second] = despatch().lines;
  if (!first || !second) throw new Error("two lines");
  return engine({
    "GET /documents/1/versions/1": () => ({ version: current.versions[0], document: { DespatchAdvice: despatch() } }),
    "GET /documents/1/versions/2": () => ({
      version: current.versions[0],
      document: { DespatchAdvice: { ...despatch(), lines: [{ ...first, delivered: "120" }, second, { ...second, id: "3", delivered: "4" }] } },
    }),
    ...extra,
  });
};
/** A version comes that is current now. */
const arrives = async ({ client }: ReturnType<typeof show>) => {
  current = { ...current, row: { ...current.row, current: 2, currentPurpose: "Change" } };
  await client.invalidateQueries({ queryKey: keys.document(1) });
};

test("a new version of a note while it is received: what was left alone follows it, and added lines can be received", async () => {
  const { calls } = receiving();
  const shown = show(<AnswerScreen id={1} />);
  fireEvent.change(await screen.findByLabelText("Received, line 2"), { target: { value: "12" } });
  await arrives(shown);
  fireEvent.click(await screen.findByTestId("superseded-take"));
  await waitFor(() => expect(screen.getByTestId("answer")).toHaveAttribute("data-version", "2"));
  expect(["1", "2", "3"].map((line) => (screen.getByLabelText(`Received, line ${line}`) as HTMLInputElement).value)).toEqual(["120", "12", "4"]);
  fireEvent.click(screen.getByTestId("receipt-save"));
  await waitFor(() =>
    expect(posted(calls)).toEqual([
      {
        version: 2,
        receipt: {
          receivedOn: today(),
          lines: [{ lineId: "1", received: "120" }, { lineId: "2", received: "12", short: "0.5" }, { lineId: "3", received: "4" }],
        },
      },
    ]),
  );
});

test.each([
  ["an answer", "Quantity, line 10", "answer-save"],
  ["a receipt", "Received, line 1", "receipt-save"],
])("%s to a version that is not current any more cannot be saved: who closed the question is asked again", async (what, field, button) => {
  const { calls } = what === "a receipt" ? receiving() : engine();
  const shown = show(<AnswerScreen id={1} />);
  fireEvent.change(await screen.findByLabelText(field), { target: { value: "90" } });
  await arrives(shown);
  fireEvent.keyDown(await screen.findByTestId("superseded-dialog"), { key: "Escape" });
  await waitFor(() => expect(screen.queryByTestId("superseded-dialog")).toBeNull());
  fireEvent.change(screen.getByLabelText(field), { target: { value: "80" } });
  press("Enter", { ctrlKey: true });
  fireEvent.keyDown(await screen.findByTestId("superseded-dialog"), { key: "Escape" });
  await waitFor(() => expect(screen.queryByTestId("superseded-dialog")).toBeNull());
  // Nor when the new version takes no such answer.
  current = { ...current, allowed: [] };
  await shown.client.invalidateQueries({ queryKey: keys.document(1) });
  await waitFor(() => expect(shown.client.getQueryData(keys.document(1))).toMatchObject({ allowed: [] }));
  fireEvent.click(screen.getByTestId(button));
  fireEvent.click(await screen.findByTestId("superseded-take"));
  await waitFor(() => expect(screen.getByTestId("answer")).toHaveAttribute("data-version", "2"));
  expect(screen.getByLabelText(field)).toHaveValue("80");
  expect(posted(calls)).toEqual([]);
});

const written = (id: string, value: string) => fireEvent.change(screen.getByTestId(id), { target: { value } });
const discard = () => fireEvent.click(within(screen.getByTestId("draft-bar")).getByRole("button"));

test("starting an answer again leaves nothing of the draft, its note neither", async () => {
  const { calls } = engine();
  const first = show(<AnswerScreen id={1} />);
  fireEvent.change(await screen.findByLabelText("Quantity, line 10"), { target: { value: "77" } });
  written("answer-note", "as agreed by phone");
  first.unmount();
  const second = show(<AnswerScreen id={1} />);
  await screen.findByTestId("draft-bar");
  expect(screen.getByTestId("answer-note")).toHaveValue("as agreed by phone");
  discard();
  await waitFor(() => expect(screen.queryByTestId("draft-bar")).toBeNull());
  expect(screen.getByTestId("answer-note")).toHaveValue("");
  second.unmount();
  show(<AnswerScreen id={1} />);
  fireEvent.click(await screen.findByTestId("answer-save"));
  await waitFor(() => expect(posted(calls)).toEqual([{ version: 1, answer: { code: "AP" } }]));
});

test("all as ordered: a note that is typed stays, over the screen's end as well", async () => {
  engine();
  const first = show(<AnswerScreen id={1} />);
  fireEvent.change(await screen.findByLabelText("Quantity, line 10"), { target: { value: "77" } });
  written("answer-note", "thanks");
  press("a", { altKey: true });
  expect(screen.getByLabelText("Quantity, line 10")).toHaveValue("100");
  first.unmount();
  show(<AnswerScreen id={1} />);
  expect(await screen.findByTestId("answer-note")).toHaveValue("thanks");
  expect(screen.getByLabelText("Quantity, line 10")).toHaveValue("100");
  written("answer-note", "");
  press("a", { altKey: true });
  expect(screen.queryByTestId("draft-bar")).toBeNull();
});

test("a receipt: all received keeps the day and the note, starting again keeps nothing", async () => {
  receiving();
  const first = show(<AnswerScreen id={1} />);
  fireEvent.change(await screen.findByLabelText("Received, line 1"), { target: { value: "90" } });
  written("receipt-day", "2026-11-20");
  written("answer-note", "gate 4");
  press("a", { altKey: true });
  first.unmount();
  const second = show(<AnswerScreen id={1} />);
  expect(await screen.findByTestId("receipt-day")).toHaveValue("2026-11-20");
  expect(screen.getByTestId("answer-note")).toHaveValue("gate 4");
  expect(screen.getByLabelText("Received, line 1")).toHaveValue("100");
  discard();
  await waitFor(() => expect(screen.queryByTestId("draft-bar")).toBeNull());
  second.unmount();
  show(<AnswerScreen id={1} />);
  expect(await screen.findByTestId("receipt-day")).toHaveValue(formatDay(today()));
  expect(screen.getByTestId("answer-note")).toHaveValue("");
  expect(screen.queryByTestId("draft-bar")).toBeNull();
});
