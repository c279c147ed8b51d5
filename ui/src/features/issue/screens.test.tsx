import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { beforeEach, expect, test } from "vitest";
import { despatch, detail, operation, order, row } from "../../../test/fixtures";
import { type Answer, type Call, fakeEngine, show } from "../../../test/host";
import type { DocumentDetail } from "../../api/types";
import { keys } from "../../api/live";
import { DocumentScreen } from "../document/DocumentScreen";
import IssueScreen from "./IssueScreen";

const partners = [
  { id: "sandbox", name: "Sandbox", status: "onLine", streams: [], operations: ["submit", "update", "despatch"], configFile: "", configErrors: [] },
  { id: "mute", name: "Mute", status: "onLine", streams: [], operations: ["confirm"], configFile: "", configErrors: [] },
];
const ours = (change: Partial<DocumentDetail> = {}): DocumentDetail => {
  const base = detail();
  return detail({
    row: row(1, { side: "Buyer", state: "Confirmed", agreed: 1, needsAnswer: false }),
    versions: base.versions.map((version) => ({ ...version, author: "Us" as const, state: "Accepted" as const })),
    allowed: [],
    possible: ["change", "cancel"],
    ...change,
  });
};

let current: DocumentDetail;
beforeEach(() => {
  current = ours();
});

function engine(extra: Record<string, Answer | ((call: Call) => Answer)> = {}) {
  return fakeEngine({
    "GET /documents?": { items: [current.row] },
    "GET /documents/1": () => current,
    "GET /documents/1/versions/1": () => ({ version: current.versions[0], document: { Order: order() } }),
    "GET /documents/1/versions/2": () => ({
      version: current.versions[0],
      document: { Order: order({ lines: order().lines.map((line) => (line.id === "20" ? { ...line, quantity: "35" } : line)) }) },
    }),
    "GET /documents/1/quantities": [],
    "GET /partners": partners,
    "POST /documents/1/versions": operation({ kind: "update", version: 2 }),
    "POST /documents": operation({ kind: "submit", document: 7 }),
    ...extra,
  });
}

const posted = (calls: Call[]) => calls.filter((call) => call.method === "POST");
const press = (key: string, extra: object = {}) => fireEvent.keyDown(document.activeElement ?? document.body, { key, ...extra });
const change = () => show(<IssueScreen route={{ name: "change", id: 1 }} />);

test("the ways in: change, copy, delivery note, each with its key, where they are possible", async () => {
  engine();
  const first = show(<DocumentScreen id={1} tab="lines" version={undefined} />);
  await screen.findByTestId("issue-change");
  await screen.findByTestId("issue-copy");
  expect(screen.queryByTestId("issue-despatch-new")).toBeNull();
  fireEvent.keyDown(document.body, { key: "e" });
  expect(window.location.hash).toBe("#/documents/1/change");
  fireEvent.keyDown(document.body, { key: "y" });
  expect(window.location.hash).toBe("#/orders/new?from=1");
  first.unmount();
  current = detail({ possible: ["despatch"] });
  show(<DocumentScreen id={1} tab="lines" version={undefined} />);
  await screen.findByTestId("issue-despatch-new");
  fireEvent.keyDown(document.body, { key: "D", shiftKey: true });
  expect(window.location.hash).toBe("#/documents/1/despatch");
});

test("an order of ours changed by keyboard: what differs is shown, and the whole order is sent", async () => {
  const { calls } = engine();
  change();
  const quantity = await screen.findByLabelText("Quantity, line 10");
  await waitFor(() => expect(document.activeElement).toBe(quantity));
  expect(screen.getByTestId("issue-summary")).toHaveTextContent("Nothing differs from v1");
  expect(screen.getByTestId("issue-submit")).toBeDisabled();
  fireEvent.change(quantity, { target: { value: "120" } });
  press("Enter");
  await waitFor(() => expect(document.activeElement).toBe(screen.getByLabelText("Quantity, line 20")));
  press("x", { altKey: true });
  await waitFor(() => expect(screen.getAllByTestId("order-row").map((one) => one.dataset["change"])).toEqual(["changed", "removed", "same"]));
  press("n", { altKey: true });
  const item = await screen.findByLabelText("Seller's item number, line 40");
  await waitFor(() => expect(document.activeElement).toBe(item));
  fireEvent.change(item, { target: { value: "S-9" } });
  fireEvent.change(screen.getByLabelText("Quantity, line 40"), { target: { value: "5" } });
  fireEvent.change(screen.getByTestId("head-deliveryTerms"), { target: { value: "FCA Bremen" } });
  expect(screen.getByTestId("head-deliveryTerms")).toHaveAttribute("data-differs", "true");
  expect(screen.getByTestId("issue-summary")).toHaveTextContent("1 line changed, 1 line added, 1 line deleted, Delivery terms");
  press("Enter", { ctrlKey: true });
  await waitFor(() => expect(posted(calls)).toHaveLength(1));
  const { path, body } = posted(calls)[0] as Call & { body: { version: number; document: ReturnType<typeof order> } };
  expect(path).toBe("/documents/1/versions");
  expect(body.version).toBe(1);
  expect(body.document.deliveryTerms).toBe("FCA Bremen");
  expect(body.document.lines.map((line) => [line.id, line.quantity])).toEqual([["10", "120"], ["30", "7"], ["40", "5"]]);
  await waitFor(() => expect(window.location.hash).toBe("#/documents/1"));
});

