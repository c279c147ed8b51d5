// The main job in Chromium, against `countersign serve`.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { openBrowser, serve } from "../lib/browser.mjs";
import { pdfText } from "../lib/pdf.mjs";
import { by } from "../lib/page.mjs";
import { artifacts, scratch } from "../lib/places.mjs";
import { plantMarkup } from "../lib/proxy.mjs";
import { startSandbox } from "../lib/sandbox.mjs";
import * as story from "../lib/story.mjs";

describe("a real browser", { timeout: 600_000 }, () => {
  const home = scratch("browser");
  const dir = artifacts("browser");
  let sandbox, proxy, service, browser, page, counted;

  before(async () => {
    sandbox = await startSandbox(home, dir);
    proxy = await plantMarkup(sandbox);
    service = await serve(home);
    browser = await openBrowser(service.url);
    page = browser.page;
    await page.see(by("worklist"));
  });

  after(async () => {
    await browser?.close();
    await service?.stop();
    await proxy?.stop();
    await sandbox?.stop();
  });

  test("the token is not left in the address", async () => {
    assert.equal(await page.js(() => location.href.includes("token")), false);
  });

  test("an order is confirmed with a changed line and shown as applied", async () => {
    counted = await story.confirmWithChangedLine(page, sandbox);
  });

  test("a second order is rejected", () => story.reject(page, sandbox));

  test("a third changes while its answer waits: held, asked, answered anew", () =>
    story.changesWhileAnswerWaits(page, sandbox));

  test("confirmed by keyboard alone", () => story.confirmByKeyboard(page, sandbox));

  test("an order of ours is issued, changed, and shown as applied", () => story.changeAnOrderOfOurs(page, sandbox));

  test("a delivery note of ours reaches the partner", () => story.deliveryNote(page, sandbox));

  test("a document is printed to a PDF", async () => {
    await page.click(by("nav-all"));
    await page.click(by("document-row", { number: counted }));
    await page.press("Enter");
    await page.click(by("print"));
    await page.see(by("print-dialog"));
    const coming = browser.tab.waitForEvent("download");
    await page.click(by("print-save"));
    const file = join(dir, "saved.pdf");
    await (await coming).saveAs(file);
    assert.match(pdfText(file), new RegExp(counted));
    await page.press("Escape");
  });

  test("markup in a partner's text stays text", () => story.partnersTextStaysText(page, sandbox));

  test("a configuration is tried on the partner's own documents, mended and saved", async () => {
    const text = browser.tab.getByTestId("configuration-text");
    const write = async (configuration) => {
      await text.focus();
      await browser.tab.keyboard.press("Control+A");
      // Over a selection Chromium itself would carry the look of the old text along as an inline style.
      await browser.tab.keyboard.press("Delete");
      await browser.tab.keyboard.insertText(configuration);
    };
    await page.click(by("nav-partners"));
    await page.click(by("partner-configuration"));
    // Key by key, as a person types: "g o" and "?" are keys of other places, and nothing of it is lost on the way back.
    await text.focus();
    await browser.tab.keyboard.press("Control+End");
    await browser.tab.keyboard.type("g o?");
    await page.click(by("back"));
    await page.click(by("partner-configuration"));
    await page.see(by("draft-bar"));
    // Only the lines that are seen are in the page.
    await text.focus();
    await browser.tab.keyboard.press("Control+End");
    await text.getByText("g o?").waitFor();
    await page.click(by("configuration-again"));
    await page.gone(by("draft-bar"));
    await browser.tab.getByTestId("source-stream").selectOption("orders");
    await page.click(by("source-fetch"));
    await page.see(by("effect", { outcome: "version" }));
    await page.shots("8-configuration");
    await page.click(by("pane-requests"));
    await page.see(by("request", { operation: "confirm" }));
    await page.click(by("pane-api"));
    await page.see(by("api-operation"));
    const answer = await fetch(`${service.origin}/api/v1/partners/sandbox/configuration`, {
      headers: { authorization: `Bearer ${service.token}` },
    });
    const stored = JSON.parse((await answer.json()).text);
    await write(JSON.stringify({ ...stored, nmae: "x" }, null, 2));
    await page.see(by("mistake", { pointer: "/nmae" }));
    await write(JSON.stringify({ ...stored, name: "Sandbox, renamed" }, null, 2));
    await page.gone(by("mistake", { pointer: "/nmae" }));
    await page.click(by("configuration-save"));
    await page.click(by("back"));
    await browser.tab.getByText("Sandbox, renamed").first().waitFor();
  });

  test("the page complained of nothing", () => {
    // Requests that the partner's faults made fail are no business of the page.
    assert.deepEqual(browser.complaints, []);
  });

  test("the engine is killed: a banner says so, and it goes when the engine is back", async () => {
    await service.stop("SIGKILL");
    await page.see(by("banner-lost"));
    await page.shots("9-lost");
    service = await serve(home, { port: service.port });
    await page.gone(by("banner-lost"));
    await page.click(by("nav-all"));
    await page.see(by("document-row", { number: counted }));
  });

  test("requests without the token, from another host or another site are refused", async () => {
    const ask = (headers) => fetch(`${service.origin}/api/v1/counters`, { headers }).then((r) => r.status);
    assert.equal(await ask({}), 401);
    assert.equal(await ask({ authorization: "Bearer wrong" }), 401);
    assert.equal(await ask({ authorization: `Bearer ${service.token}` }), 200);
  });

  test("nothing had an effect twice", () => sandbox.checkEffects());
});
