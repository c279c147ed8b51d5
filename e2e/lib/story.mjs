// The main job, the same in the window and in the browser.
import assert from "node:assert/strict";
import { by } from "./page.mjs";
import { PLANTED } from "./proxy.mjs";

/** An order arrives, is confirmed with a changed line, and is shown as applied. */
export async function confirmWithChangedLine(page, sandbox) {
  const number = await sandbox.order({ lines: 3 });
  await page.see(by("document-row", { number }));
  await page.shots("1-work-list");
  await page.open(number);
  await page.see(by("line-row"));
  await page.shots("2-document");
  await page.click(by("answer-counter"));
  const row = `${by("answer-row")}`;
  await page.see(row);
  const line = await page.js((s) => document.querySelector(s).dataset.line, row);
  const quantity = `${by("answer-row", { line })} ${by("answer-quantity")}`;
  const ordered = await page.js((s) => document.querySelector(s).value, quantity);
  await page.fill(quantity, "1");
  await page.shots("3-answer");
  await page.click(by("answer-save"));
  await page.delivery("Applied");
  await page.shots("4-applied");
  const { body } = await sandbox.applied(number, "counter");
  assert.equal(body.poNumber, number);
  assert.equal(body.lines.length, 3, "a counter-offer names all lines");
  const changed = body.lines.filter((l) => l.code === "CHANGED");
  assert.equal(changed.length, 1, JSON.stringify(body.lines));
  assert.equal(Number(changed[0].quantity), 1);
  assert.notEqual(ordered, "1");
  return number;
}

/** An order is rejected with a reason. */
export async function reject(page, sandbox) {
  const number = await sandbox.order({ lines: 2 });
  await page.open(number);
  await page.click(by("answer-reject"));
  await page.see(by("reject-dialog"));
  assert.equal(await page.select(by("reject-reason"), "DEL"), "DEL");
  await page.fill(by("reject-text"), "No lorry before Monday");
  await page.shots("5-reject");
  await page.click(by("reject-save"));
  await page.delivery("Applied");
  const { body } = await sandbox.applied(number, "reject");
  assert.equal(body.reason.code, "DEL");
  assert.equal(body.reason.text, "No lorry before Monday");
}

/** An order changes while its answer waits: the answer is held, and the clerk is asked. */
export async function changesWhileAnswerWaits(page, sandbox) {
  const number = await sandbox.order({ lines: 2 });
  await page.open(number);
  await sandbox.faults([{ kind: "serverError", path: "/api/operations" }]);
  await page.click(by("answer-confirm"));
  await page.click(by("confirm-save"));
  await page.delivery("Retrying");
  await sandbox.change(number);
  await page.see(by("held-banner"));
  await page.shots("6-held");
  await sandbox.faults([]);
  await page.click(by("held-withdraw"));
  await page.gone(by("held-banner"));
  await page.click(by("answer-confirm"));
  await page.click(by("confirm-save"));
  await page.delivery("Applied");
  const { body } = await sandbox.applied(number, "confirm");
  assert.equal(body.version, 2, "the new version is confirmed");
  const { operations } = await sandbox.state();
  const stale = operations.filter((o) => o.number === number && o.version === 1);
  assert.deepEqual(stale, [], "the answer to the superseded version never left");
}

/** From the list to the applied confirmation without a mouse. */
export async function confirmByKeyboard(page, sandbox) {
  const number = await sandbox.order({ lines: 1 });
  await page.js(() => document.activeElement?.blur?.());
  await page.press("g");
  await page.press("n");
  const row = by("document-row", { number });
  await page.see(row);
  for (let steps = 0; steps < 200; steps++) {
    const chosen = await page.js((s) => document.querySelector(s)?.getAttribute("aria-selected") === "true", row);
    if (chosen) break;
    await page.press("j");
  }
  await page.press("Enter");
  await page.see(by("document", { number }));
  await page.press("c");
  await page.see(by("confirm-dialog"));
  await page.press("Enter");
  await page.delivery("Applied");
  await sandbox.applied(number, "confirm");
}

/** Markup in a partner's text stays text, and nothing in it runs. */
export async function partnersTextStaysText(page, sandbox) {
  const number = await sandbox.order({ lines: 7 });
  await page.open(number);
  await page.see(by("line-row"));
  const shown = await page.text(by("document"));
  assert.ok(shown.includes(PLANTED), "the text is shown as it came");
  assert.equal(await page.count(`${by("document")} img[src="x"], ${by("document")} script`), 0);
  assert.equal(await page.js(() => window.planted ?? null), null, "nothing in it ran");
  await page.shots("7-planted");
}