test("everything that is wrong is said at once, at its cell, before anything is sent", async () => {
  const { calls } = engine({ "GET /documents/1/quantities": [{ lineId: "20", delivered: "30" }] });
  change();
  fireEvent.change(await screen.findByLabelText("Quantity, line 10"), { target: { value: "0" } });
  fireEvent.change(screen.getByLabelText("Price, line 30"), { target: { value: "x" } });
  fireEvent.change(screen.getByLabelText("Quantity, line 20"), { target: { value: "29" } });
  fireEvent.change(screen.getByTestId("head-requested"), { target: { value: "soon" } });
  press("Enter", { ctrlKey: true });
  await screen.findByText("Quantity: More than zero");
  expect(screen.getByText("Price: Not a number")).toBeInTheDocument();
  expect(screen.getByText("Quantity: 30 has left already")).toBeInTheDocument();
  expect(screen.getByTestId("head-requested")).toHaveAttribute("aria-invalid", "true");
  expect(screen.getByTestId("issue-summary")).toHaveTextContent("4 fields need attention");
  expect(posted(calls)).toEqual([]);
});

test("the engine's problems lie beside their cells, those of the header as well", async () => {
  engine({
    "POST /documents/1/versions": {
      problem: {
        status: 422, code: "document.invalid", detail: "no",
        data: [{ pointer: "/lines/0/quantity", message: "100 of line 10 has left already" }, { pointer: "/requestedDelivery", message: "a holiday" }],
      },
    },
  });
  change();
  fireEvent.change(await screen.findByLabelText("Quantity, line 10"), { target: { value: "90" } });
  fireEvent.click(screen.getByTestId("issue-submit"));
  await screen.findByText("Quantity: 100 of line 10 has left already");
  expect(screen.getByLabelText("Quantity, line 10")).toHaveAttribute("aria-invalid", "true");
  expect(screen.getByTestId("head-requested")).toHaveAttribute("aria-invalid", "true");
  expect(screen.getByTestId("refused")).toHaveTextContent("The document cannot be sent like this");
});

test("a draft outlives the screen, and is dropped on request", async () => {
  engine();
  const first = change();
  fireEvent.change(await screen.findByLabelText("Price, line 10"), { target: { value: "2.80" } });
  first.unmount();
  change();
  expect(await screen.findByLabelText("Price, line 10")).toHaveValue("2.80");
  fireEvent.click(within(screen.getByTestId("draft-bar")).getByRole("button"));
  await waitFor(() => expect(screen.getByLabelText("Price, line 10")).toHaveValue("2.50"));
  expect(screen.queryByTestId("draft-bar")).toBeNull();
});

test("a counter-offer comes while one types: it is said, nothing is sent blindly, the draft goes on with its values", async () => {
  const { calls } = engine();
  const { client } = change();
  fireEvent.change(await screen.findByLabelText("Price, line 10"), { target: { value: "2.80" } });
  current = ours({
    row: row(1, { side: "Buyer", state: "CounterOpen", current: 2, currentPurpose: "Counter", needsAnswer: true }),
    versions: [...ours().versions, { ...(ours().versions[0] as DocumentDetail["versions"][number]), number: 2, author: "Partner", purpose: "Counter", state: "Proposed", base: 1 }],
    possible: ["acceptCounter", "change"],
  });
  await client.invalidateQueries({ queryKey: keys.document(1) });
  await screen.findByTestId("moved");
  expect(screen.getByTestId("issue-submit")).toBeDisabled();
  fireEvent.click(screen.getByTestId("moved-go-on"));
  fireEvent.click(await screen.findByTestId("take-counter"));
  expect(screen.getByLabelText("Quantity, line 20")).toHaveValue("35");
  fireEvent.change(screen.getByLabelText("Price, line 10"), { target: { value: "2.70" } });
  fireEvent.click(screen.getByTestId("issue-submit"));
  await waitFor(() => expect(posted(calls)[0]?.body).toMatchObject({ version: 2, document: { lines: [{ price: "2.70" }, { quantity: "35" }, {}] } }));
});

