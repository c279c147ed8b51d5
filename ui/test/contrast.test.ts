import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const css = readFileSync(join(process.cwd(), "src/styles/tokens.css"), "utf8");

/** The colours of a theme: those of `:root`, with a later block's in their place. */
function theme(selector: string | undefined): Map<string, string> {
  const blocks = [css.slice(0, css.indexOf("@media")), selector === undefined ? "" : css.slice(css.indexOf(selector))];
  const found = blocks.map((block) => [...block.slice(0, block.indexOf("\n}")).matchAll(/(--[\w-]+): (#[0-9a-f]{6});/g)]);
  return new Map(found.flat().map((match) => [match[1] ?? "", match[2] ?? ""]));
}

function luminance(colour: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(one: string, other: string): number {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

const layers = ["--page", "--layer", "--raised", "--sunken"];
const PAIRS: [string, string][] = [
  ...["--text", "--text-soft", "--text-faint", "--success", "--caution", "--critical", "--accent-text"].flatMap((text) => layers.map((layer): [string, string] => [text, layer])),
  ...["success", "caution", "critical"].map((tone): [string, string] => [`--${tone}`, `--${tone}-back`]),
  ["--on-critical", "--critical"],
  ["--on-accent", "--accent"],
  ["--accent-text", "--accent-back"],
  ["--text", "--neutral-back"],
  ["--text", "--added-back"],
  ["--text", "--deleted-back"],
  ["--text", "--caution-back"],
];

// WCAG 2.2, 1.4.3: text against what lies behind it.
test.each([
  ["light", undefined],
  ["dark", ':root[data-theme="dark"]'],
  ["dark, as the system has it", ':root:not([data-theme="light"])'],
])("text can be read: %s", (_, selector) => {
  const colours = theme(selector);
  const weak = PAIRS.map(([text, back]) => ({ text, back, ratio: contrast(colours.get(text) ?? "", colours.get(back) ?? "") })).filter((pair) => !(pair.ratio >= 4.5));
  expect(weak).toEqual([]);
});
