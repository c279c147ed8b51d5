import { readFileSync } from "node:fs";
import { join } from "node:path";
import openapiTS, { astToString } from "openapi-typescript";
import { expect, test } from "vitest";

test("schema.d.ts is what openapi.json says (npm run generate)", async () => {
  const folder = join(process.cwd(), "src/api");
  const document = JSON.parse(readFileSync(join(folder, "openapi.json"), "utf8")) as Parameters<typeof openapiTS>[0];
  const made = astToString(await openapiTS(document));
  const kept = readFileSync(join(folder, "schema.d.ts"), "utf8");
  expect(kept.slice(kept.indexOf("export interface paths"))).toBe(made);
});
