/** Differences by line, for marking them where the lines are shown. */

import type { FieldChange, LineChange, VersionDiff } from "../../api/types";
import { diffCounts, fieldName } from "../../texts/names";

export interface LineChanges {
  change: LineChange["change"];
  /** By the field's first name: `requestedDelivery.first` is found under `requestedDelivery`. */
  fields: ReadonlyMap<string, FieldChange>;
}

/** A difference in a few words: how many lines, and which fields of the header. */
export function diffWords(diff: VersionDiff): string {
  const count = (change: LineChange["change"]) => diff.lines.filter((line) => line.change === change).length;
  const lines = [
    diffCounts.changed(count("Changed")),
    diffCounts.added(count("Added")),
    diffCounts.deleted(count("Deleted")),
  ].filter((words) => words !== "");
  const header = new Set(diff.header.map((field) => fieldName(field.field.split(".")[0] ?? field.field)));
  return [...lines, ...header].join(", ");
}

export function changesByLine(diff: VersionDiff | undefined): ReadonlyMap<string, LineChanges> {
  const byLine = new Map<string, LineChanges>();
  for (const line of diff?.lines ?? []) {
    const fields = new Map<string, FieldChange>();
    for (const field of line.fields ?? []) {
      const name = field.field.split(".")[0] ?? field.field;
      if (!fields.has(name)) fields.set(name, field);
    }
    byLine.set(line.lineId, { change: line.change, fields });
  }
  return byLine;
}
