/** Places of a payload in the two forms that the engine names them in: JSON pointers, and paths such as `.lines[].text`. */

import type { Pretty } from "../../components/payload";

const STEP = /\.("(?:[^"\\]|\\.)*"|[^.[\]]+)|\[\]/gy;

/** The steps of a path: names, and `undefined` for each element of a list. */
export function steps(path: string): (string | undefined)[] {
  return [...path.matchAll(STEP)].map(([, name]) => (name === undefined ? undefined : name.startsWith('"') ? String(JSON.parse(name)) : name));
}

const escape = (part: string) => part.replace(/~/g, "~0").replace(/\//g, "~1").replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** The lines of the values that a path names, in every element of its lists. */
export function linesOf(payload: Pretty, path: string): number[] {
  const pattern = new RegExp(`^${steps(path).map((step) => (step === undefined ? "/\\d+" : `/${escape(step)}`)).join("")}$`);
  return [...payload.at].filter(([pointer]) => pattern.test(pointer)).map(([, line]) => line);
}
