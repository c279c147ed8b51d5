import { useEffect, useMemo, useRef, useState } from "react";
import type { DocumentDetail, Order } from "../../api/types";
import { useActions } from "../../app/actions";
import { go, openDocument } from "../../app/router";
import { toastSaved } from "../../app/toasts";
import { countIssues, merged } from "../../components/cells";
import { Bar, Button } from "../../components/controls";
import type { GridHandle } from "../../components/EditGrid";
import { text } from "../../texts/en";
import { formatDay, formatMinor } from "../../texts/format";
import { AnswerHead, NotNow } from "./AnswerScreen";
import { CounterGrid } from "./CounterGrid";
import { loadDraft, saveDraft, useDraft } from "./draft";
import {
  allRejected,
  type AnswerRow,
  carryOver,
  compareWithOrder,
  type Field,
  freshRows,
  issuesFromProblems,
  type Issues,
  resetLine,
  type RowMode,
  setMode,
  split,
  toOrderResponse,
  unsplit,
  validate,
} from "./grid";
import { Refused } from "./Refused";
import { linesOf, problemsOf, useSaveAnswer } from "./save";
import { SupersededDialog } from "./SupersededDialog";

interface Content {
  rows: AnswerRow[];
  note: string;
  /** The order that the rows were typed for, when they are taken over to a newer version. */
  from?: Order;
}

interface Props {
  detail: DocumentDetail;
  version: number;
  order: Order;
  onVersion: (version: number) => void;
}

const NO_ISSUES: Issues = new Map();

