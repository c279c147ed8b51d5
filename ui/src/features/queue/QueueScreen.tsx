import { useMemo, useState } from "react";
import { api } from "../../api/client";
import { keys } from "../../api/live";
import type { DeliveryState, OperationKind, OperationRow } from "../../api/types";
import { useActions } from "../../app/actions";
import { go, openDocument } from "../../app/router";
import { toastDone } from "../../app/toasts";
import { useActiveRow } from "../../components/active";
import { Button, Clip, Empty, Select } from "../../components/controls";
import { usePages } from "../../components/pages";
import { DeliveryBadge } from "../../components/states";
import { type Column, VirtualGrid } from "../../components/VirtualGrid";
import { ErrorPanel } from "../../errors/ErrorPanel";
import { classify } from "../../errors/table";
import { text } from "../../texts/en";
import { actorName, kindName, operationName } from "../../texts/names";
import { formatInteger, formatMoment, formatSeconds } from "../../texts/format";
import { usePartnerNames } from "../partners/names";
import { rowHeight } from "../worklist/WorkList";
import { actsOf, type OperationAct, useOperationAct, useReplay } from "./OperationButtons";
import { OperationCard } from "./OperationCard";

type Lane = "attention" | "waiting" | "done" | "all";
const lanes: { id: Lane; name: string; key: string; states: DeliveryState[] }[] = [
  { id: "attention", name: text.queue.attention, key: "1", states: ["Dead", "Held", "Unknown"] },
  { id: "waiting", name: text.queue.waiting, key: "2", states: ["Queued", "Sending", "Retrying"] },
  { id: "done", name: text.queue.done, key: "3", states: ["Delivered", "Applied"] },
  { id: "all", name: text.queue.every, key: "4", states: [] },
];

const rowId = (row: OperationRow) => row.id;

/** What a selection of many sends again: dead letters only; the rest of it is left alone. */
export function replayable(rows: readonly OperationRow[], selected: ReadonlySet<string | number>): OperationRow[] {
  return rows.filter((row) => selected.has(row.id) && row.state === "Dead");
}

const kinds = Object.entries(operationName).map(([value, label]) => ({ value, label }));

/** The errors of the rows in sight, and the one that is chosen. */
export function errorsOf(rows: readonly OperationRow[], chosen: string | undefined) {
  const codes = new Set(rows.flatMap((row) => (row.lastError ? [row.lastError.code] : [])));
  if (chosen) codes.add(chosen);
  return [...codes].sort().map((code) => ({ value: code, label: classify(code).title }));
}

function columns(
  partnerName: (id: string) => string,
  selected: ReadonlySet<string | number>,
  toggle: (id: string) => void,
): Column<OperationRow>[] {
  return [
    {
      id: "select",
      header: text.queue.select,
      bare: true,
      cell: (row) => (
        <input
          type="checkbox"
          checked={selected.has(row.id)}
          disabled={row.state !== "Dead"}
          tabIndex={-1}
          onChange={() => toggle(row.id)}
          aria-label={`${text.queue.select} ${row.documentNumber}`}
          data-testid="operation-select"
        />
      ),
    },
    { id: "state", header: text.queue.state, cell: (row) => <DeliveryBadge state={row.state} /> },
    {
      id: "document",
      header: text.queue.document,
      cell: (row) => (
        <div className="stack">
          <Clip text={row.documentNumber} className="strong" />
          <span className="caption soft clip">{kindName[row.documentKind]}</span>
        </div>
      ),
    },
    { id: "partner", header: text.list.partner, cell: (row) => <Clip text={partnerName(row.partner)} /> },
    { id: "operation", header: text.queue.operation, cell: (row) => <Clip text={`${operationName[row.kind]} v${row.version}`} /> },
    { id: "attempts", header: text.queue.attempts, end: true, cell: (row) => formatInteger(row.attempts) },
    {
      id: "due",
      header: text.queue.due,
      cell: (row) =>
        row.dueAt && (row.state === "Retrying" || row.state === "Unknown") ? (
          <Clip text={formatSeconds(row.dueAt)} className="caption" />
        ) : (
          <span className="soft">{text.none}</span>
        ),
    },
    {
      id: "error",
      header: text.queue.error,
      cell: (row) =>
        row.lastError ? (
          <div className="stack">
            <Clip text={classify(row.lastError.code).title} />
            {row.lastError.message ? <Clip text={row.lastError.message} className="caption soft" /> : null}
          </div>
        ) : (
          <span className="soft">{text.none}</span>
        ),
    },
    {
      id: "created",
      header: text.queue.created,
      cell: (row) => (
        <div className="stack">
          <span className="caption clip">{formatMoment(row.createdAt)}</span>
          <Clip text={actorName(row.actor)} className="caption soft" />
        </div>
      ),
    },
  ];
}

