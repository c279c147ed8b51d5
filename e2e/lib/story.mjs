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