export function CounterForm({ detail, version, order, onVersion }: Props) {
  const id = detail.row.id;
  const [draft, setDraft] = useState(() => {
    const stored = loadDraft<Content>(id);
    return stored?.version === version ? stored.content : undefined;
  });
  const [rows, setRows] = useState<AnswerRow[]>(() => {
    if (!draft) return freshRows(order);
    return draft.from ? carryOver(draft.rows, draft.from, order) : draft.rows;
  });
  const [note, setNote] = useState(draft?.note ?? "");
  const [active, setActive] = useState<string | undefined>(rows[0]?.key);
  const [tried, setTried] = useState(false);
  const [asked, setAsked] = useState<number | undefined>();
  const [changed, setChanged] = useState(draft?.from !== undefined);
  const grid = useRef<GridHandle<Field>>(null);
  const save = useSaveAnswer(id);

  const content = useMemo<Content>(() => ({ rows, note }), [rows, note]);
  const { settle } = useDraft(id, version, content, changed);

  useEffect(() => {
    const first = order.lines[0];
    if (first) grid.current?.focus(`${first.id}#0`, "quantity");
  }, [order]);

  const own = useMemo(() => validate(order, rows), [order, rows]);
  const [engineIssues, setEngineIssues] = useState<Issues>(NO_ISSUES);
  const issues = useMemo(() => merged(own, engineIssues), [own, engineIssues]);
  const comparison = useMemo(() => compareWithOrder(order, rows), [order, rows]);
  const moved = detail.row.current !== version;
  const superseded = moved && asked !== detail.row.current;
  const possible = detail.allowed.includes("counter");
  const rejected = allRejected(rows);
  const current = rows.find((row) => row.key === active) ?? rows[0];

  const change = (next: AnswerRow[]) => {
    setChanged(true);
    setEngineIssues(NO_ISSUES);
    save.reset();
    setRows(next);
  };
  const mode = (key: string, to: RowMode) => change(setMode(rows, key, to, order));
  const onLine = (run: (row: AnswerRow) => void) => () => current && run(current);
  const toggle = (to: RowMode) =>
    onLine((row) => {
      mode(row.key, row.mode === to ? "offer" : to);
      if (row.mode !== to) grid.current?.focus(row.key, to === "substitute" ? "substituteId" : to === "reject" ? "reasonCode" : "date");
    });
  const splitLine = onLine((row) => {
    const next = split(rows, row.key, order);
    change(next.rows);
    grid.current?.focus(next.key, "quantity");
  });
  const removeSplit = onLine((row) => {
    if (row.part === 0) return;
    change(unsplit(rows, row.key));
    grid.current?.focus(`${row.lineId}#0`, "quantity");
  });
  const resetRow = onLine((row) => {
    change(resetLine(rows, row.lineId, order));
    grid.current?.focus(`${row.lineId}#0`, "quantity");
  });
  /** The draft goes, or stays as long as there is a note in it. */
  const startAgain = (kept: string) => {
    if (kept === "") {
      settle();
      setDraft(undefined);
    }
    setChanged(kept !== "");
    setNote(kept);
    setEngineIssues(NO_ISSUES);
    save.reset();
    setRows(freshRows(order));
    grid.current?.focus(`${order.lines[0]?.id}#0`, "quantity");
  };
  const resetAll = () => startAgain(note);
  const showFirst = (found: Issues) => {
    const first = rows.find((row) => found.has(row.key));
    const issue = first ? found.get(first.key)?.[0] : undefined;
    if (first && issue) grid.current?.focus(first.key, issue.field === "code" ? "quantity" : issue.field);
  };
  const submit = () => {
    setTried(true);
    if (save.isPending) return;
    // Only the current version can be answered: who closed the question is asked again.
    if (moved) return setAsked(undefined);
    if (!possible) return;
    if (own.size > 0) return showFirst(own);
    if (rejected) return;
    const answer = toOrderResponse(order, rows, note);
    save.mutate(
      { version, answer: { order: answer } },
      {
        onSuccess: (operation) => {
          settle();
          toastSaved(operation);
          go(openDocument(id), "replace");
        },
        onError: (problem) => {
          const found = issuesFromProblems(answer.lines?.length ? rows : [], problemsOf(problem));
          setEngineIssues(found.rows);
          showFirst(found.rows);
        },
      },
    );
  };
  const take = () => {
    // The new version's lines are needed for carrying over: the form is made again with the draft in place.
    settle();
    saveDraft<Content>(id, { version: detail.row.current, content: { rows, note, from: order } });
    onVersion(detail.row.current);
  };
  const line = (lid: string, key: string, title: string, run: () => void, disabled = false) => ({
    id: lid,
    key,
    title,
    group: text.groups.line,
    run,
    disabled,
  });
  useActions([
    { id: "save", key: "Ctrl+Enter", title: text.answer.save, group: text.groups.answer, run: submit },
    { id: "all-as-ordered", key: "Alt+A", title: text.answer.allAsOrdered, group: text.groups.answer, run: resetAll },
    { id: "first-problem", key: "F8", title: text.answer.firstProblem, group: text.groups.answer, run: () => showFirst(issues), disabled: issues.size === 0 },
    line("row-split", "Alt+S", text.answer.split, splitLine),
    line("row-unsplit", "Alt+X", text.answer.unsplit, removeSplit, !current || current.part === 0),
    line("row-substitute", "Alt+U", text.answer.substitute, toggle("substitute")),
    line("row-backorder", "Alt+B", text.answer.backorder, toggle("backorder")),
    line("row-reject", "Alt+R", text.answer.rejectLine, toggle("reject")),
    line("row-as-ordered", "Alt+O", text.answer.asOrdered, resetRow),
  ]);

  return (
    <section className="screen" aria-label={text.answer.counterTitle(detail.row.number, version)} data-testid="answer" data-version={version}>
      <AnswerHead detail={detail} title={text.answer.counterTitle(detail.row.number, version)} />
      <div className="toolbar" role="toolbar" aria-label={text.groups.line}>
        <Button small onPress={resetAll} hint="Alt+A" data-testid="all-as-ordered">{text.answer.allAsOrdered}</Button>
        <span className="toolbar-gap" />
        <span className="caption soft">{current ? text.document.lineNo(current.lineId) : ""}</span>
        <Button small icon="split" onPress={splitLine} hint="Alt+S" data-testid="row-split">{text.answer.split}</Button>
        <Button small onPress={toggle("substitute")} hint="Alt+U" data-testid="row-substitute">{text.answer.substitute}</Button>
        <Button small onPress={toggle("backorder")} hint="Alt+B" data-testid="row-backorder">{text.answer.backorder}</Button>
        <Button small onPress={toggle("reject")} hint="Alt+R" data-testid="row-reject">{text.answer.rejectLine}</Button>
        <Button small onPress={resetRow} hint="Alt+O" data-testid="row-as-ordered">{text.answer.asOrdered}</Button>
        {current && current.part > 0 ? (
          <Button small icon="cross" onPress={removeSplit} hint="Alt+X" data-testid="row-unsplit">{text.answer.unsplit}</Button>
        ) : null}
      </div>
      {draft ? (
        <div className="banners">
          <Bar tone="info" actions={<Button small onPress={() => startAgain("")}>{text.answer.draftDiscard}</Button>} testId="draft-bar">
            {text.answer.draftRestored}
          </Bar>
        </div>
      ) : null}
      {save.error && save.error.code !== "answer.superseded" ? (
        <div className="banners">
          <Refused problem={save.error} document={id} lines={linesOf(save.variables?.answer)} onClose={() => save.reset()} />
        </div>
      ) : null}
      <NotNow detail={detail} wanted="counter" version={version} />
      {rejected ? (
        <div className="banners">
          <Bar tone="warning">{text.validation.allRejected}</Bar>
        </div>
      ) : null}
      <CounterGrid
        ref={grid}
        order={order}
        rows={rows}
        issues={tried || engineIssues.size > 0 ? issues : NO_ISSUES}
        live={own}
        active={current?.key}
        onActive={setActive}
        onChange={change}
        onMode={mode}
      />
      <footer className="answer-foot">
        <div className="answer-summary" data-testid="answer-summary" data-differing={comparison.differing}>
          <Summary order={order} comparison={comparison} problems={tried ? countIssues(issues) : 0} />
        </div>
        <input
          className="input answer-note"
          placeholder={text.answer.note}
          aria-label={text.answer.note}
          value={note}
          maxLength={1000}
          onChange={(event) => {
            setChanged(true);
            setNote(event.target.value);
          }}
          data-testid="answer-note"
        />
        <Button look="accent" icon="check" onPress={submit} isDisabled={save.isPending || !(moved || possible)} hint="Ctrl+Enter" data-testid="answer-save">
          {comparison.differing === 0 && own.size === 0 ? text.answer.confirm : text.answer.save}
        </Button>
      </footer>
      {superseded ? (
        <SupersededDialog detail={detail} answered={version} onTake={take} onClose={() => setAsked(detail.row.current)} />
      ) : null}
    </section>
  );
}

function Summary({ order, comparison, problems }: { order: Order; comparison: ReturnType<typeof compareWithOrder>; problems: number }) {
  const { ordered, answered, differing, lastAsked, lastPromised } = comparison;
  const difference = ordered !== undefined && answered !== undefined ? answered - ordered : undefined;
  return (
    <>
      <span className={problems > 0 ? "late" : "soft"} role="status">
        {problems > 0
          ? text.answer.problems(problems)
          : differing === 0
            ? text.answer.asOrderedAll
            : text.answer.changedLines(differing, order.lines.length)}
      </span>
      {ordered !== undefined && answered !== undefined ? (
        <span className="clip">
          {text.answer.ordered} <b className="number">{formatMinor(ordered, order.currency)}</b> → <b className="number">{formatMinor(answered, order.currency)}</b>
          {difference ? <span className={difference < 0n ? "late" : "soon"}> ({difference > 0n ? "+" : ""}{formatMinor(difference, order.currency)})</span> : null}
        </span>
      ) : null}
      {lastPromised && lastAsked && lastPromised !== lastAsked ? (
        <span className="clip">
          {text.answer.promised} {formatDay(lastAsked)} → <b>{formatDay(lastPromised)}</b>
        </span>
      ) : null}
    </>
  );
}
