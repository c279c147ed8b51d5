import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from "react";
import type { DespatchAdvice, DespatchLine, DocumentDetail } from "../../api/types";
import { useActions } from "../../app/actions";
import { go, openDocument } from "../../app/router";
import { toastSaved } from "../../app/toasts";
import { Bar, Button, Field, Select } from "../../components/controls";
import { text } from "../../texts/en";
import { rejectActionName, rejectReasonName } from "../../texts/names";
import { formatDay, formatDecimal, today } from "../../texts/format";
import { unitName } from "../../texts/units";
import { ItemCell } from "../document/Lines";
import { AnswerHead, NotNow } from "./AnswerScreen";
import { loadDraft, saveDraft, useDraft } from "./draft";
import {
  carryOver,
  freshReceipt,
  receiptDayIssue,
  receiptDiffers,
  type ReceiptField,
  type ReceiptIssue,
  receiptIssuesFromProblems,
  type ReceiptRow,
  receiptRowIssues,
  shortOf,
  toReceiptAdvice,
} from "./receipt";
import { Refused } from "./Refused";
import { linesOf, problemsOf, useSaveAnswer } from "./save";
import { SupersededDialog } from "./SupersededDialog";

interface Content {
  rows: ReceiptRow[];
  day: string;
  words: string;
  /** The note that the rows were typed for, when they are taken over to a newer version. */
  from?: DespatchAdvice;
}

interface Props {
  detail: DocumentDetail;
  version: number;
  note: DespatchAdvice;
  onVersion: (version: number) => void;
}

const NO_ISSUES: ReadonlyMap<string, ReceiptIssue[]> = new Map();
const freshDay = () => formatDay(today());

