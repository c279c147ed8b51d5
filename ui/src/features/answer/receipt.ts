/** The receipt of a delivery note as pure functions, like `grid.ts` for orders. */

import type { DespatchAdvice, DespatchLine, ReceiptAdvice, ReceiptLine, RejectAction, RejectReason } from "../../api/types";
import { carried, type CellIssue, type Problem, problemsByRow } from "../../components/cells";
import { compare, decimal, sameValue, subtract, toText, ZERO } from "../../texts/decimal";
import { editDecimal, parseDay, parseDecimal, today } from "../../texts/format";
import { text } from "../../texts/en";

export interface ReceiptRow {
  lineId: string;
  /** As typed: everything that arrived, with what is refused and what is over. */
  received: string;
  rejected: string;
  reason: RejectReason | "";
  action: RejectAction | "";
  note: string;
}

export type ReceiptField = Exclude<keyof ReceiptRow, "lineId">;
export type ReceiptIssue = CellIssue<ReceiptField>;

export function freshReceipt(note: DespatchAdvice): ReceiptRow[] {
  return note.lines.map(freshReceiptRow);
}

export function freshReceiptRow(line: DespatchLine): ReceiptRow {
  return { lineId: line.id, received: editDecimal(line.delivered), rejected: "", reason: "", action: "", note: "" };
}

/** A draft for one version taken over to a newer one: what was typed stays, what was left alone follows the note. */
export function carryOver(rows: readonly ReceiptRow[], before: DespatchAdvice, now: DespatchAdvice): ReceiptRow[] {
  const typed = new Map(rows.map((row) => [row.lineId, row]));
  const old = new Map(before.lines.map((line) => [line.id, line]));
  return now.lines.map((line) => {
    const [row, was] = [typed.get(line.id), old.get(line.id)];
    return row && was ? carried(row, freshReceiptRow(was), freshReceiptRow(line)) : freshReceiptRow(line);
  });
}

/** What of the advised quantity did not arrive; nothing when more arrived. */
export function shortOf(row: ReceiptRow, line: DespatchLine): string {
  const received = decimal(parseDecimal(row.received) ?? "");
  const delivered = decimal(line.delivered);
  if (!received || !delivered || compare(received, delivered) >= 0) return "";
  return toText(subtract(delivered, received));
}

function refuses(row: ReceiptRow): boolean {
  const rejected = decimal(parseDecimal(row.rejected) ?? "");
  return rejected !== undefined && compare(rejected, ZERO) > 0;
}

export function receiptRowIssues(row: ReceiptRow): ReceiptIssue[] {
  const issues: ReceiptIssue[] = [];
  const found = (field: ReceiptField, message: string) => issues.push({ field, message });
  const received = decimal(parseDecimal(row.received) ?? "");
  if (!received) found("received", text.validation.number);
  else if (compare(received, ZERO) < 0) found("received", text.validation.notNegative);
  const rejected = row.rejected.trim() === "" ? ZERO : decimal(parseDecimal(row.rejected) ?? "");
  if (!rejected) found("rejected", text.validation.number);
  else if (compare(rejected, ZERO) < 0) found("rejected", text.validation.notNegative);
  else if (received && compare(received, ZERO) >= 0 && compare(rejected, received) > 0) found("rejected", text.validation.rejectedMore);
  if (refuses(row)) {
    if (row.reason === "") found("reason", text.validation.reasonNeeded);
    if (row.action === "") found("action", text.validation.actionNeeded);
    if (row.reason === "Other" && row.note.trim() === "") found("note", text.validation.textNeeded);
  }
  return issues;
}

export function receiptDayIssue(day: string, note: DespatchAdvice): string | undefined {
  const parsed = parseDay(day, today());
  if (!parsed) return text.validation.dayUnclear;
  return note.despatchedOn && parsed < note.despatchedOn ? text.validation.beforeDespatch : undefined;
}

export function receiptDiffers(row: ReceiptRow, line: DespatchLine): boolean {
  return !sameValue(parseDecimal(row.received), line.delivered) || refuses(row);
}

/** The receipt that the rows amount to. Call only when nothing is wrong with them. */
export function toReceiptAdvice(note: DespatchAdvice, rows: readonly ReceiptRow[], day: string, words: string): ReceiptAdvice {
  const lines = rows.flatMap((row): ReceiptLine[] => {
    const line = note.lines.find((one) => one.id === row.lineId);
    if (!line) return [];
    const short = shortOf(row, line);
    const refused = refuses(row);
    return [
      {
        lineId: row.lineId,
        received: parseDecimal(row.received) ?? line.delivered,
        ...(short ? { short } : {}),
        ...(refused ? { rejected: parseDecimal(row.rejected) ?? "0" } : {}),
        ...(refused && row.reason ? { rejectReason: row.reason } : {}),
        ...(refused && row.action ? { action: row.action } : {}),
        ...(row.note.trim() ? { note: row.note.trim() } : {}),
      },
    ];
  });
  return { receivedOn: parseDay(day, today()) ?? today(), ...(words.trim() ? { note: words.trim() } : {}), lines };
}

const issueFields: Record<string, ReceiptField> = {
  received: "received",
  short: "received",
  rejected: "rejected",
  rejectReason: "reason",
  action: "action",
  note: "note",
};

/** Problems of the engine put beside their rows. */
export function receiptIssuesFromProblems(rows: readonly ReceiptRow[], problems: readonly Problem[]) {
  return problemsByRow(rows.map((row) => row.lineId), problems, (place) => issueFields[place] ?? "received");
}
