import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import type { DocumentFilter } from "../../api/client";
import type { ChainState, DocumentKind, DocumentRow, DocumentView } from "../../api/types";
import { type Action, useActions } from "../../app/actions";
import { go, openDocument } from "../../app/router";
import { Button, Empty, Select } from "../../components/controls";
import { VirtualGrid } from "../../components/VirtualGrid";
import { ErrorPanel } from "../../errors/ErrorPanel";
import { text } from "../../texts/en";
import { chainStateName, kindName } from "../../texts/names";
import { useBuyers } from "../issue/data";
import { usePartnerNames } from "../partners/names";
import { worklistColumns } from "./columns";
import { activeRow, placeOf, remember, rowId, useDocuments } from "./memory";

const titles: Record<DocumentView, string> = {
  needsAnswer: text.nav.needsAnswer,
  inDelivery: text.nav.inDelivery,
  all: text.nav.all,
};

/** Row height is a token, so that it follows the window's width. */
export function rowHeight(token: "--row" | "--row-dense" = "--row"): number {
  return Number.parseInt(getComputedStyle(document.documentElement).getPropertyValue(token), 10) || 40;
}

/** Offered among the states: which of them needs a second look. */
const DOUBTFUL = "doubtful";

/** Typing pauses this long before the engine is asked. */
const TYPING_MS = 120;

/** What was typed, once the typing pauses; cleared at once. */
function useSettled(typed: string | undefined): string | undefined {
  const [settled, setSettled] = useState(typed);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(typed), TYPING_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  return typed === undefined ? undefined : settled;
}

