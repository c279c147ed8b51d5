import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import { api, payloadText } from "../../api/client";
import { keys } from "../../api/live";
import type { QuarantineRow, QuarantineState } from "../../api/types";
import { useActions } from "../../app/actions";
import { toastDone, toastError } from "../../app/toasts";
import { useActiveRow } from "../../components/active";
import { Badge, Button, Clip, Empty, Select } from "../../components/controls";
import { Dialog } from "../../components/Dialog";
import { lineOf, pretty } from "../../components/payload";
import { usePages } from "../../components/pages";
import { type Column, VirtualGrid } from "../../components/VirtualGrid";
import { ErrorPanel } from "../../errors/ErrorPanel";
import { text } from "../../texts/en";
import { kindName, quarantineStateName } from "../../texts/names";
import { formatMoment } from "../../texts/format";
import { usePartnerNames } from "../partners/names";
import { rowHeight } from "../worklist/WorkList";


const filters: { state: QuarantineState | undefined; name: string; key: string }[] = [
  { state: "Open", name: text.quarantine.open, key: "1" },
  { state: "Resolved", name: text.quarantine.resolved, key: "2" },
  { state: "Dismissed", name: text.quarantine.dismissed, key: "3" },
  { state: undefined, name: text.quarantine.every, key: "4" },
];

const rowId = (row: QuarantineRow) => row.id;

function columns(partnerName: (id: string) => string): Column<QuarantineRow>[] {
  return [
    {
      id: "number",
      header: text.quarantine.number,
      cell: (row) => (
        <div className="stack">
          <Clip text={row.number ?? text.quarantine.noNumber} className={row.number ? "strong" : "soft"} />
          <Clip text={`${kindName[row.kind]} · ${partnerName(row.partner)}`} className="caption soft" />
        </div>
      ),
    },
    {
      id: "problems",
      header: text.quarantine.problems,
      cell: (row) => (
        <div className="stack">
          <Clip text={row.problems[0]?.message ?? text.none} />
          <span className="caption soft clip">
            {[
              text.quarantine.stages[row.stage] ?? row.stage,
              row.problems.length > 1 ? text.quarantine.more(row.problems.length - 1) : "",
              row.seen > 1 ? text.quarantine.seen(row.seen) : "",
              row.state === "Open" ? "" : quarantineStateName[row.state],
            ]
              .filter(Boolean)
              .join(" · ")}
          </span>
        </div>
      ),
    },
    { id: "received", header: text.quarantine.received, cell: (row) => <span className="caption two-lines">{formatMoment(row.receivedAt)}</span> },
  ];
}