/** What arrived of a delivery note. Short is worked out; what is refused needs a reason and what is wanted. */
export function ReceiptForm({ detail, version, note, onVersion }: Props) {
  const id = detail.row.id;
  const [draft, setDraft] = useState(() => {
    const stored = loadDraft<Content>(id);
    return stored?.version === version ? stored.content : undefined;
  });
  const [rows, setRows] = useState(() => {
    if (!draft) return freshReceipt(note);
    return draft.from ? carryOver(draft.rows, draft.from, note) : draft.rows;
  });
  const [day, setDay] = useState(draft?.day ?? freshDay());
  const [words, setWords] = useState(draft?.words ?? "");
  const [tried, setTried] = useState(false);
  const [changed, setChanged] = useState(draft?.from !== undefined);
  const [asked, setAsked] = useState<number | undefined>();
  const [engineIssues, setEngineIssues] = useState(NO_ISSUES);
  const body = useRef<HTMLDivElement>(null);
  const save = useSaveAnswer(id);
  const moved = detail.row.current !== version;
  const superseded = moved && asked !== detail.row.current;
  const possible = detail.allowed.includes("receipt");

  const content = useMemo<Content>(() => ({ rows, day, words }), [rows, day, words]);
  const { settle } = useDraft(id, version, content, changed);
  useEffect(() => {
    body.current?.querySelector<HTMLInputElement>("[data-testid=receipt-received]")?.focus();
  }, []);

  const own = useMemo(
    () => new Map(rows.map((row) => [row.lineId, receiptRowIssues(row)] as const).filter(([, found]) => found.length > 0)),
    [rows],
  );
  const dayIssue = receiptDayIssue(day, note);
  const lines = useMemo(() => new Map(note.lines.map((line) => [line.id, line])), [note]);
  const differing = rows.filter((row) => {
    const line = lines.get(row.lineId);
    return line && receiptDiffers(row, line);
  }).length;

  const change = (lineId: string, field: ReceiptField, value: string) => {
    setChanged(true);
    setEngineIssues(NO_ISSUES);
    save.reset();
    setRows((all) => all.map((row) => (row.lineId === lineId ? { ...row, [field]: value } : row)));
  };
  /** The draft goes, or stays as long as there is a note or another day in it. */
  const startAgain = (kept: Pick<Content, "day" | "words">) => {
    const typed = kept.words !== "" || kept.day !== freshDay();
    if (!typed) {
      settle();
      setDraft(undefined);
    }
    setChanged(typed);
    setDay(kept.day);
    setWords(kept.words);
    setEngineIssues(NO_ISSUES);
    save.reset();
    setRows(freshReceipt(note));
  };
  const fill = () => startAgain({ day, words });
  const discard = () => startAgain({ day: freshDay(), words: "" });
  const focusFirst = () => requestAnimationFrame(() => body.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus());
  const submit = () => {
    setTried(true);
    if (save.isPending) return;
    // Only the current version can be answered: who closed the question is asked again.
    if (moved) return setAsked(undefined);
    if (!possible) return;
    if (own.size > 0 || dayIssue) return focusFirst();
    save.mutate(
      { version, answer: { receipt: toReceiptAdvice(note, rows, day, words) } },
      {
        onSuccess: (operation) => {
          settle();
          toastSaved(operation);
          go(openDocument(id), "replace");
        },
        onError: (problem) => {
          setEngineIssues(receiptIssuesFromProblems(rows, problemsOf(problem)).rows);
          focusFirst();
        },
      },
    );
  };
  useActions([
    { id: "save", key: "Ctrl+Enter", title: text.answer.saveReceipt, group: text.groups.answer, run: submit },
    { id: "all-received", key: "Alt+A", title: text.answer.allReceived, group: text.groups.answer, run: fill },
  ]);

  /** Enter and the arrows move along a column, as in every grid. */
  const onKeyDown = (event: KeyboardEvent) => {
    const target = event.target as HTMLElement;
    const field = target.dataset["field"];
    const step = event.key === "Enter" ? (event.shiftKey ? -1 : 1) : target instanceof HTMLSelectElement ? 0 : event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (!field || step === 0 || event.ctrlKey || event.altKey) return;
    event.preventDefault();
    const column = [...(body.current?.querySelectorAll<HTMLElement>(`[data-field="${field}"]`) ?? [])];
    const next = column[column.indexOf(target) + step];
    next?.focus();
    if (next instanceof HTMLInputElement) next.select();
  };

  return (
    <section className="screen" aria-label={text.answer.receiptTitle(detail.row.number, version)} data-testid="answer" data-version={version}>
      <AnswerHead detail={detail} title={text.answer.receiptTitle(detail.row.number, version)} />
      <div className="toolbar">
        <Button small onPress={fill} hint="Alt+A" data-testid="all-received">{text.answer.allReceived}</Button>
        <span className="toolbar-gap" />
        <div className="receipt-day">
          <Field label={text.answer.receivedOn} error={tried ? dayIssue : undefined}>
            <input
              className="input"
              value={day}
              onChange={(event) => {
                setChanged(true);
                setDay(event.target.value);
              }}
              aria-invalid={tried && dayIssue !== undefined}
              data-testid="receipt-day"
            />
          </Field>
        </div>
      </div>
      <div className="banners">
        {draft ? <Bar tone="info" actions={<Button small onPress={discard}>{text.answer.draftDiscard}</Button>} testId="draft-bar">{text.answer.draftRestored}</Bar> : null}
        {save.error && save.error.code !== "answer.superseded" ? <Refused problem={save.error} document={id} lines={linesOf(save.variables?.answer)} onClose={() => save.reset()} /> : null}
      </div>
      <NotNow detail={detail} wanted="receipt" version={version} />
      <div ref={body} className="grid receipt-grid" role="grid" aria-label={text.document.lines} onKeyDown={onKeyDown} data-testid="receipt-grid">
        <div className="grid-head" role="row">
          {[text.document.line, text.document.item, text.document.delivered, text.answer.receivedQty, text.answer.short, text.answer.rejected, text.answer.rejectReason, text.answer.action, text.answer.lineNote].map((name, at) => (
            <div key={name} role="columnheader" className={at >= 2 && at <= 5 ? "grid-cell grid-cell-end" : "grid-cell"}>{name}</div>
          ))}
        </div>
        {rows.map((row) => {
          const line = lines.get(row.lineId);
          if (!line) return null;
          const found = [...(tried ? (own.get(row.lineId) ?? []) : []), ...(engineIssues.get(row.lineId) ?? [])];
          return <ReceiptLineRow key={row.lineId} row={row} line={line} issues={found} onChange={change} />;
        })}
      </div>
      <footer className="answer-foot">
        <div className="answer-summary" data-testid="answer-summary" data-differing={differing}>
          <span className={tried && own.size > 0 ? "late" : "soft"} role="status">
            {tried && own.size > 0 ? text.answer.problems([...own.values()].flat().length) : differing === 0 ? text.answer.allAsAdvised : text.answer.changedLines(differing, rows.length)}
          </span>
        </div>
        <input
          className="input answer-note"
          placeholder={text.answer.note}
          aria-label={text.answer.note}
          value={words}
          maxLength={1000}
          onChange={(event) => {
            setChanged(true);
            setWords(event.target.value);
          }}
          data-testid="answer-note"
        />
        <Button look="accent" icon="check" onPress={submit} isDisabled={save.isPending || !(moved || possible)} hint="Ctrl+Enter" data-testid="receipt-save">
          {text.answer.saveReceipt}
        </Button>
      </footer>
      {superseded ? (
        <SupersededDialog
          detail={detail}
          answered={version}
          onTake={() => {
            settle();
            saveDraft<Content>(id, { version: detail.row.current, content: { rows, day, words, from: note } });
            onVersion(detail.row.current);
          }}
          onClose={() => setAsked(detail.row.current)}
        />
      ) : null}
    </section>
  );
}

