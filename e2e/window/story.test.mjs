// The main job in a real window, with the engine in the same process.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { pdfText } from "../lib/pdf.mjs";
import { by } from "../lib/page.mjs";
import { desktop, scratch } from "../lib/places.mjs";
import { says, start, stop } from "../lib/processes.mjs";
import { plantMarkup } from "../lib/proxy.mjs";
import { startSandbox } from "../lib/sandbox.mjs";
import * as story from "../lib/story.mjs";
import { until } from "../lib/wait.mjs";
import { openWindow, startScreen } from "../lib/window.mjs";

describe("a real window", { timeout: 600_000 }, () => {
  const home = scratch("window");
  let screen, sandbox, proxy, window, page, counted;

  before(async () => {
    screen = await startScreen();
    sandbox = await startSandbox(home, screen.dir);
    proxy = await plantMarkup(sandbox);
    window = await openWindow(screen, home);
    page = window.page;
    await page.see(by("worklist"));
    // Every breach of the content policy from here on.
    await page.js(() => {
      window.breaches = [];
      document.addEventListener("securitypolicyviolation", (e) => window.breaches.push(`${e.effectiveDirective} ${e.blockedURI}`));
    });
  });

  after(async () => {
    await window?.close();
    await proxy?.stop();
    await sandbox?.stop();
    await screen?.stop();
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
    const row = by("document-row", { number: counted });
    await page.click(row);
    await page.press("Enter");
    await page.click(by("print"));
    await page.see(by("print-dialog"));
    await page.shots("8-print");
    await page.click(by("print-save"));
    const file = await until("the PDF is saved", () => {
      const name = existsSync(window.save) && readdirSync(window.save).find((n) => n.endsWith(".pdf"));
      return name && join(window.save, name);
    });
    const text = await until("the PDF is written", () => pdfText(file));
    assert.match(text, new RegExp(counted));
    await page.press("Escape");
  });

  test("markup in a partner's text stays text", () => story.partnersTextStaysText(page, sandbox));

  test("the story broke no rule of the content policy", async () => {
    assert.deepEqual(await page.js(() => window.breaches), []);
  });

  test("the content policy is in force, and prototypes are frozen", async () => {
    await page.js(() => {
      const script = document.createElement("script");
      script.textContent = "window.planted = 3";
      document.body.append(script);
      fetch("http://127.0.0.1:9/").catch(() => {});
    });
    const breaches = await until("the breaches are reported", async () => {
      const list = await page.js(() => window.breaches);
      return list.length >= 2 && list.join("\n");
    });
    assert.match(breaches, /script-src/);
    assert.match(breaches, /connect-src/);
    assert.equal(await page.js(() => window.planted ?? null), null);
    assert.equal(await page.js(() => Object.isFrozen(Object.prototype)), true);
  });

  test("the page may call nothing but the shell's own commands", async () => {
    const refused = (command) =>
      page.driver.jsAsync(
        (c) => window.__TAURI_INTERNALS__.invoke(c, {}).then(() => "allowed", (e) => String(e)),
        command,
      );
    for (const command of [
      "plugin:dialog|save",
      "plugin:dialog|open",
      "plugin:opener|open_url",
      "plugin:opener|open_path",
      "plugin:notification|notify",
      "plugin:window-state|save_window_state",
      "plugin:window|close",
      "plugin:event|listen",
      "plugin:app|version",
    ]) {
      assert.match(await refused(command), /not allowed|not found/i, command);
    }
  });

  test("in the tray: a burst of work is told of once, a second start hands over, a signal ends it", async () => {
    const own = scratch("tray");
    const partner = await startSandbox(own, screen.dir);
    const args = ["--data-dir", partner.data, "--partners-dir", partner.partners, "--hidden"];
    const bus = start("dbus-monitor", ["--session", "interface='org.freedesktop.Notifications',member='Notify'"], {
      env: screen.env,
      log: join(screen.dir, "notifications.log"),
    });
    const program = start(desktop, args, { env: screen.env, log: join(screen.dir, "tray.log") });
    try {
      await says(bus, /NameAcquired/);
      await says(program, /the engine runs/);
      // In one request, so that no poll falls between them.
      await partner.order({ count: 4, lines: 1 });
      const told = () => bus.lines.filter((line) => /needs? your answer/.test(line));
      await until("the person is told", () => told().length > 0);
      assert.match(told().join(), /4 documents need your answer/);
      const second = spawnSync(desktop, args, { env: { ...process.env, ...screen.env }, timeout: 60_000 });
      assert.equal(second.status, 0, String(second.stderr));
      assert.equal(program.exitCode, null, "the first goes on");
      assert.equal(told().length, 1);
      const ended = once(program, "exit");
      program.kill("SIGTERM");
      assert.deepEqual(await ended, [0, null]);
    } finally {
      await stop(program);
      await stop(bus);
      await partner.stop();
    }
  });

  test("a second start hands over to the first and ends", () => {
    const second = spawnSync(desktop, window.args, { env: { ...process.env, ...screen.env }, timeout: 60_000 });
    assert.equal(second.status, 0, String(second.stderr));
  });

  test("nothing had an effect twice", () => sandbox.checkEffects());
});