export default function QuarantineScreen({ id }: { id: number | undefined }) {
  const [state, setState] = useState<QuarantineState | undefined>("Open");
  const [partner, setPartner] = useState<string | undefined>();
  // The row that was asked about: another may be the active one by the time of the answer.
  const [dismissing, setDismissing] = useState<QuarantineRow | undefined>();
  const client = useQueryClient();
  const filter = { state, partner };
  const list = usePages([...keys.quarantine, filter], (cursor) => api.quarantine(filter, cursor), rowId);
  const { rows } = list;
  const partners = usePartnerNames();
  const shownColumns = useMemo(() => columns(partners.name), [partners]);
  const { current, setActive, step } = useActiveRow(list, rowId, JSON.stringify(filter), id);
  const settled = () => {
    void client.invalidateQueries({ queryKey: keys.quarantine });
    void client.invalidateQueries({ queryKey: keys.counters });
    void client.invalidateQueries({ queryKey: keys.documents });
  };
  const retry = useMutation({
    mutationFn: (row: QuarantineRow) => api.retryQuarantine(row.id),
    onSuccess: (row) => toastDone(row.state === "Resolved" ? text.quarantine.retried : text.quarantine.stillWrong, row.problems[0]?.message),
    onError: toastError,
    onSettled: settled,
  });
  const dismiss = useMutation({
    mutationFn: (row: QuarantineRow) => api.dismissQuarantine(row.id),
    onError: toastError,
    onSettled: settled,
  });
  const retryAll = useMutation({
    mutationFn: (partner: string) => api.retryAllQuarantine(partner),
    onSuccess: (rerun) => toastDone(text.quarantine.rerun(rerun.resolved, rerun.stillWrong, rerun.more)),
    onError: toastError,
    onSettled: settled,
  });
  const open = current?.state === "Open";
  const action = (name: string, key: string, title: string, run: () => void, disabled = false) => ({
    id: `quarantine-${name}`,
    key,
    title,
    group: text.groups.quarantine,
    run,
    disabled,
  });
  useActions([
    ...filters.map((one) => action(`filter-${one.key}`, one.key, one.name, () => setState(one.state))),
    { ...action("down", "j", text.actions.down, () => step(1)), repeats: true },
    { ...action("up", "k", text.actions.up, () => step(-1)), repeats: true },
    action("retry", "r", text.quarantine.retry, () => current && retry.mutate(current), !open),
    action("retry-all", "Shift+R", text.quarantine.retryAll, () => current && retryAll.mutate(current.partner), !open || retryAll.isPending),
    action("dismiss", "d", text.quarantine.dismiss, () => setDismissing(current), !open),
  ]);

  return (
    <section className="screen" aria-label={text.quarantine.title} data-testid="quarantine">
      <header className="screen-head">
        <h1>{text.quarantine.title}</h1>
        <div className="segments" role="group" aria-label={text.list.state}>
          {filters.map((one) => (
            <button key={one.name} type="button" className="segment" aria-pressed={state === one.state} onClick={() => setState(one.state)}>
              {one.name}
            </button>
          ))}
        </div>
        <span className="grow" />
        <Button small icon="sync" isDisabled={!open || retryAll.isPending} onPress={() => current && retryAll.mutate(current.partner)} hint="Shift+R" data-testid="quarantine-retry-all">
          {current && open ? text.quarantine.retryAllOf(partners.name(current.partner)) : text.quarantine.retryAll}
        </Button>
        <div className="list-filter">
          <Select aria-label={text.list.partner} value={partner ?? ""} onChange={(value) => setPartner(value || undefined)} options={[{ value: "", label: text.list.anyPartner }, ...partners.list]} />
        </div>
      </header>
      {list.error ? (
        <ErrorPanel error={list.error} onRetry={list.retry} />
      ) : rows.length === 0 && !list.loading ? (
        <Empty icon="check" title={text.empty.quarantine} hint={text.empty.quarantineHint} />
      ) : (
        <div className="split">
          <VirtualGrid
            label={text.quarantine.title}
            className="quarantine-grid"
            columns={shownColumns}
            rows={rows}
            rowId={rowId}
            rowHeight={rowHeight()}
            active={current?.id}
            onActive={setActive}
            onSeen={list.trim}
            onEnd={list.loadMore}
            autoFocus
            rowTestId="quarantine-row"
            rowData={(row) => ({ "data-id": row.id, "data-state": row.state })}
            testId="quarantine-list"
          />
          {current ? (
            <Inspector
              key={current.id}
              row={current}
              busy={retry.isPending || dismiss.isPending}
              onRetry={() => retry.mutate(current)}
              onDismiss={() => setDismissing(current)}
            />
          ) : null}
        </div>
      )}
      {dismissing ? (
        <Dialog
          title={text.quarantine.dismissTitle}
          alert
          onClose={() => setDismissing(undefined)}
          testId="dismiss-dialog"
          buttons={
            <>
              <Button onPress={() => setDismissing(undefined)}>{text.cancel}</Button>
              <Button
                look="accent"
                autoFocus
                onPress={() => {
                  dismiss.mutate(dismissing);
                  setDismissing(undefined);
                }}
                data-testid="dismiss-confirm"
              >
                {text.quarantine.dismiss}
              </Button>
            </>
          }
        >
          <p className="strong" data-testid="dismiss-row">
            {[dismissing.number ?? text.quarantine.noNumber, kindName[dismissing.kind], partners.name(dismissing.partner), formatMoment(dismissing.receivedAt)].join(" · ")}
          </p>
          <p>{text.quarantine.dismissBody}</p>
        </Dialog>
      ) : null}
    </section>
  );
}

