// Where programs and artifacts are. `cargo xtask test` sets the variables; by hand the defaults fit.
import { mkdirSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "../..");
const programs = process.env.COUNTERSIGN_BIN_DIR ?? join(root, "target/debug");

export const countersign = join(programs, "countersign");
export const desktop = join(programs, "countersign-desktop");
export const tauriDriver = process.env.TAURI_DRIVER ?? join(root, "target/tools/bin/tauri-driver");
export const webkitDriver = "/usr/bin/WebKitWebDriver";
export const chromium = "/usr/bin/chromium";

/** A folder for what a person may want to look at afterwards. */
export function artifacts(kind) {
  const dir = join(process.env.COUNTERSIGN_ARTIFACTS ?? join(root, "test-artifacts"), kind);
  mkdirSync(dir, { recursive: true });
  return dir;
}

export function scratch(what) {
  return mkdtempSync(join(tmpdir(), `countersign-${what}-`));
}