export default function QueueScreen({ operation }: { operation: string | undefined }) {
  const [lane, setLaneState] = useState<Lane>("attention");
  const [partner, setPartner] = useState<string | undefined>();
  const [kind, setKind] = useState<OperationKind | undefined>();
  const [error, setError] = useState<string | undefined>();
  const [selected, setSelected] = useState<ReadonlySet<string | number>>(new Set());
  const states = lanes.find((one) => one.id === lane)?.states ?? [];
  const filter = { state: states, partner, kind, error };
  const operations = usePages([...keys.operations, filter], (cursor) => api.operations(filter, cursor), rowId);
  const { rows } = operations;
  const partners = usePartnerNames();
  const act = useOperationAct();
  const { current, setActive, step } = useActiveRow(operations, rowId, JSON.stringify(filter), operation);
  const replay = replayable(rows, selected);
  const dead = rows.some((row) => row.state === "Dead");
  const matching = useReplay();

  const setLane = (next: Lane) => {
    setLaneState(next);
    setSelected(new Set());
  };
  const toggle = (id: string) =>
    setSelected((old) => {
      const next = new Set(old);
      if (!next.delete(id)) next.add(id);
      return next;
    });
  const shownColumns = useMemo(() => columns(partners.name, selected, toggle), [partners, selected]);
  const run = (what: OperationAct) => current && actsOf(current.state).includes(what) && act.mutate({ id: current.id, act: what });
  const replaySelected = async () => {
    let done = 0;
    // One after the other: a refusal of one says so, and the others go on.
    for (const row of replay) {
      await act.mutateAsync({ id: row.id, act: "retry" }).then(
        () => (done += 1),
        () => undefined,
      );
    }
    setSelected(new Set());
    if (done > 0) toastDone(text.queue.replayed(done));
  };
  const all = () => setSelected(new Set(rows.filter((row) => row.state === "Dead").map(rowId)));
  const may = (what: OperationAct) => current !== undefined && actsOf(current.state).includes(what);

  const action = (id: string, key: string, title: string, go_: () => void, disabled = false) => ({ id, key, title, group: text.groups.queue, run: go_, disabled });
  useActions([
    ...lanes.map((one) => action(`lane-${one.id}`, one.key, one.name, () => setLane(one.id))),
    { ...action("queue-down", "j", text.actions.down, () => step(1)), repeats: true },
    { ...action("queue-up", "k", text.actions.up, () => step(-1)), repeats: true },
    action("queue-open", "Enter", text.queue.openDocument, () => current && go(openDocument(current.document)), !current),
    action("queue-retry", "r", text.delivery.replay, () => run("retry"), !may("retry")),
    action("queue-release", "Shift+S", text.answer.sendAnyway, () => run("release"), !may("release")),
    action("queue-withdraw", "w", text.answer.withdraw, () => run("withdraw"), !may("withdraw")),
    action("queue-select", "Space", text.queue.select, () => current && current.state === "Dead" && toggle(current.id), current?.state !== "Dead"),
    action("queue-all", "a", text.queue.selectAll, all),
    action("queue-replay", "Shift+R", text.queue.replaySelected, () => void replaySelected(), replay.length === 0),
  ]);

  return (
    <section className="screen" aria-label={text.queue.title} data-testid="queue">
      <header className="screen-head">
        <h1>{text.queue.title}</h1>
        <div className="segments" role="group" aria-label={text.queue.state}>
          {lanes.map((one) => (
            <button key={one.id} type="button" className="segment" aria-pressed={lane === one.id} onClick={() => setLane(one.id)} data-testid={`queue-${one.id}`}>
              {one.name}
            </button>
          ))}
        </div>
        <span className="grow" />
        {dead && replay.length === 0 ? (
          <Button icon="send" isDisabled={matching.isPending} onPress={() => matching.mutate({ partner, kind, error })} data-testid="replay-matching">
            {partner || kind || error ? text.queue.replayMatchingShown : text.queue.replayMatching}
          </Button>
        ) : null}
        {replay.length > 0 ? (
          <Button look="accent" icon="send" isDisabled={act.isPending} onPress={() => void replaySelected()} hint="Shift+R" data-testid="replay-selected">
            {text.queue.replaySelected} ({formatInteger(replay.length)})
          </Button>
        ) : null}
        <div className="list-filter">
          <Select
            aria-label={text.queue.error}
            value={error ?? ""}
            onChange={(value) => setError(value || undefined)}
            options={[{ value: "", label: text.queue.anyError }, ...errorsOf(rows, error)]}
          />
        </div>
        <div className="list-filter">
          <Select
            aria-label={text.queue.operation}
            value={kind ?? ""}
            onChange={(value) => setKind((value || undefined) as OperationKind | undefined)}
            options={[{ value: "", label: text.queue.anyKind }, ...kinds]}
          />
        </div>
        <div className="list-filter">
          <Select aria-label={text.list.partner} value={partner ?? ""} onChange={(value) => setPartner(value || undefined)} options={[{ value: "", label: text.list.anyPartner }, ...partners.list]} />
        </div>
      </header>
      {operations.error ? (
        <ErrorPanel error={operations.error} onRetry={operations.retry} />
      ) : rows.length === 0 && !operations.loading ? (
        <Empty icon="check" title={lane === "attention" ? text.empty.attention : text.empty.queue} hint={text.empty.queueHint} />
      ) : (
        <VirtualGrid
          label={text.queue.title}
          className="queue-grid"
          columns={shownColumns}
          rows={rows}
          rowId={rowId}
          rowHeight={rowHeight()}
          active={current?.id}
          onActive={setActive}
          onOpen={(row) => go(openDocument(row.document))}
          onSeen={operations.trim}
          onEnd={operations.loadMore}
          selected={selected}
          autoFocus
          rowTestId="operation-row"
          rowData={(row) => ({ "data-id": row.id, "data-state": row.state, "data-number": row.documentNumber })}
          testId="operations"
        />
      )}
      {current ? (
        <div className="detail-pane">
          <OperationCard key={current.id} operation={current} open named />
        </div>
      ) : null}
      <footer className="grid-foot">
        <span>{operations.loading ? text.loading : text.queue.rows(rows.length, operations.hasMore)}</span>
        {selected.size > 0 ? <span>{text.queue.selected(selected.size)}</span> : null}
      </footer>
    </section>
  );
}
