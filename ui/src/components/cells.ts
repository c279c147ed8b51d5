/** What is wrong with the cells of a grid, and the engine's problems put beside the cells that they belong to. */

export interface CellIssue<F extends string> {
  field: F;
  message: string;
}

/** By the row's key. */
export type CellIssues<F extends string> = ReadonlyMap<string, readonly CellIssue<F>[]>;

/** A problem of the engine: where, as a JSON pointer, and what. */
export interface Problem {
  pointer: string;
  message: string;
}

/** Both sources of issues by row: the form's own and the engine's. */
export function merged<F extends string>(own: CellIssues<F>, engine: CellIssues<F>): CellIssues<F> {
  if (engine.size === 0) return own;
  const all = new Map<string, readonly CellIssue<F>[]>(own);
  for (const [key, issues] of engine) all.set(key, [...(all.get(key) ?? []), ...issues]);
  return all;
}

/** How many fields need attention. */
export function countIssues(issues: CellIssues<string>): number {
  return [...issues.values()].reduce((all, row) => all + new Set(row.map((one) => one.field)).size, 0);
}

/** What was typed for one version, taken over to another: typed fields stay, those left alone follow. */
export function carried<T extends object>(typed: T, before: T, now: T): T {
  const next = { ...typed };
  for (const field of Object.keys(now) as (keyof T)[]) {
    if (typed[field] === before[field]) next[field] = now[field];
  }
  return next;
}

/**
 * Problems under `/lines/N` put beside the row that was sent as line N. `fieldOf` names the cell from the pointer's
 * part behind the line, such as `quantity` or `reason/text`. What belongs to no row is left as `rest`.
 */
export function problemsByRow<F extends string>(
  keys: readonly string[],
  problems: readonly Problem[],
  fieldOf: (place: string) => F,
): { rows: Map<string, CellIssue<F>[]>; rest: Problem[] } {
  const rows = new Map<string, CellIssue<F>[]>();
  const rest: Problem[] = [];
  for (const problem of problems) {
    const match = /^(?:\/(?:answer|receipt))?\/lines\/(\d+)(?:\/(.+))?$/.exec(problem.pointer);
    const key = match ? keys[Number(match[1])] : undefined;
    if (key === undefined) rest.push(problem);
    else rows.set(key, [...(rows.get(key) ?? []), { field: fieldOf(match?.[2] ?? ""), message: problem.message }]);
  }
  return { rows, rest };
}
