// Chromium on the address that `countersign serve` prints.
import { join } from "node:path";
import { chromium as engine } from "playwright-core";
import { Page } from "./page.mjs";
import { artifacts, chromium, countersign, scratch } from "./places.mjs";
import { says, start, stop } from "./processes.mjs";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** The headless service on the data of `home`. */
export async function serve(home, { port = 0 } = {}) {
  const args = ["serve", "--json", "--port", String(port)];
  args.push("--data-dir", join(home, "data"), "--partners-dir", join(home, "partners"));
  const child = start(countersign, args, { log: join(artifacts("browser"), "serve.log") });
  const [, url] = await says(child, /"url":\s*"(http:[^"]+)"/);
  const address = new URL(url);
  return {
    url,
    origin: address.origin,
    port: Number(address.port),
    token: decodeURIComponent(address.hash.replace("#token=", "")),
    stop: (signal) => stop(child, signal),
  };
}

export async function openBrowser(url) {
  const dir = artifacts("browser");
  const context = await engine.launchPersistentContext(scratch("chromium"), {
    executablePath: chromium,
    headless: true,
    args: FLAGS,
    viewport: { width: 1280, height: 800 },
    acceptDownloads: true,
    locale: "en-GB",
  });
  const tab = context.pages()[0] ?? (await context.newPage());
  const complaints = [];
  tab.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  tab.on("pageerror", (error) => complaints.push(String(error)));
  await tab.goto(url);
  const driver = {
    js: (fn, ...args) => tab.evaluate(`(${fn}).apply(null, ${JSON.stringify(args)})`),
    jsAsync: (fn, ...args) => tab.evaluate(`(${fn}).apply(null, ${JSON.stringify(args)})`),
    click: (selector) => tab.click(selector, { timeout: 2_000 }),
    press: (chord) => tab.keyboard.press(chord),
    type: (text) => tab.keyboard.type(text),
    screenshot: () => tab.screenshot(),
  };
  return { page: new Page(driver, dir), tab, complaints, close: () => context.close() };
}
