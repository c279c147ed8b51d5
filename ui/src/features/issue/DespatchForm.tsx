import { useEffect, useMemo, useRef, useState } from "react";
import type { DespatchAdvice, DocumentDetail } from "../../api/types";
import { useActions } from "../../app/actions";
import { go, openDocument, type Route } from "../../app/router";
import { toastSaved } from "../../app/toasts";
import { carried, countIssues, merged } from "../../components/cells";
import { Bar, Button } from "../../components/controls";
import type { GridHandle } from "../../components/EditGrid";
import { text } from "../../texts/en";
import { type DraftKey, loadDraft, useDraft } from "../answer/draft";
import { Refused } from "../answer/Refused";
import { problemsOf } from "../answer/save";
import { useIssue } from "./act";
import {
  addBatch,
  buildNote,
  carryOver,
  type DespatchField,
  type DespatchHead,
  type DespatchHeadField,
  despatchHeadIssues,
  despatchHeadIssuesOfEngine,
  type DespatchIssues,
  despatchIssues,
  despatchIssuesOfEngine,
  type DespatchRow,
  isLast,
  isSent,
  leavesAnything,
  removeRow,
  restOf,
  setCell,
} from "./despatch";
import { DespatchGrid } from "./DespatchGrid";
import { type HeadCell, HeadFields } from "./HeadFields";
import { NotNow, ScreenHead } from "./parts";

interface Begun {
  rows: DespatchRow[];
  head: DespatchHead;
}

interface Content extends Begun {
  /** What was there when the typing began: what was left alone follows what there is when the draft is shown again. */
  from?: Begun;
}

interface Props {
  title: string;
  caption: string;
  draftKey: DraftKey;
  /** The version of the order or of the note that the rows were made from. */
  version: number;
  rows: DespatchRow[];
  head: DespatchHead;
  /** Parties as the order, or the note, has them. */
  parties: Pick<DespatchAdvice, "buyer" | "seller" | "shipTo" | "language">;
  partner: string;
  /** A note that is replaced, in view of its version `seen`; a new one without. */
  change?: { detail: DocumentDetail; seen: number } | undefined;
  /** Whether it could be saved now; what is in the way stands above. */
  possible: boolean;
  back: Route;
}

const NO_ISSUES: DespatchIssues = new Map();
const NO_HEAD: ReadonlyMap<DespatchHeadField, string> = new Map();

const cells: HeadCell<DespatchHeadField>[] = [
  { field: "number", label: text.issue.noteNumber },
  { field: "despatchedOn", label: text.document.despatched },
  { field: "expected", label: text.issue.expected, placeholder: "+2", width: "days" },
  { field: "carrier", label: text.document.carrier },
  { field: "tracking", label: text.document.tracking },
  { field: "notes", label: text.document.notes, width: "wide" },
];