interface InspectorProps {
  row: QuarantineRow;
  busy: boolean;
  onRetry: () => void;
  onDismiss: () => void;
}

/** What is wrong beside the payload; the line that a problem points at is marked and brought into sight. */
function Inspector({ row, busy, onRetry, onDismiss }: InspectorProps) {
  const [chosen, setChosen] = useState(0);
  const path = `/quarantine/${row.id}/payload`;
  const payload = useQuery({ queryKey: [...keys.quarantine, "payload", row.id], queryFn: () => payloadText(path), staleTime: Infinity });
  const shown = useMemo(() => (payload.data ? pretty(payload.data.text) : undefined), [payload.data]);
  const problem = row.problems[chosen];
  const marked = useMemo(
    () => new Set(shown ? row.problems.map((one) => lineOf(shown, one.pointer)).filter((one) => one !== undefined) : []),
    [shown, row.problems],
  );
  const line = shown && problem ? lineOf(shown, problem.pointer) : undefined;
  useActions([
    {
      id: "quarantine-problem",
      key: "n",
      title: text.actions.nextProblem,
      group: text.groups.quarantine,
      run: () => setChosen((chosen + 1) % Math.max(1, row.problems.length)),
      disabled: row.problems.length < 2,
    },
  ]);
  const scroller = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = scroller.current?.querySelector("[data-chosen=true]");
    element?.scrollIntoView?.({ block: "center" });
  }, [line, shown]);

  return (
    <aside className="inspector">
      <div className="inspector-head">
        <div className="stack grow">
          <Clip text={row.number ?? text.quarantine.noNumber} className="strong" />
          <span className="caption soft">{text.quarantine.stageHints[row.stage] ?? row.stage} {text.quarantine.runs(row.runs)}</span>
        </div>
        {row.state === "Open" ? (
          <>
            <Button small isDisabled={busy} onPress={onDismiss} hint="d" data-testid="quarantine-dismiss">{text.quarantine.dismiss}</Button>
            <Button small look="accent" icon="sync" isDisabled={busy} onPress={onRetry} hint="r" data-testid="quarantine-retry">{text.quarantine.retry}</Button>
          </>
        ) : (
          <Badge>{quarantineStateName[row.state]}</Badge>
        )}
      </div>
      <ol className="problems" aria-label={text.quarantine.problems}>
        {row.problems.map((one, at) => (
          <li key={`${one.pointer}-${at}`}>
            <button type="button" className="problem" aria-pressed={at === chosen} onClick={() => setChosen(at)} data-testid="problem" data-pointer={one.pointer}>
              <span className="mono clip" title={one.pointer}>{one.pointer || text.quarantine.whole}</span>
              <span>{one.message}</span>
            </button>
          </li>
        ))}
      </ol>
      {payload.error ? (
        <ErrorPanel error={payload.error} onRetry={() => void payload.refetch()} />
      ) : (
        <div ref={scroller} className="payload mono payload-lines" tabIndex={0} role="region" aria-label={text.quarantine.payload} data-testid="payload">
          {shown?.lines.map((content, at) => (
            <div key={at} className={marked.has(at) ? "payload-line payload-marked" : "payload-line"} data-chosen={at === line}>
              <span className="payload-number">{at + 1}</span>
              <span>{content}</span>
            </div>
          )) ?? text.loading}
        </div>
      )}
    </aside>
  );
}
