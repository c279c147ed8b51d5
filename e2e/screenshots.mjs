// Takes the pictures of the README from the real window: `node screenshots.mjs` after `cargo xtask test`.
import { resolve } from "node:path";
import { by, Page } from "./lib/page.mjs";
import { scratch } from "./lib/places.mjs";
import { startSandbox } from "./lib/sandbox.mjs";
import { until } from "./lib/wait.mjs";
import { openWindow, startScreen } from "./lib/window.mjs";

const home = scratch("screenshots");
const screen = await startScreen();
const sandbox = await startSandbox(home, screen.dir, { quiet: false });
const window = await openWindow(screen, home);
const page = new Page(window.page.driver, resolve(import.meta.dirname, "../docs/screenshots"));
try {
  await until("a full work list", async () => (await page.count(by("document-row"))) >= 8);
  await page.theme("light");
  await page.shot("work-list");
  // A change on a confirmed order shows most of what there is to see.
  const number = await sandbox.order({ lines: 9 });
  await page.fill(by("search"), number);
  await page.see(by("document-row", { number }));
  await page.gone(`${by("document-row")}:not([data-number="${number}"])`);
  await page.click(by("document-row", { number }));
  await page.press("Enter");
  await page.click(by("answer-confirm"));
  await page.click(by("confirm-save"));
  await page.delivery("Applied");
  await sandbox.change(number);
  await page.see(by("document", { state: "ChangePending" }));
  await page.shot("document");
  await page.theme("dark");
  await page.click(by("answer-counter"));
  await page.see(by("answer-row"));
  await page.fill(`${by("answer-row")} ${by("answer-quantity")}`, "24");
  await page.shot("answer-dark");
} finally {
  await window.close();
  await sandbox.stop();
  await screen.stop();
}