interface LineProps {
  row: ReceiptRow;
  line: DespatchLine;
  issues: readonly ReceiptIssue[];
  onChange: (lineId: string, field: ReceiptField, value: string) => void;
}

const options = (names: Record<string, string>) => [{ value: "", label: text.none }, ...Object.entries(names).map(([value, label]) => ({ value, label }))];
const reasonChoices = options(rejectReasonName);
const actionChoices = options(rejectActionName);

function ReceiptLineRow({ row, line, issues, onChange }: LineProps) {
  const where = `${text.document.line.toLowerCase()} ${line.id}`;
  const wrong = (field: ReceiptField) => issues.some((one) => one.field === field);
  const input = (field: "received" | "rejected" | "note", name: string, testId: string) => (
    <input
      className={field === "note" ? "input cell" : "input cell number"}
      value={row[field]}
      onChange={(event) => onChange(line.id, field, event.target.value)}
      aria-label={`${name}, ${where}`}
      aria-invalid={wrong(field)}
      data-field={field}
      data-testid={testId}
      autoComplete="off"
    />
  );
  return (
    <div role="row" className="grid-row receipt-row" data-testid="receipt-row" data-line={line.id}>
      <div role="rowheader" className="grid-cell">{line.id}</div>
      <div role="gridcell" className="grid-cell"><ItemCell item={line.item} note={`${line.orderNumber} / ${line.orderLineId}`} /></div>
      <div role="gridcell" className="grid-cell grid-cell-end">{formatDecimal(line.delivered)} {unitName(line.unit)}</div>
      <div role="gridcell" className="grid-cell">{input("received", text.answer.receivedQty, "receipt-received")}</div>
      <div role="gridcell" className="grid-cell grid-cell-end late" data-testid="receipt-short">{formatDecimal(shortOf(row, line))}</div>
      <div role="gridcell" className="grid-cell">{input("rejected", text.answer.rejected, "receipt-rejected")}</div>
      <div role="gridcell" className="grid-cell">
        <Select aria-label={`${text.answer.rejectReason}, ${where}`} aria-invalid={wrong("reason")} value={row.reason} onChange={(value) => onChange(line.id, "reason", value)} options={reasonChoices} disabled={row.rejected.trim() === ""} data-field="reason" testId="receipt-reason" />
      </div>
      <div role="gridcell" className="grid-cell">
        <Select aria-label={`${text.answer.action}, ${where}`} aria-invalid={wrong("action")} value={row.action} onChange={(value) => onChange(line.id, "action", value)} options={actionChoices} disabled={row.rejected.trim() === ""} data-field="action" testId="receipt-action" />
      </div>
      <div role="gridcell" className="grid-cell">{input("note", text.answer.lineNote, "receipt-note")}</div>
      {issues.length > 0 ? <div className="answer-issue field-error" data-testid="issue">{issues.map((one) => one.message).join(" · ")}</div> : null}
    </div>
  );
}