test("nothing can be changed: said instead of a form", async () => {
  current = ours({ versions: ours().versions.map((version) => ({ ...version, state: "Draft" as const })), possible: [] });
  engine();
  change();
  expect(await screen.findByTestId("not-now")).toHaveTextContent("cannot be changed now");
  expect(screen.queryByTestId("order-grid")).toBeNull();
});

test("a copy is a new order: another number, the partner that takes orders, submit", async () => {
  const { calls } = engine();
  show(<IssueScreen route={{ name: "newOrder", from: 1 }} />);
  const number = await screen.findByTestId("head-number");
  await waitFor(() => expect(document.activeElement).toBe(number));
  expect(within(screen.getByTestId("head-partner")).getAllByRole("option").map((one) => one.textContent)).toEqual(["Sandbox"]);
  press("Enter", { ctrlKey: true });
  expect(await screen.findByText("Number needed")).toBeInTheDocument();
  fireEvent.change(number, { target: { value: "B-2" } });
  press("Enter", { ctrlKey: true });
  await waitFor(() => expect(posted(calls)[0]?.body).toMatchObject({ partner: "sandbox", kind: "Order", document: { number: "B-2", lines: [{ id: "10" }, { id: "20" }, { id: "30" }] } }));
  expect(JSON.stringify(posted(calls)[0]?.body)).not.toContain("issuedAt");
  await waitFor(() => expect(window.location.hash).toBe("#/documents/7"));
});

test("a new order from the clipboard: what is wrong with it is listed, what is right is edited, and the draft stays", async () => {
  engine();
  const paste = (data: string) => fireEvent.paste(document.body, { clipboardData: { getData: () => data } });
  const first = show(<IssueScreen route={{ name: "newOrder", from: undefined }} />);
  await screen.findByTestId("new-order");
  paste('{"number":"B-3","currency":"EUR","lines":[{"id":"1","quantity":"x"}]}');
  expect(await screen.findByTestId("unreadable")).toHaveTextContent("/lines/0/unit missing/lines/0/quantity a decimal number");
  paste(JSON.stringify(order({ number: "B-3" })));
  expect(await screen.findByTestId("head-number")).toHaveValue("B-3");
  fireEvent.change(screen.getByLabelText("Quantity, line 10"), { target: { value: "3" } });
  first.unmount();
  show(<IssueScreen route={{ name: "newOrder", from: undefined }} />);
  expect(await screen.findByLabelText("Quantity, line 10")).toHaveValue("3");
  press("a", { altKey: true });
  await screen.findByTestId("new-order");
});

test("a delivery note: open quantities, one of them in part, sent", async () => {
  current = detail({ row: row(1, { agreed: 1, state: "Confirmed" }), possible: ["despatch"] });
  const { calls } = engine({
    "GET /documents/1/quantities": [
      { lineId: "10", outstanding: "100" },
      { lineId: "20", outstanding: "15" },
      { lineId: "30", outstanding: "0" },
    ],
  });
  show(<IssueScreen route={{ name: "despatch", id: 1 }} />);
  const first = await screen.findByLabelText("Leaves now, line 10");
  expect([first, screen.getByLabelText("Leaves now, line 20"), screen.getByLabelText("Leaves now, line 30")].map((one) => (one as HTMLInputElement).value)).toEqual(["100", "15", ""]);
  fireEvent.change(first, { target: { value: "60" } });
  expect(screen.getByLabelText("Comes later, line 10")).toHaveAttribute("placeholder", "40");
  fireEvent.change(screen.getByLabelText("Batch, line 10"), { target: { value: "L1" } });
  press("Enter", { ctrlKey: true });
  expect(await screen.findByText("Number needed")).toBeInTheDocument();
  fireEvent.change(screen.getByTestId("head-number"), { target: { value: "LS-1" } });
  expect(screen.getByTestId("issue-summary")).toHaveTextContent("2 of 3 lines on this note, 1 line in part");
  press("Enter", { ctrlKey: true });
  await waitFor(() =>
    expect(posted(calls)[0]?.body).toMatchObject({
      partner: "sandbox", kind: "DespatchAdvice",
      document: { number: "LS-1", lines: [{ orderLineId: "10", delivered: "60", outstanding: "40", batch: "L1" }, { orderLineId: "20", delivered: "15", outstanding: "0" }] },
    }),
  );
});

