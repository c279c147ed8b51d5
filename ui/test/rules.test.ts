import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = process.cwd();
const sources = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
  .filter((name) => /\.(tsx?|css)$/.test(name) && !name.endsWith("schema.d.ts"))
  .map((name) => ({ name, text: readFileSync(join(root, "src", name), "utf8") }));

test("only the host knows the desktop shell", () => {
  expect(sources.filter(({ name, text }) => text.includes("@tauri-apps") && !name.startsWith("host")).map((one) => one.name)).toEqual([]);
});

test("text of partners is never markup", () => {
  const risky = /dangerouslySetInnerHTML|\.innerHTML|insertAdjacentHTML|document\.write/;
  expect(sources.filter(({ text }) => risky.test(text)).map((one) => one.name)).toEqual([]);
});

test("the page has no inline style or script, and loads nothing from elsewhere", () => {
  const page = readFileSync(join(root, "index.html"), "utf8");
  expect(page).not.toMatch(/<style|style="|<script>|https?:\/\//);
  for (const { name, text } of sources.filter((one) => one.name.endsWith(".css"))) {
    expect(text, name).not.toMatch(/https?:\/\/|@import/);
  }
});

test("the lock file names no registry", () => {
  expect(readFileSync(join(root, "package-lock.json"), "utf8")).not.toMatch(/"resolved"/);
});

test("files keep to a size that one can read", () => {
  const long = sources.filter(({ text }) => text.split("\n").length > 500).map((one) => one.name);
  expect(long).toEqual([]);
});