export function WorkList({ view }: { view: DocumentView }) {
  const place = placeOf(view);
  const [filter, setFilterState] = useState<DocumentFilter>(place.filter);
  const [active, setActiveState] = useState<number | undefined>(place.active);
  const settled = useSettled(filter.q);
  const documents = useDocuments({ ...filter, q: settled });
  const { rows, hasMore, loadMore, trim } = documents;
  const partners = usePartnerNames();
  const columns = useMemo(() => worklistColumns(partners.name), [partners]);
  const buyers = useBuyers().list;
  const search = useRef<HTMLInputElement>(null);

  const setFilter = (change: Partial<DocumentFilter>) => {
    const next = { ...filter, ...change };
    setFilterState(next);
    remember(view, { filter: next });
  };
  const setActive = useCallback(
    (id: string | number) => {
      setActiveState(Number(id));
      remember(view, { active: Number(id), index: rows.findIndex((row) => row.id === id) });
    },
    [view, rows],
  );

  // The active row follows its document; when that leaves the list, the next one takes its place.
  const current = activeRow(rows, { active, index: place.index });
  useEffect(() => {
    if (!current) return;
    remember(view, { active: current.id, index: rows.indexOf(current) });
    if (current.id !== active) setActiveState(current.id);
  }, [current, active, rows, view]);

  const open = (row: DocumentRow | undefined) => row && go(openDocument(row.id));
  const step = (by: number) => {
    const row = rows[Math.max(0, Math.min(rows.length - 1, (current ? rows.indexOf(current) : -1) + by))];
    if (row) setActive(row.id);
  };
  const clear = () => setFilter({ partner: undefined, kind: undefined, state: undefined, doubtful: undefined, q: undefined });
  const filtered = Boolean(filter.partner ?? filter.kind ?? filter.state ?? filter.doubtful ?? (filter.q || undefined));

  const actions: Action[] = [
    { id: "list-open", key: "Enter", title: text.actions.open, group: text.groups.list, run: () => open(current), disabled: !current },
    { id: "list-down", key: "j", title: text.actions.down, group: text.groups.list, run: () => step(1), repeats: true },
    { id: "list-up", key: "k", title: text.actions.up, group: text.groups.list, run: () => step(-1), repeats: true },
    { id: "list-search", key: "/", title: text.actions.search, group: text.groups.list, run: () => search.current?.focus() },
    ...(
      [
        ["partner", "f p", text.actions.filterPartner],
        ["kind", "f k", text.actions.filterKind],
        ["state", "f s", text.actions.filterState],
      ] as const
    ).map(([field, key, title]) => ({
      id: `list-${field}`,
      key,
      title,
      group: text.groups.list,
      run: () => document.querySelector<HTMLElement>(`[data-testid=filter-${field}]`)?.focus(),
    })),
    { id: "list-clear", key: "x", title: text.list.clear, group: text.groups.list, run: clear, disabled: !filtered },
  ];
  useActions(actions);

  return (
    <section className="screen" aria-label={titles[view]}>
      <header className="screen-head">
        <h1>{titles[view]}</h1>
        <input
          ref={search}
          className="input list-search"
          type="search"
          placeholder={text.list.search}
          aria-label={text.list.search}
          aria-keyshortcuts="/"
          value={filter.q ?? ""}
          onChange={(event) => setFilter({ q: event.target.value || undefined })}
          onKeyDown={(event) => {
            if (event.key === "Escape") {
              event.preventDefault();
              setFilter({ q: undefined });
              document.querySelector<HTMLElement>("[data-testid=worklist]")?.focus();
            } else if (event.key === "ArrowDown" || event.key === "Enter") {
              event.preventDefault();
              document.querySelector<HTMLElement>("[data-testid=worklist]")?.focus();
            }
          }}
          data-testid="search"
        />
        <div className="grow" />
        {buyers && buyers.length > 0 ? (
          <Button icon="plus" aria-keyshortcuts="g o" onPress={() => go({ name: "newOrder", from: undefined })} data-testid="new-order-open">
            {text.issue.newOrder}
          </Button>
        ) : null}
        <div className="list-filter">
          <Select
            aria-label={text.list.partner}
            value={filter.partner ?? ""}
            onChange={(value) => setFilter({ partner: value || undefined })}
            options={[{ value: "", label: text.list.anyPartner }, ...partners.list]}
            testId="filter-partner"
          />
        </div>
        <div className="list-filter">
          <Select
            aria-label={text.list.kind}
            value={filter.kind ?? ""}
            onChange={(value) => setFilter({ kind: (value || undefined) as DocumentKind | undefined })}
            options={[
              { value: "", label: text.list.anyKind },
              ...Object.entries(kindName).map(([value, label]) => ({ value, label })),
            ]}
            testId="filter-kind"
          />
        </div>
        <div className="list-filter">
          <Select
            aria-label={text.list.state}
            value={filter.doubtful ? DOUBTFUL : (filter.state ?? "")}
            onChange={(value) =>
              setFilter(value === DOUBTFUL ? { state: undefined, doubtful: true } : { state: (value || undefined) as ChainState | undefined, doubtful: undefined })
            }
            options={[
              { value: "", label: text.list.anyState },
              ...Object.entries(chainStateName).map(([value, label]) => ({ value, label })),
              { value: DOUBTFUL, label: text.list.doubtful },
            ]}
            testId="filter-state"
          />
        </div>
        <Button icon="cross" look="subtle" aria-label={text.list.clear} isDisabled={!filtered} onPress={clear} />
      </header>
      {documents.error ? (
        <ErrorPanel error={documents.error} onRetry={documents.retry} />
      ) : rows.length === 0 && !documents.loading ? (
        <div className="grow" data-testid="worklist">
          <EmptyList view={view} filtered={filtered} onClear={clear} />
        </div>
      ) : (
        <VirtualGrid
          label={titles[view]}
          className="worklist-grid"
          columns={columns}
          rows={rows}
          rowId={rowId}
          rowHeight={rowHeight()}
          active={current?.id}
          onActive={setActive}
          onOpen={open}
          onSeen={trim}
          onEnd={loadMore}
          autoFocus
          rowTestId="document-row"
          rowData={(row) => ({
            "data-number": row.number,
            "data-id": row.id,
            "data-state": row.state,
            "data-delivery": row.operation?.state,
          })}
          testId="worklist"
        />
      )}
      <footer className="grid-foot">
        <span>{documents.loading ? text.loading : text.list.rows(rows.length, hasMore)}</span>
        <span className="grow" />
        <span>
          <kbd>j</kbd> <kbd>k</kbd> {text.hints.move} <kbd>Enter</kbd> {text.hints.open} <kbd>/</kbd> {text.hints.search} <kbd>?</kbd> {text.hints.keys}
        </span>
      </footer>
    </section>
  );
}

function EmptyList({ view, filtered, onClear }: { view: DocumentView; filtered: boolean; onClear: () => void }) {
  if (filtered) {
    return (
      <Empty icon="search" title={text.empty.filtered} hint={text.empty.filteredHint}>
        <Button onPress={onClear} hint="x">
          {text.list.clear}
        </Button>
      </Empty>
    );
  }
  const icon = { needsAnswer: "check", inDelivery: "send", all: "list" } as const;
  return <Empty icon={icon[view]} title={text.empty[view]} hint={text.empty[`${view}Hint`]} />;
}
