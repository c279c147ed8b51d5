import { useEffect, useMemo, useRef, useState } from "react";
import type { DocumentDetail, Order } from "../../api/types";
import { useActions } from "../../app/actions";
import { go, openDocument, type Route } from "../../app/router";
import { toastSaved } from "../../app/toasts";
import { carried, countIssues, merged } from "../../components/cells";
import { Bar, Button, Field, Select } from "../../components/controls";
import type { GridHandle } from "../../components/EditGrid";
import { text } from "../../texts/en";
import { diffCounts } from "../../texts/names";
import { formatMinor } from "../../texts/format";
import { type DraftKey, loadDraft, useDraft } from "../answer/draft";
import { Refused } from "../answer/Refused";
import { problemsOf } from "../answer/save";
import { useIssue } from "./act";
import { type HeadCell, HeadFields } from "./HeadFields";
import { type HeadField, headChanges, headIssues, headIssuesOfEngine, type HeadIssues, headOf, type OrderHead, withHead } from "./head";
import {
  addLine,
  buildOrder,
  carryOver,
  changesOf,
  type OrderField,
  type OrderIssues,
  type OrderRow,
  issuesOfEngine,
  orderIssues,
  resetRow,
  rowsOf,
  setCell,
  takeValues,
  toggleItem,
  toggleRemoved,
} from "./order";
import { OrderGrid } from "./OrderGrid";
import { NotNow, ScreenHead } from "./parts";
import { useQuantities } from "./data";

export interface OrderContent {
  rows: OrderRow[];
  head: OrderHead;
  partner: string;
  /** What it began with, so that a draft needs no file and no other document any more. */
  start: Order;
}

interface Props {
  title: string;
  draftKey: DraftKey;
  /** What the order begins with: the version that the partner has, or what is copied. */
  start: Order;
  /** A change of this document, made in view of its version `seen`; a new order without. */
  change?: { detail: DocumentDetail; seen: number; base: number; counter?: Order | undefined } | undefined;
  /** Who may be sent a new order. */
  partners: readonly { value: string; label: string }[];
  partner: string;
  onStartAgain: () => void;
  back: Route;
}

const NO_ISSUES: OrderIssues = new Map();
const NO_HEAD: HeadIssues = new Map();

const shared: HeadCell<HeadField>[] = [
  { field: "requested", label: text.document.requested, placeholder: "+14", width: "days" },
  { field: "deliveryTerms", label: text.document.deliveryTerms },
  { field: "paymentTerms", label: text.document.payment },
  { field: "shipName", label: text.document.shipTo },
  { field: "shipStreet", label: text.issue.street },
  { field: "shipPostal", label: text.issue.postalCode, width: "narrow" },
  { field: "shipCity", label: text.issue.city },
  { field: "shipCountry", label: text.issue.country, placeholder: "DE", width: "narrow" },
  { field: "notes", label: text.document.notes, width: "wide" },
];
const ofNew: HeadCell<HeadField>[] = [
  { field: "number", label: text.issue.number },
  { field: "currency", label: text.document.currency, width: "narrow" },
  { field: "buyer", label: text.document.buyer },
  { field: "seller", label: text.document.seller },
  ...shared,
];

