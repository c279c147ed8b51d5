/** JSON pointers and places in the text of a configuration, from the editor's syntax tree. */

import { ensureSyntaxTree, syntaxTree } from "@codemirror/language";
import type { EditorState } from "@codemirror/state";
import type { SyntaxNode } from "@lezer/common";

const escape = (part: string) => part.replace(/~/g, "~0").replace(/\//g, "~1");
const unescape = (part: string) => part.replace(/~1/g, "/").replace(/~0/g, "~");

export const segments = (pointer: string): string[] => (pointer === "" ? [] : pointer.slice(1).split("/").map(unescape));
export const pointerOf = (path: readonly string[]): string => path.map((part) => `/${escape(part)}`).join("");

/** A configuration is read in a few milliseconds; a huge file may be marked at its beginning instead. */
const PARSE_MS = 500;
const VALUES = new Set(["Object", "Array", "String", "Number", "True", "False", "Null"]);

function nameOf(state: EditorState, property: SyntaxNode): string {
  const name = property.getChild("PropertyName");
  if (!name) return "";
  try {
    return String(JSON.parse(state.sliceDoc(name.from, name.to)));
  } catch {
    // Half typed.
    return state.sliceDoc(name.from + 1, name.to);
  }
}

function children(node: SyntaxNode): SyntaxNode[] {
  const found: SyntaxNode[] = [];
  for (let child = node.firstChild; child; child = child.nextSibling) found.push(child);
  return found;
}

const valueIn = (property: SyntaxNode) => children(property).find((child) => VALUES.has(child.name));

/** The names and indices that lead to `position`; inside a name, to the object that has it. */
export function pathAt(state: EditorState, position: number, side: -1 | 0 | 1 = -1): { path: string[]; node: SyntaxNode } {
  const node = syntaxTree(state).resolveInner(position, side);
  const path: string[] = [];
  const inName = node.name === "PropertyName";
  for (let at: SyntaxNode | null = inName ? (node.parent?.parent ?? null) : node; at; at = at.parent) {
    if (at.name === "Property") path.unshift(nameOf(state, at));
    else if (at.parent?.name === "Array" && VALUES.has(at.name)) {
      path.unshift(String(children(at.parent).filter((one) => VALUES.has(one.name)).findIndex((one) => one.from === at?.from)));
    }
  }
  return { path, node };
}

/** Where the value of `pointer` stands; the nearest one around it where the text does not have it. */
export function rangeOf(state: EditorState, pointer: string): { from: number; to: number } {
  // The editor parses what is in sight; a mistake may be below it.
  const top = (ensureSyntaxTree(state, state.doc.length, PARSE_MS) ?? syntaxTree(state)).topNode;
  let node: SyntaxNode = children(top).find((child) => VALUES.has(child.name)) ?? top;
  let named: SyntaxNode | undefined;
  for (const part of segments(pointer)) {
    let next: SyntaxNode | undefined;
    if (node.name === "Object") {
      const property = node.getChildren("Property").find((one) => nameOf(state, one) === part);
      named = property?.getChild("PropertyName") ?? named;
      next = property && valueIn(property);
    } else if (node.name === "Array") {
      next = children(node).filter((child) => VALUES.has(child.name))[Number(part)];
      named = undefined;
    }
    if (!next) break;
    node = next;
  }
  // A whole object in red says nothing: its name does.
  const container = node.name === "Object" || node.name === "Array";
  const shown = container && named ? named : container ? { from: node.from, to: node.from + 1 } : node;
  return { from: shown.from, to: Math.max(shown.to, Math.min(shown.from + 1, state.doc.length)) };
}
