// For `cargo xtask bench`: presses `j` in a document of a real window and prints how long the next one takes.
// keys.mjs STORE COUNT, where STORE is a data folder with its partners.
import { symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { by } from "../lib/page.mjs";
import { scratch } from "../lib/places.mjs";
import { until } from "../lib/wait.mjs";
import { openWindow, startScreen } from "../lib/window.mjs";

/** In the page: from each `j` until the frame after the one whose document has the next one, with its lines. */
function watch() {
  window.taken = [];
  const shown = () => document.querySelector('[data-testid="document"]')?.dataset.number;
  const onKey = (event) => {
    if (event.key !== "j") return;
    const begun = performance.now();
    const before = shown();
    const look = () => {
      const there = shown() !== before && document.querySelector('[data-testid="line-row"]');
      requestAnimationFrame(there ? () => window.taken.push(performance.now() - begun) : look);
    };
    requestAnimationFrame(look);
  };
  // Before everything else that hears of the key.
  window.addEventListener("keydown", onKey, true);
}

const [store, count] = process.argv.slice(2);
const home = scratch("keys");
symlinkSync(resolve(store), join(home, "data"));
symlinkSync(resolve(store, "partners"), join(home, "partners"));
const screen = await startScreen();
// No pictures are taken, so the window draws as it does for a clerk.
delete screen.env.WEBKIT_DISABLE_COMPOSITING_MODE;
let opened;
try {
  opened = await openWindow(screen, home);
  const { page } = opened;
  await until("the list", () => page.count(by("document-row")));
  await page.press("Enter");
  await until("a document", () => page.count(by("line-row")));
  await page.js(watch);
  let taken = [];
  // The first loads what is needed once, and does not count.
  for (let pressed = 1; pressed <= Number(count) + 1; pressed += 1) {
    await page.press("j");
    taken = await until("the next document", async () => {
      const list = await page.js(() => window.taken);
      return list.length === pressed && list;
    });
  }
  const times = taken.slice(1).sort((a, b) => a - b);
  const at = (part) => times[Math.floor(times.length * part)];
  console.log(JSON.stringify({ keys: times.length, p50_ms: at(0.5), p95_ms: at(0.95), most_ms: times.at(-1) }));
} finally {
  await opened?.close();
  await screen.stop();
}