export function OrderForm({ title, draftKey, start, change, partners, partner: chosen, onStartAgain, back }: Props) {
  const id = change?.detail.row.id;
  const version = change?.base ?? 0;
  const [draft, setDraft] = useState(() => loadDraft<OrderContent>(draftKey)?.content);
  const [rows, setRows] = useState<OrderRow[]>(() => {
    if (!draft) return rowsOf(start, !change);
    return change ? carryOver(draft.rows, start) : draft.rows;
  });
  const [head, setHead] = useState<OrderHead>(() => (draft ? carried(draft.head, headOf(draft.start), headOf(start)) : headOf(start)));
  const [partner, setPartner] = useState(draft?.partner ?? chosen);
  const [active, setActive] = useState<string | undefined>(rows[0]?.key);
  const [tried, setTried] = useState(false);
  const [changed, setChanged] = useState(false);
  const [engine, setEngine] = useState({ rows: NO_ISSUES, head: NO_HEAD });
  const grid = useRef<GridHandle<OrderField>>(null);
  const screen = useRef<HTMLElement>(null);
  const save = useIssue(id);
  const delivered = useQuantities(id).data;

  const content = useMemo<OrderContent>(() => ({ rows, head, partner, start }), [rows, head, partner, start]);
  const { settle } = useDraft(draftKey, version, content, changed);

  const order = useMemo(() => withHead(start, head), [start, head]);
  const own = useMemo(() => orderIssues(order, rows, delivered ?? []), [order, rows, delivered]);
  const ownHead = useMemo(() => headIssues(start, head), [start, head]);
  const issues = useMemo(() => merged(own, engine.rows), [own, engine]);
  const shownHead = useMemo(() => (tried ? new Map([...ownHead, ...engine.head]) : NO_HEAD), [tried, ownHead, engine]);
  const changes = useMemo(() => changesOf(change ? start : undefined, order, rows), [change, start, order, rows]);
  const differing = useMemo(() => headChanges(start, head), [start, head]);
  const same = change !== undefined && differing.length === 0 && changes.changed + changes.added + changes.removed === 0;
  const current = rows.find((row) => row.key === active) ?? rows[0];
  const possible = !change || (change.detail.possible.includes("change") && change.detail.row.current === change.seen);

  useEffect(() => {
    const first = rows[0];
    if (change && first) grid.current?.focus(first.key, "quantity");
    else screen.current?.querySelector<HTMLElement>("[data-testid=head-number]")?.focus();
    // Once, when the screen opens.
  }, []); // eslint-disable-line react-hooks/exhaustive-deps

  const touch = () => {
    setChanged(true);
    setEngine({ rows: NO_ISSUES, head: NO_HEAD });
    save.reset();
  };
  const alter = (next: OrderRow[]) => {
    touch();
    setRows(next);
  };
  const onRow = (run: (row: OrderRow) => void) => () => current && run(current);
  const add = () => {
    const next = addLine(rows);
    alter(next.rows);
    grid.current?.focus(next.key, "itemId");
  };
  const remove = onRow((row) => {
    const at = rows.indexOf(row);
    const next = toggleRemoved(rows, row.key);
    alter(next);
    const to = next[Math.min(row.added || !row.removed ? at + (row.added ? 0 : 1) : at, next.length - 1)];
    if (to) grid.current?.focus(to.key, "quantity");
  });
  const item = onRow((row) => {
    alter(toggleItem(rows, row.key));
    grid.current?.focus(row.key, row.open ? "quantity" : "itemId");
  });
  const reset = onRow((row) => {
    alter(resetRow(rows, row.key));
    grid.current?.focus(row.key, "quantity");
  });
  const again = () => {
    settle();
    setDraft(undefined);
    setChanged(false);
    setTried(false);
    save.reset();
    setEngine({ rows: NO_ISSUES, head: NO_HEAD });
    if (!change) return onStartAgain();
    setRows(rowsOf(start, false));
    setHead(headOf(start));
  };
  const takeCounter = () => change?.counter && alter(takeValues(rows, change.counter));
  const showFirst = (found: OrderIssues) => {
    const first = rows.find((row) => found.has(row.key));
    const issue = first ? found.get(first.key)?.[0] : undefined;
    if (!first || !issue) {
      requestAnimationFrame(() => screen.current?.querySelector<HTMLElement>(".issue-head [aria-invalid=true]")?.focus());
      return;
    }
    if (first.added && !first.open && !["quantity", "price", "date"].includes(issue.field)) setRows(toggleItem(rows, first.key));
    grid.current?.focus(first.key, first.removed ? "quantity" : issue.field);
  };
  const submit = () => {
    setTried(true);
    if (save.isPending || !possible || same) return;
    if (own.size > 0 || ownHead.size > 0 || (!change && partner === "") || rows.length === 0) return showFirst(own);
    const document = buildOrder(order, rows);
    save.mutate(id === undefined || !change ? { partner, kind: "Order", document } : { id, version: change.seen, document }, {
      onSuccess: (operation) => {
        settle();
        toastSaved(operation);
        go(openDocument(operation.document), "replace");
      },
      onError: (problem) => {
        const found = issuesOfEngine(rows, problemsOf(problem));
        setEngine({ rows: found.rows, head: headIssuesOfEngine(found.rest) });
        showFirst(found.rows);
      },
    });
  };
  const onLine = (lid: string, key: string, name: string, run: () => void, disabled = false) => ({ id: lid, key, title: name, group: text.groups.line, run, disabled });
  const group = text.groups.document;
  const saveTitle = change ? text.issue.saveChange : text.issue.saveOrder;
  const asBefore = change ? text.issue.asPartnerHas : text.issue.asBefore;
  const removeTitle = current?.removed ? text.issue.restoreLine : text.issue.removeLine;
  useActions([
    { id: "back", key: "Escape", title: text.document.backTo, group, run: () => go(back, "replace") },
    { id: "save", key: "Ctrl+Enter", title: saveTitle, group, run: submit },
    { id: "start-again", key: "Alt+A", title: text.issue.startAgain, group, run: again },
    { id: "first-problem", key: "F8", title: text.answer.firstProblem, group, run: () => showFirst(issues), disabled: issues.size + ownHead.size === 0 },
    ...(change?.counter ? [{ id: "take-counter", key: "Alt+U", title: text.issue.takeCounter, group, run: takeCounter }] : []),
    onLine("row-add", "Alt+N", text.issue.addLine, add),
    onLine("row-remove", "Alt+X", removeTitle, remove, !current),
    onLine("row-item", "Alt+I", text.issue.item, item, !current?.added),
    onLine("row-reset", "Alt+O", asBefore, reset, !current),
  ]);
  const problems = tried ? countIssues(issues) + shownHead.size + (!change && partner === "" ? 1 : 0) : 0;

  return (
    <section ref={screen} className="screen" aria-label={title} data-testid="issue-order" data-version={version}>
      <ScreenHead title={title} caption={change ? (change.detail.row.counterparty ?? text.unknownParty) : ""} back={back} />
      {draft ? (
        <div className="banners">
          <Bar tone="info" actions={<Button small onPress={again}>{text.answer.draftDiscard}</Button>} testId="draft-bar">
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
        cells={change ? shared : ofNew}
        values={head}
        before={change ? headOf(start) : undefined}
        issues={shownHead}
        onChange={(field, value) => {
          touch();
          setHead({ ...head, [field]: value });
        }}
      >
        {change ? null : (
          <div>
            <Field label={text.issue.partner} error={tried && partner === "" ? text.validation.partnerNeeded : undefined}>
              <Select
                value={partner}
                onChange={(value) => {
                  touch();
                  setPartner(value);
                }}
                options={[...(partner === "" ? [{ value: "", label: text.issue.choosePartner }] : []), ...partners]}
                aria-invalid={tried && partner === ""}
                testId="head-partner"
              />
            </Field>
          </div>
        )}
      </HeadFields>
      <div className="toolbar" role="toolbar" aria-label={text.groups.line}>
        <Button small onPress={again} hint="Alt+A" data-testid="start-again">{text.issue.startAgain}</Button>
        {change?.counter ? <Button small onPress={takeCounter} hint="Alt+U" data-testid="take-counter">{text.issue.takeCounter}</Button> : null}
        <Button small icon="plus" onPress={add} hint="Alt+N" data-testid="row-add">{text.issue.addLine}</Button>
        <span className="toolbar-gap" />
        <span className="caption soft">{current ? text.document.lineNo(current.line) : ""}</span>
        <Button small isDisabled={!current} onPress={remove} hint="Alt+X" data-testid="row-remove">{removeTitle}</Button>
        {current?.added ? <Button small onPress={item} hint="Alt+I" data-testid="row-item">{text.issue.item}</Button> : null}
        <Button small isDisabled={!current} onPress={reset} hint="Alt+O" data-testid="row-reset">{asBefore}</Button>
      </div>
      <OrderGrid
        ref={grid}
        order={order}
        changes={change !== undefined}
        rows={rows}
        issues={tried || engine.rows.size > 0 ? issues : NO_ISSUES}
        live={own}
        active={current?.key}
        onActive={setActive}
        onCell={(key, field, value) => alter(setCell(rows, key, field, value))}
      />
      <footer className="answer-foot">
        <div className="answer-summary issue-summary" data-testid="issue-summary" data-changed={changes.changed} data-added={changes.added} data-removed={changes.removed}>
          <span className={problems > 0 ? "late" : "soft"} role="status">
            {problems > 0
              ? text.answer.problems(problems)
              : same
                ? text.issue.asItIs(version)
                : change
                  ? words(changes, differing)
                  : text.answer.summary(rows.length, "")}
          </span>
          <Amounts changes={changes} currency={order.currency} />
          <span className="grow" />
          <Button look="accent" icon="send" onPress={submit} isDisabled={save.isPending || !possible || same} hint="Ctrl+Enter" data-testid="issue-submit">
            {saveTitle}
          </Button>
        </div>
      </footer>
    </section>
  );
}

function words(changes: ReturnType<typeof changesOf>, differing: readonly HeadField[]): string {
  const names = new Set(differing.map((field) => (field.startsWith("ship") ? text.document.shipTo : (shared.find((one) => one.field === field)?.label ?? field))));
  const lines = [diffCounts.changed(changes.changed), diffCounts.added(changes.added), diffCounts.deleted(changes.removed)];
  return [...lines.filter((one) => one !== ""), ...names].join(", ");
}

function Amounts({ changes: { before, after }, currency }: { changes: ReturnType<typeof changesOf>; currency: string }) {
  if (after === undefined) return null;
  const difference = before === undefined ? 0n : after - before;
  return (
    <span className="clip" data-testid="issue-net">
      {text.document.net} {before !== undefined && difference !== 0n ? <><b className="number">{formatMinor(before, currency)}</b> → </> : null}
      <b className="number">{formatMinor(after, currency)}</b>
      {difference !== 0n ? (
        <span className={difference > 0n ? "soon" : "late"}>
          {" "}({difference > 0n ? "+" : ""}{formatMinor(difference, currency)})
        </span>
      ) : null}
    </span>
  );
}