const quantities = (...outstanding: string[]) => ["10", "20", "30"].map((lineId, at) => ({ lineId, outstanding: outstanding[at] }));
const despatching = () => show(<IssueScreen route={{ name: "despatch", id: 1 }} />);
const readAgain = async ({ client }: ReturnType<typeof despatching>, calls: Call[], path: string) => {
  const before = calls.filter((call) => call.path === path).length;
  await client.invalidateQueries({ queryKey: keys.document(1) });
  await waitFor(() => expect(calls.filter((call) => call.path === path).length).toBeGreaterThan(before));
};

test("what happens to the order meanwhile leaves a delivery note alone, with the focus where it is", async () => {
  current = detail({ row: row(1, { agreed: 1, state: "Confirmed" }), possible: ["despatch"] });
  let answer: Answer = quantities("100", "15", "7");
  const { calls } = engine({ "GET /documents/1/quantities": () => answer });
  const shown = despatching();
  const field = await screen.findByLabelText("Leaves now, line 10");
  field.focus();
  fireEvent.change(field, { target: { value: "60" } });
  answer = quantities("90", "15", "7");
  await readAgain(shown, calls, "/documents/1/quantities");
  answer = { problem: { status: 503, code: "engine.unreachable" } };
  await readAgain(shown, calls, "/documents/1/quantities");
  await waitFor(() => expect(shown.client.getQueryState([...keys.document(1), "quantities"])?.status).toBe("error"));
  expect(field).toBeInTheDocument();
  expect(field).toHaveValue("60");
  expect(document.activeElement).toBe(field);
  expect(screen.queryByTestId("draft-bar")).toBeNull();
  current = { ...current, possible: [] };
  await shown.client.invalidateQueries({ queryKey: keys.document(1) });
  await screen.findByTestId("not-now");
  expect(field).toBeInTheDocument();
  expect(screen.getByTestId("issue-submit")).toBeDisabled();
});

test("another version is agreed while a delivery note is typed: it asks, and what was typed goes on with the new lines", async () => {
  current = detail({ row: row(1, { agreed: 1, state: "Confirmed" }), possible: ["despatch"] });
  const lines = [...order().lines.slice(0, 2).map((line) => ({ ...line, quantity: "120" })), { id: "40", item: { description: "New" }, quantity: "3", unit: "PCE" }];
  const { calls } = engine({
    "GET /documents/1/quantities": () => (current.row.agreed === 1 ? quantities("100", "15", "7") : [{ lineId: "10", outstanding: "120" }, { lineId: "20", outstanding: "12" }, { lineId: "40", outstanding: "3" }]),
    "GET /documents/1/versions/2": () => ({ version: current.versions[0], document: { Order: order({ lines }) } }),
  });
  const shown = despatching();
  fireEvent.change(await screen.findByLabelText("Leaves now, line 10"), { target: { value: "60" } });
  fireEvent.change(screen.getByTestId("head-number"), { target: { value: "LS-1" } });
  current = { ...current, row: row(1, { current: 2, agreed: 2, state: "Confirmed" }) };
  await shown.client.invalidateQueries({ queryKey: keys.document(1) });
  expect(await screen.findByTestId("moved")).toHaveTextContent("v2 is agreed now. Your draft is kept.");
  expect(screen.getByLabelText("Leaves now, line 10")).toHaveValue("60");
  press("Enter", { ctrlKey: true });
  expect(posted(calls)).toEqual([]);
  fireEvent.click(screen.getByTestId("moved-go-on"));
  await waitFor(() => expect(screen.getByTestId("issue-despatch")).toHaveAttribute("data-version", "2"));
  expect(["10", "20", "40"].map((line) => (screen.getByLabelText(`Leaves now, line ${line}`) as HTMLInputElement).value)).toEqual(["60", "12", "3"]);
  expect(screen.queryByLabelText("Leaves now, line 30")).toBeNull();
  expect(screen.getByTestId("head-number")).toHaveValue("LS-1");
  expect(screen.getByTestId("draft-bar")).toBeInTheDocument();
  press("Enter", { ctrlKey: true });
  await waitFor(() => expect(posted(calls)[0]?.body).toMatchObject({ document: { number: "LS-1", lines: [{ delivered: "60", outstanding: "60" }, { delivered: "12" }, { delivered: "3" }] } }));
});

test("a draft of a delivery note follows what has left since, but where something was typed", async () => {
  current = detail({ row: row(1, { agreed: 1, state: "Confirmed" }), possible: ["despatch"] });
  let answer = quantities("100", "15", "7");
  engine({ "GET /documents/1/quantities": () => answer });
  const first = despatching();
  fireEvent.change(await screen.findByLabelText("Leaves now, line 10"), { target: { value: "60" } });
  first.unmount();
  answer = quantities("100", "5", "7");
  despatching();
  expect(await screen.findByLabelText("Leaves now, line 10")).toHaveValue("60");
  expect(screen.getByLabelText("Leaves now, line 20")).toHaveValue("5");
});