const ours = (number) => ({
  number,
  currency: "EUR",
  buyer: { name: "Nordhafen Industriebedarf GmbH" },
  seller: { name: "Sandbox partner" },
  requestedDelivery: { first: "2027-01-11", last: "2027-01-15" },
  lines: [1, 2, 3].map((n) => ({
    id: String(n),
    item: { sellerId: `A-${n}00`, description: `Angle bracket ${n}` },
    quantity: String(10 * n),
    unit: "C62",
    price: "12.340",
  })),
});

/** An order of ours is pasted, sent, and changed once it is confirmed: one line, one gone, one more; shown as applied. */
export async function changeAnOrderOfOurs(page, sandbox) {
  const number = "B-1001";
  await page.click(by("nav-all"));
  await page.press("g");
  await page.press("o");
  await page.see(by("new-order"));
  await page.shots("a-new-order");
  // What Ctrl+V does, without the machine's clipboard.
  await page.js(
    (text) => window.dispatchEvent(Object.assign(new Event("paste"), { clipboardData: { getData: () => text } })),
    JSON.stringify(ours(number)),
  );
  await page.see(by("order-row", { line: "3" }));
  await page.press("Control+Enter");
  await page.see(by("document", { number }));
  await page.delivery("Applied");
  await page.see(by("document", { number, state: "Confirmed" }));
  const submitted = await sandbox.applied(number, "submit");
  assert.deepEqual(submitted.body.document.lines.map((l) => l.quantity), ["10", "20", "30"]);

  await page.press("e");
  const quantity = `${by("order-row", { line: "1" })} ${by("order-quantity")}`;
  await page.see(quantity);
  await page.fill(quantity, "25");
  await page.press("Enter");
  await page.press("Alt+x");
  await page.see(by("order-row", { line: "2", change: "removed" }));
  await page.press("Alt+n");
  await page.fill(by("order-itemText"), "Hex bolt M8");
  await page.fill(`${by("order-row", { line: "4" })} ${by("order-quantity")}`, "7");
  await page.see(by("issue-summary", { changed: "1", added: "1", removed: "1" }));
  await page.shots("b-change");
  await page.click(by("issue-submit"));
  await page.see(by("line-row", { line: "4" }));
  await page.until("the change is agreed", async () => (await page.text(by("document-versions"))) === "v2 agreed");
  await page.delivery("Applied");
  const { body } = await sandbox.applied(number, "update");
  assert.deepEqual(
    body.document.lines.map((l) => [l.lineId, l.quantity, l.change]),
    [["1", "25", "CHANGED"], ["3", "30", "UNCHANGED"], ["4", "7", "ADDED"]],
  );
  await page.shots("c-changed");
}

/** A delivery note for an order that we confirmed: one line in part, one not at all, with batch and carrier. */
export async function deliveryNote(page, sandbox) {
  const order = await sandbox.order({ lines: 3 });
  await page.open(order);
  await page.click(by("answer-confirm"));
  await page.click(by("confirm-save"));
  await page.delivery("Applied");
  await page.click(by("issue-despatch-new"));
  const row = by("despatch-row");
  await page.see(row);
  const lines = await page.js((s) => [...document.querySelectorAll(s)].map((r) => r.dataset.line), row);
  const cell = (line, id) => `${by("despatch-row", { line })} ${by(`despatch-${id}`)}`;
  const open = await page.js((s) => document.querySelector(s).value, cell(lines[0], "delivered"));
  await page.fill(cell(lines[0], "delivered"), "1");
  await page.fill(cell(lines[0], "batch"), "L-2027-1");
  await page.click(cell(lines[2], "delivered"));
  await page.press("Alt+x");
  await page.see(by("despatch-row", { line: lines[2], sent: "false" }));
  const number = `LS-${order}`;
  await page.fill(by("head-number"), number);
  await page.fill(by("head-carrier"), "Spedition Nord");
  await page.shots("d-delivery-note");
  await page.click(by("issue-submit"));
  await page.see(by("document", { number }));
  await page.delivery("Applied");
  const { body } = await sandbox.applied(number, "despatch");
  assert.deepEqual(body.document.lines.map((l) => l.orderLineId), lines.slice(0, 2));
  assert.equal(body.document.lines[0].quantity, "1");
  assert.equal(Number(body.document.lines[0].outstanding), Number(open.replace(/[^0-9.]/g, "")) - 1);
}
