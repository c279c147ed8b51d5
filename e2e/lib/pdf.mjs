// What a PDF says, read by a program that is not ours.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import assert from "node:assert/strict";

/** Fails unless the file is a sound PDF; gives its text. */
export function pdfText(file) {
  assert.equal(readFileSync(file).subarray(0, 5).toString(), "%PDF-", `${file} is a PDF`);
  const info = execFileSync("pdfinfo", [file], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  assert.match(info, /^Pages:\s+[1-9]/m);
  return execFileSync("pdftotext", ["-layout", file, "-"], { encoding: "utf8" });
}
