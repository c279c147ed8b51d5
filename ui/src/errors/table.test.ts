import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { classify, errorTable } from "./table";

const engine = join(process.cwd(), "../sync-engine/src");

function rustFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".rs") && !name.includes("test"))
    .map((name) => join(folder, name));
}

/** Words of the change feed, of events and of metrics that look like codes and are none. */
const NO_ERRORS = new Set(["partner.reachable", "partner.resumed"]);

test("every code of the engine has its entry", () => {
  const codes = new Set<string>();
  for (const part of ["api", "engine", "exchange", "partner"]) {
    for (const file of rustFiles(join(engine, part))) {
      for (const match of readFileSync(file, "utf8").matchAll(/"((?:answer|operation|partner|request|store|quarantine)\.[a-z_]+)"/g)) {
        if (match[1]) codes.add(match[1]);
      }
    }
  }
  expect(codes.size).toBeGreaterThan(15);
  expect([...codes].filter((code) => !(code in errorTable) && !NO_ERRORS.has(code))).toEqual([]);
});

test("every entry says what happened and what to do", () => {
  for (const [code, entry] of Object.entries(errorTable)) {
    expect(entry.title.length, code).toBeGreaterThan(5);
    expect(entry.hint, code).toMatch(/\.$/);
  }
});

test("an unknown code is still told, with the code", () => {
  expect(classify("made.up").hint).toContain("made.up");
});