test("all that is open keeps the header of a delivery note, starting again keeps nothing", async () => {
  current = detail({ row: row(1, { agreed: 1, state: "Confirmed" }), possible: ["despatch"] });
  engine({ "GET /documents/1/quantities": quantities("100", "15", "7") });
  const first = despatching();
  fireEvent.change(await screen.findByLabelText("Leaves now, line 10"), { target: { value: "60" } });
  fireEvent.change(screen.getByTestId("head-number"), { target: { value: "LS-1" } });
  press("a", { altKey: true });
  expect(screen.getByLabelText("Leaves now, line 10")).toHaveValue("100");
  first.unmount();
  const second = despatching();
  expect(await screen.findByTestId("head-number")).toHaveValue("LS-1");
  fireEvent.click(within(screen.getByTestId("draft-bar")).getByRole("button"));
  await waitFor(() => expect(screen.queryByTestId("draft-bar")).toBeNull());
  expect(screen.getByTestId("head-number")).toHaveValue("");
  second.unmount();
  despatching();
  expect(await screen.findByTestId("head-number")).toHaveValue("");
  expect(screen.queryByTestId("draft-bar")).toBeNull();
});

test("a new version of what is copied, or partners that cannot be read, leave a new order alone", async () => {
  let known: Answer = partners;
  const { calls } = engine({ "GET /partners": () => known });
  const { client } = show(<IssueScreen route={{ name: "newOrder", from: 1 }} />);
  const number = await screen.findByTestId("head-number");
  number.focus();
  fireEvent.change(number, { target: { value: "B-2" } });
  current = ours({ row: row(1, { side: "Buyer", current: 2 }) });
  known = { problem: { status: 503, code: "engine.unreachable" } };
  await client.invalidateQueries();
  await waitFor(() => expect(client.getQueryState(keys.partners)?.status).toBe("error"));
  await waitFor(() => expect(calls.some((call) => call.path === "/documents/1/versions/2")).toBe(true));
  expect(number).toBeInTheDocument();
  expect(document.activeElement).toBe(number);
  expect(number).toHaveValue("B-2");
  expect(screen.queryByTestId("draft-bar")).toBeNull();
});

test("an empty new order outlives partners that cannot be read", async () => {
  let known: Answer = partners;
  engine({ "GET /partners": () => known });
  const { client } = show(<IssueScreen route={{ name: "newOrder", from: undefined }} />);
  fireEvent.click(await screen.findByTestId("order-blank"));
  const number = await screen.findByTestId("head-number");
  known = { problem: { status: 503, code: "engine.unreachable" } };
  await client.invalidateQueries({ queryKey: keys.partners });
  await waitFor(() => expect(client.getQueryState(keys.partners)?.status).toBe("error"));
  expect(number).toBeInTheDocument();
});

test("a draft of a change is taken over to the next version, its header as well", async () => {
  engine({
    "GET /documents/1/versions/2": () => ({ version: current.versions[0], document: { Order: order({ deliveryTerms: "FCA Bremen", paymentTerms: "30 days" }) } }),
  });
  const first = change();
  fireEvent.change(await screen.findByTestId("head-paymentTerms"), { target: { value: "14 days" } });
  first.unmount();
  const [version] = ours().versions;
  if (!version) throw new Error();
  current = ours({ row: row(1, { side: "Buyer", state: "Confirmed", agreed: 2, current: 2 }), versions: [version, { ...version, number: 2 }] });
  change();
  expect(await screen.findByTestId("head-paymentTerms")).toHaveValue("14 days");
  expect(screen.getByTestId("head-deliveryTerms")).toHaveValue("FCA Bremen");
});

test("a delivery note of ours is replaced", async () => {
  current = ours({ row: row(1, { kind: "DespatchAdvice", side: "Seller", number: "DN-1" }), possible: ["change"] });
  const { calls } = engine({ "GET /documents/1/versions/1": () => ({ version: current.versions[0], document: { DespatchAdvice: despatch() } }) });
  change();
  fireEvent.change(await screen.findByLabelText("Leaves now, line 20"), { target: { value: "12" } });
  fireEvent.click(screen.getByTestId("issue-submit"));
  await waitFor(() => expect(posted(calls)[0]?.body).toMatchObject({ version: 1, document: { number: "DN-1", lines: [{ delivered: "100" }, { delivered: "12" }] } }));
});
