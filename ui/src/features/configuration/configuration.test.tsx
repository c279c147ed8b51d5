import { json } from "@codemirror/lang-json";
import { ensureSyntaxTree } from "@codemirror/language";
import { EditorState } from "@codemirror/state";
import { CompletionContext } from "@codemirror/autocomplete";
import { expect, test } from "vitest";
import { complete, diagnostics } from "./assist";
import { fieldsOf, type OpenApi, operationsOf } from "./openapi";
import { pathAt, pointerOf, rangeOf, segments } from "./places";
import { pretty } from "../../components/payload";
import { linesOf, steps } from "./unread";
import { meaningAt, namesAt, valuesAt } from "./schema";

const TEXT = `{
  "id": "acme",
  "streams": {
    "orders": { "kind": "order", "request": { "path": "/orders" }, "emptyStatuses": [404, 410] },
    "a/b": {}
  }
}`;

function state(text: string): EditorState {
  const made = EditorState.create({ doc: text, extensions: [json()] });
  ensureSyntaxTree(made, text.length, 5_000);
  return made;
}

test("a pointer finds its value, and a place its pointer", () => {
  const made = state(TEXT);
  const range = rangeOf(made, "/streams/orders/request/path");
  expect(made.sliceDoc(range.from, range.to)).toBe('"/orders"');
  expect(made.sliceDoc(...Object.values(rangeOf(made, "/streams/orders/emptyStatuses/1")) as [number, number])).toBe("410");
  const object = rangeOf(made, "/streams/orders");
  expect(made.sliceDoc(object.from, object.to)).toBe('"orders"');
  const missing = rangeOf(made, "/streams/orders/map/number");
  expect(made.sliceDoc(missing.from, missing.to)).toBe('"orders"');
  expect(pointerOf(pathAt(made, TEXT.indexOf("410") + 1).path)).toBe("/streams/orders/emptyStatuses/1");
  expect(pointerOf(["streams", "a/b"])).toBe("/streams/a~1b");
  expect(segments("/streams/a~1b")).toEqual(["streams", "a/b"]);
});

test("the schema says names, values and meanings at a place", () => {
  expect(namesAt([]).map((one) => one.name)).toContain("streams");
  expect(namesAt(["streams", "orders"]).map((one) => one.name)).toEqual(expect.arrayContaining(["kind", "request", "paging", "map"]));
  expect(valuesAt(["streams", "orders", "kind"])).toContain('"order"');
  expect(meaningAt(["streams", "orders", "everySeconds"])?.initial).toBe("60");
});

test("names and listed values are offered where they stand, those present left out", () => {
  const text = '{ "streams": { "orders": { "kind": "order", "re" } } }';
  const made = state(text);
  const names = complete(new CompletionContext(made, text.indexOf('"re"') + 3, false));
  const labels = names?.options.map((one) => one.label) ?? [];
  expect(labels).toContain("request");
  expect(labels).not.toContain("kind");
  const values = complete(new CompletionContext(made, text.indexOf('"order"') + 3, false));
  expect(values?.options.map((one) => one.label)).toContain('"order"');
});

test("a mistake is marked at its value", () => {
  const made = state(TEXT);
  const [mark] = diagnostics(made, [{ pointer: "/id", message: "wrong", severity: "error" }]);
  expect(mark && made.sliceDoc(mark.from, mark.to)).toBe('"acme"');
});

test("an API description is listed with the fields of its bodies, and one that refers to itself ends", () => {
  const document: OpenApi = {
    openapi: "3.1.0",
    info: { title: "Acme", version: "1" },
    paths: { "/orders": { get: { summary: "Orders" }, post: { requestBody: { content: { "application/json": { schema: { $ref: "#/components/schemas/Order" } } } } } } },
    webhooks: { orders: { post: { summary: "Pushed" } } },
    components: { schemas: { Order: { type: "object", required: ["no"], properties: { no: { type: "string" }, lines: { type: "array", items: { $ref: "#/components/schemas/Order" } } } } } },
  };
  expect(operationsOf(document).map((one) => `${one.method} ${one.path} ${one.webhook}`)).toEqual(["GET /orders false", "POST /orders false", "POST orders true"]);
  const fields = fieldsOf(document, { $ref: "#/components/schemas/Order" });
  expect(fields.slice(0, 3).map((one) => [one.name, one.type, one.required, one.depth])).toEqual([
    ["no", "string", true, 0],
    ["lines", "object[]", false, 0],
    ["no", "string", true, 1],
  ]);
  expect(Math.max(...fields.map((one) => one.depth))).toBe(6);
});

test("a field that nothing reads is marked in every element of its lists", () => {
  const shown = pretty('{"a":{"b c":1},"lines":[{"x":1,"y":2},{"x":3}]}');
  expect(steps('.a."b c"')).toEqual(["a", "b c"]);
  expect(steps(".lines[].x")).toEqual(["lines", undefined, "x"]);
  expect(linesOf(shown, ".lines[].x").map((line) => shown.lines[line]?.trim())).toEqual(['"x": 1,', '"x": 3']);
  expect(linesOf(shown, '.a."b c"').map((line) => shown.lines[line]?.trim())).toEqual(['"b c": 1']);
});
