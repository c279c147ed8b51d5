import { expect, test } from "vitest";
import { lineOf, pretty } from "./payload";

const payload = '{"poNumber":"PO-1","a/b":{"~":1},"lines":[{"qty":"x"},{"qty":2}],"empty":[]}';

test("every value's line is known", () => {
  const shown = pretty(payload);
  const at = (pointer: string) => shown.lines[lineOf(shown, pointer) ?? -1];
  expect(at("/poNumber")).toBe('  "poNumber": "PO-1",');
  expect(at("/lines/1/qty")).toBe('      "qty": 2');
  expect(at("/a~1b/~0")).toBe('    "~": 1');
  expect(at("/empty")).toBe('  "empty": []');
  expect(at("")).toBe("{");
});

test("the indents are those of JSON.stringify", () => {
  expect(pretty(payload).lines.join("\n")).toBe(JSON.stringify(JSON.parse(payload), null, 2));
});

test("numbers and names stay as they were written", () => {
  const exact = '{ "price" : 12.50, "big":45000008000000000001, "e":1E+2, "dup":1,"dup":2, "u":"\\u00e4" }';
  expect(pretty(exact).lines.map((line) => line.trim())).toEqual([
    "{",
    '"price": 12.50,',
    '"big": 45000008000000000001,',
    '"e": 1E+2,',
    '"dup": 1,',
    '"dup": 2,',
    '"u": "\\u00e4"',
    "}",
  ]);
});

test("broken JSON and endless nesting are shown as they came", () => {
  for (const broken of ["{", '{"a":}', "[1,]", '{"a" 1}', "[1 2]", '"open', "nonsense", "{}{}", "[".repeat(5000)]) {
    expect(pretty(broken).lines.join("\n"), broken.slice(0, 20)).toBe(broken);
  }
  expect(pretty("").lines).toEqual([""]);
  expect(pretty(" 7 ").lines).toEqual(["7"]);
});

test("what is missing is shown where it should be", () => {
  const shown = pretty(payload);
  expect(shown.lines[lineOf(shown, "/lines/0/price") ?? -1]).toBe("    {");
});

test("what is not JSON is shown as it is", () => {
  const shown = pretty("<order>\n</order>");
  expect(shown.lines).toEqual(["<order>", "</order>"]);
  expect(lineOf(shown, "/x")).toBeUndefined();
});