export function DespatchForm({ title, caption, draftKey, version, rows: first, head: firstHead, parties, partner, change, possible, back }: Props) {
  const [begun] = useState<Begun>({ rows: first, head: firstHead });
  const [draft, setDraft] = useState(() => loadDraft<Content>(draftKey)?.content);
  const [rows, setRows] = useState(() => (draft ? carryOver(draft.rows, draft.from?.rows ?? [], first) : first));
  const [head, setHead] = useState(() => (draft?.from ? carried(draft.head, draft.from.head, firstHead) : (draft?.head ?? firstHead)));
  const [active, setActive] = useState<string | undefined>(rows[0]?.key);
  const [tried, setTried] = useState(false);
  const [changed, setChanged] = useState(false);
  const [engine, setEngine] = useState({ rows: NO_ISSUES, head: NO_HEAD });
  const grid = useRef<GridHandle<DespatchField>>(null);
  const screen = useRef<HTMLElement>(null);
  const id = change?.detail.row.id;
  const save = useIssue(id);
  const content = useMemo<Content>(() => ({ rows, head, from: begun }), [rows, head, begun]);
  const { settle } = useDraft(draftKey, version, content, changed);

  const own = useMemo(() => despatchIssues(rows), [rows]);
  const ownHead = useMemo(() => despatchHeadIssues(head), [head]);
  const issues = useMemo(() => merged(own, engine.rows), [own, engine]);
  const shownHead = useMemo(() => (tried ? new Map([...ownHead, ...engine.head]) : NO_HEAD), [tried, ownHead, engine]);
  const nothing = !leavesAnything(rows);
  const sent = rows.filter(isSent);
  const lines = new Set(rows.map((row) => row.source.orderLineId)).size;
  const partly = sent.filter((row) => isLast(rows, row) && row.outstanding.trim() !== "0" && (row.outstanding.trim() !== "" || restOf(rows, row) !== "0")).length;
  const current = rows.find((row) => row.key === active) ?? rows[0];

  useEffect(() => {
    const row = rows[0];
    if (change && row) grid.current?.focus(row.key, "delivered");
    else screen.current?.querySelector<HTMLElement>("[data-testid=head-number]")?.focus();
    // Once, when the screen opens.
  }, []); // eslint-disable-line react-hooks/exhaustive-deps

  const touch = () => {
    setChanged(true);
    setEngine({ rows: NO_ISSUES, head: NO_HEAD });
    save.reset();
  };
  const alter = (next: DespatchRow[]) => {
    touch();
    setRows(next);
  };
  /** The draft goes, or stays as long as there is a header in it. */
  const startAgain = (kept: DespatchHead) => {
    const typed = (Object.keys(kept) as DespatchHeadField[]).some((field) => kept[field] !== begun.head[field]);
    if (!typed) {
      settle();
      setDraft(undefined);
    }
    setChanged(typed);
    setTried(false);
    save.reset();
    setEngine({ rows: NO_ISSUES, head: NO_HEAD });
    setRows(begun.rows);
    setHead(kept);
  };
  const discard = () => startAgain(begun.head);
  const again = () => (change ? discard() : startAgain(head));
  const none = () => {
    alter(rows.filter((row) => row.part === 0).map((row) => ({ ...row, delivered: "", outstanding: "", batch: "" })));
    if (rows[0]) grid.current?.focus(rows[0].key, "delivered");
  };
  const batch = () => {
    if (!current) return;
    const next = addBatch(rows, current.key);
    alter(next.rows);
    grid.current?.focus(next.key, "delivered");
  };
  const drop = () => {
    if (!current) return;
    const at = rows.indexOf(current);
    const next = removeRow(rows, current.key);
    alter(next);
    const to = next[Math.min(at + (current.part > 0 ? 0 : 1), next.length - 1)];
    if (to) grid.current?.focus(to.key, "delivered");
  };
  const showFirst = (found: DespatchIssues, heads: ReadonlyMap<DespatchHeadField, string>) => {
    const row = rows.find((one) => found.has(one.key));
    const issue = row ? found.get(row.key)?.[0] : undefined;
    if (heads.size === 0 && row && issue) return grid.current?.focus(row.key, issue.field);
    requestAnimationFrame(() => screen.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus());
  };
  const submit = () => {
    setTried(true);
    if (save.isPending || !possible) return;
    if (own.size > 0 || ownHead.size > 0 || nothing) return showFirst(own, ownHead);
    const document = buildNote(parties, head, rows);
    save.mutate(change && id !== undefined ? { id, version: change.seen, document } : { partner, kind: "DespatchAdvice", document }, {
      onSuccess: (operation) => {
        settle();
        toastSaved(operation);
        go(openDocument(operation.document), "replace");
      },
      onError: (problem) => {
        const found = despatchIssuesOfEngine(rows, problemsOf(problem));
        const heads = despatchHeadIssuesOfEngine(found.rest);
        setEngine({ rows: found.rows, head: heads });
        showFirst(found.rows, heads);
      },
    });
  };
  const group = text.groups.document;
  const againTitle = change ? text.issue.startAgain : text.issue.allOpen;
  const line = (lid: string, key: string, name: string, run: () => void) => ({ id: lid, key, title: name, group: text.groups.line, run, disabled: !current });
  useActions([
    { id: "back", key: "Escape", title: text.document.backTo, group, run: () => go(back, "replace") },
    { id: "save", key: "Ctrl+Enter", title: text.issue.saveNote, group, run: submit },
    { id: "all-open", key: "Alt+A", title: againTitle, group, run: again },
    { id: "nothing", key: "Alt+N", title: text.issue.nothing, group, run: none },
    { id: "first-problem", key: "F8", title: text.answer.firstProblem, group, run: () => showFirst(issues, ownHead), disabled: issues.size + ownHead.size === 0 },
    line("row-batch", "Alt+S", text.issue.addBatch, batch),
    line("row-drop", "Alt+X", text.issue.dropRow, drop),
  ]);
  const problems = tried ? countIssues(issues) + shownHead.size : 0;

  return (
    <section ref={screen} className="screen" aria-label={title} data-testid="issue-despatch" data-version={version}>
      <ScreenHead title={title} caption={caption} back={back} />
      {draft ? (
        <div className="banners">
          <Bar tone="info" actions={<Button small onPress={discard}>{text.answer.draftDiscard}</Button>} testId="draft-bar">
            {text.answer.draftRestored}
          </Bar>
        </div>
      ) : null}
      {save.error && save.error.code !== "answer.superseded" ? (
        <div className="banners">
          <Refused problem={save.error} document={id} lines={save.variables?.document.lines.map((line) => line.id)} onClose={() => save.reset()} />
        </div>
      ) : null}
      {change ? <NotNow detail={change.detail} seen={change.seen} /> : null}
      <HeadFields
        cells={change ? cells.filter((cell) => cell.field !== "number") : cells}
        values={head}
        before={change ? begun.head : undefined}
        issues={shownHead}
        onChange={(field, value) => {
          touch();
          setHead({ ...head, [field]: value });
        }}
      />
      <div className="toolbar" role="toolbar" aria-label={text.groups.line}>
        <Button small onPress={again} hint="Alt+A" data-testid="all-open">{againTitle}</Button>
        <Button small onPress={none} hint="Alt+N" data-testid="nothing">{text.issue.nothing}</Button>
        <span className="toolbar-gap" />
        <span className="caption soft">{current ? text.document.lineNo(current.source.orderLineId) : ""}</span>
        <Button small icon="split" isDisabled={!current} onPress={batch} hint="Alt+S" data-testid="row-batch">{text.issue.addBatch}</Button>
        <Button small isDisabled={!current} onPress={drop} hint="Alt+X" data-testid="row-drop">{text.issue.dropRow}</Button>
      </div>
      <DespatchGrid
        ref={grid}
        ofOrder={!change}
        rows={rows}
        issues={tried || engine.rows.size > 0 ? issues : NO_ISSUES}
        active={current?.key}
        onActive={setActive}
        onCell={(key, field, value) => alter(setCell(rows, key, field, value))}
      />
      <footer className="answer-foot">
        <div className="answer-summary issue-summary" data-testid="issue-summary" data-lines={sent.length} data-partly={partly}>
          <span className={problems > 0 || (tried && nothing) ? "late" : "soft"} role="status">
            {problems > 0
              ? text.answer.problems(problems)
              : nothing
                ? rows.every((row) => row.open === "0")
                  ? text.issue.allLeft
                  : text.issue.nothingLeaves
                : [text.issue.onNote(new Set(sent.map((row) => row.source.orderLineId)).size, lines), ...(partly > 0 ? [text.issue.partly(partly)] : [])].join(", ")}
          </span>
          <span className="grow" />
          <Button look="accent" icon="send" onPress={submit} isDisabled={save.isPending || !possible} hint="Ctrl+Enter" data-testid="issue-submit">
            {text.issue.saveNote}
          </Button>
        </div>
      </footer>
    </section>
  );
}
