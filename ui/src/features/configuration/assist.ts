/** Completion, hover and marks of the configuration editor. */

import type { Completion, CompletionContext, CompletionResult } from "@codemirror/autocomplete";
import { snippet } from "@codemirror/autocomplete";
import type { Diagnostic } from "@codemirror/lint";
import type { EditorState } from "@codemirror/state";
import { hoverTooltip } from "@codemirror/view";
import { text } from "../../texts/en";
import { pathAt, pointerOf, rangeOf } from "./places";
import { meaningAt, type Named, namesAt, valuesAt } from "./schema";

/** A mistake in a configuration, with its place. */
export interface Mark {
  pointer: string;
  message: string;
  severity: "error" | "warning";
}

const VALUE: Record<Named["opens"], string> = { object: "{ ${} }", array: "[${}]", string: '"${}"', other: "${}" };

function nameCompletion(named: Named, from: number, to: number, present: ReadonlySet<string>): Completion | undefined {
  if (present.has(named.name)) return undefined;
  const insert = snippet(`"${named.name.replace(/\$/g, "\\$")}": ${VALUE[named.opens]}`);
  return {
    label: named.name,
    detail: named.required ? text.configuration.needed : undefined,
    info: named.description,
    boost: named.required ? 1 : 0,
    type: "property",
    apply: (view, completion) => insert(view, completion, from, to),
  } as Completion;
}

/** Names where a name stands, listed values where a value stands. */
export function complete(context: CompletionContext): CompletionResult | null {
  const { state, pos } = context;
  const { path, node } = pathAt(state, pos);
  const property = node.name === "PropertyName" ? node.parent : node.parent?.name === "Property" ? node.parent : undefined;
  const inName = node.name === "PropertyName" || node.name === "Object" || (node.name === "⚠" && node.parent?.name === "Object");
  if (inName && (node.name === "PropertyName" || context.explicit)) {
    const object = node.name === "PropertyName" ? property?.parent : node.name === "Object" ? node : node.parent;
    const present = new Set<string>();
    for (const one of object?.getChildren("Property") ?? []) {
      const name = one.getChild("PropertyName");
      if (name && name.from !== node.from) present.add(state.sliceDoc(name.from + 1, name.to - 1));
    }
    const quoted = node.name === "PropertyName";
    const [from, to] = quoted ? [node.from, node.to] : [pos, pos];
    const hasValue = quoted && property ? /^\s*:/.test(state.sliceDoc(to, to + 4)) : false;
    const options = namesAt(path).flatMap((named) => {
      const option = hasValue ? { label: named.name, info: named.description, apply: `"${named.name}"`, type: "property" } : nameCompletion(named, from, to, present);
      return option ? [option as Completion] : [];
    });
    return options.length > 0 ? { from: quoted ? from + 1 : from, to, options, validFor: /^[\w$]*"?$/, filter: true } : null;
  }
  const values = valuesAt(path);
  if (values.length === 0 || !(node.name === "String" || context.explicit)) return null;
  const from = node.name === "String" ? node.from : pos;
  return { from, to: node.name === "String" ? node.to : pos, options: values.map((label) => ({ label, type: "enum" })), validFor: /^"?[\w-]*"?$/ };
}

/** What the name or value under the pointer means. */
export const hover = hoverTooltip((view, position) => {
  const { path, node } = pathAt(view.state, position, 1);
  const named = node.name === "PropertyName" ? [...path, view.state.sliceDoc(node.from + 1, node.to - 1)] : path;
  const meaning = meaningAt(named);
  if (!meaning) return null;
  return {
    pos: node.from,
    end: node.to,
    above: true,
    create: () => {
      const dom = document.createElement("div");
      dom.className = "cm-meaning";
      const place = dom.appendChild(document.createElement("code"));
      place.textContent = pointerOf(named);
      dom.appendChild(document.createElement("div")).textContent = meaning.description;
      if (meaning.values.length > 0) dom.appendChild(document.createElement("div")).textContent = meaning.values.join(", ");
      if (meaning.initial !== undefined) dom.appendChild(document.createElement("div")).textContent = text.configuration.initial(meaning.initial);
      return { dom };
    },
  };
});

/** The marks of the mistakes, each at its value. */
export function diagnostics(state: EditorState, marks: readonly Mark[]): Diagnostic[] {
  return marks.map((mark) => ({ ...rangeOf(state, mark.pointer), severity: mark.severity, message: mark.message }));
}
