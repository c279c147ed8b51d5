import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { Tab as AriaTab, TabList, TabPanel, Tabs } from "react-aria-components";
import type { DocumentDetail } from "../../api/types";
import { useActions } from "../../app/actions";
import { go, openDocument, type Tab } from "../../app/router";
import { Badge, Bar, Button, Clip } from "../../components/controls";
import { ChainBadge, DeliveryBadge } from "../../components/states";
import { NEAR_END } from "../../components/VirtualGrid";
import { ErrorPanel } from "../../errors/ErrorPanel";
import { formatInteger } from "../../texts/format";
import { text } from "../../texts/en";
import { kindName } from "../../texts/names";
import { AnswerButtons } from "../answer/AnswerButtons";
import { Doubts } from "../answer/Doubts";
import { HeldBanner } from "../answer/HeldBanner";
import { IssueButtons } from "../issue/IssueButtons";
import { versionsText } from "../worklist/columns";
import { lastView, neighbours, placeOf, remember, useDocuments } from "../worklist/memory";
import { diffWords } from "./changes";
import { comparedWith, despatchOf, orderOf, prefetchDocument, useDiff, useDocument, useVersion } from "./data";
import { DeliveryTab } from "./DeliveryTab";
import { HistoryTab } from "./HistoryTab";
import { DespatchInfo, OrderInfo } from "./Info";
import { DespatchLines, OrderLines } from "./Lines";
import { PrintDialog } from "./PrintDialog";
import { VersionsTab } from "./VersionsTab";

const tabNames: { id: Tab; name: string; key: string }[] = [
  { id: "lines", name: text.document.lines, key: "1" },
  { id: "versions", name: text.document.changes, key: "2" },
  { id: "history", name: text.document.history, key: "3" },
  { id: "delivery", name: text.document.delivery, key: "4" },
];

/** Next and previous in the list that the document was opened from, and the way back. */
function useNeighbours(id: number, tab: Tab) {
  const view = lastView();
  const place = placeOf(view);
  const list = useDocuments(place.filter);
  const { previous, next, at } = neighbours(list.rows, id, place.index);
  const client = useQueryClient();
  useEffect(() => {
    if (next) prefetchDocument(client, next.id, next.current);
  }, [client, next]);
  useEffect(() => {
    if (at >= 0) remember(view, { active: id, index: at });
    // Before whoever steps fast comes to the end.
    if (at >= list.rows.length - NEAR_END && list.hasMore) list.loadMore();
  }, [at, id, view, list]);
  const to = (row: typeof next) => row && go({ name: "document", id: row.id, tab, version: undefined }, "replace");
  return {
    previous: previous ? () => to(previous) : undefined,
    next: next ? () => to(next) : undefined,
    position: at < 0 ? "" : text.document.position(at + 1, `${formatInteger(list.rows.length)}${list.hasMore ? "+" : ""}`),
    back: () => go({ name: "list", view }),
  };
}

export function DocumentScreen({ id, tab, version }: { id: number; tab: Tab; version: number | undefined }) {
  const detail = useDocument(id);
  const around = useNeighbours(id, tab);
  useActions([
    { id: "back", key: "Escape", title: text.document.back, group: text.groups.document, run: around.back },
    { id: "next", key: "j", title: text.document.next, group: text.groups.document, run: () => around.next?.(), disabled: !around.next },
    { id: "previous", key: "k", title: text.document.previous, group: text.groups.document, run: () => around.previous?.(), disabled: !around.previous },
  ]);
  if (detail.data) return <Loaded detail={detail.data} tab={tab} version={version} around={around} />;
  return (
    <section className="screen">
      <header className="screen-head">
        <Button icon="back" look="subtle" aria-label={text.document.back} onPress={around.back} data-testid="back" />
      </header>
      {detail.error ? <ErrorPanel error={detail.error} onRetry={() => void detail.refetch()} /> : <p className="screen-head soft">{text.loading}</p>}
    </section>
  );
}

interface LoadedProps {
  detail: DocumentDetail;
  tab: Tab;
  version: number | undefined;
  around: ReturnType<typeof useNeighbours>;
}

function Loaded({ detail, tab, version, around }: LoadedProps) {
  const { row } = detail;
  const id = row.id;
  const [printing, setPrinting] = useState<number | undefined>();
  const shown = version ?? row.current;
  const show = (next: Tab, number = version) => go({ name: "document", id, tab: next, version: number }, "replace");
  const newest = detail.operations[0];

  useActions([
    ...tabNames.map((one) => ({
      id: `tab-${one.id}`,
      key: one.key,
      title: one.name,
      group: text.groups.document,
      run: () => show(one.id),
    })),
    ...(shown === row.current
      ? []
      : [
          {
            id: "current",
            key: "v",
            title: text.document.backToCurrent,
            group: text.groups.document,
            run: () => go(openDocument(id), "replace"),
          },
        ]),
    { id: "print", key: "p", title: text.print.action, group: text.groups.document, run: () => setPrinting(id) },
  ]);

  return (
    <section className="screen" aria-label={row.number} data-testid="document" data-number={row.number} data-state={row.state}>
      <header className="screen-head document-head">
        <Button icon="back" look="subtle" aria-label={text.document.back} onPress={around.back} data-testid="back" />
        <div className="document-title">
          <div className="document-line">
            <h1 className="clip" title={row.number} data-testid="document-number">
              {row.number}
            </h1>
            <ChainBadge state={row.state} kind={row.kind} />
            {newest ? <DeliveryBadge state={newest.state} newest /> : null}
          </div>
          <div className="document-line caption soft">
            <span className="document-versions" data-testid="document-versions">
              {versionsText(row)}
            </span>
            <span className="clip" title={row.counterparty ?? undefined}>
              {kindName[row.kind]} · {row.counterparty ?? text.unknownParty}
            </span>
          </div>
        </div>
        <div className="document-acts">
          <AnswerButtons key={`answer ${id}`} detail={detail} />
          <IssueButtons key={`issue ${id}`} detail={detail} />
          <Button icon="print" onPress={() => setPrinting(id)} data-testid="print" aria-label={text.print.action} />
          <span className="document-step">
            <Button icon="up" look="subtle" aria-label={text.document.previous} isDisabled={!around.previous} onPress={() => around.previous?.()} data-testid="previous-document" />
            <Button icon="down" look="subtle" aria-label={text.document.next} isDisabled={!around.next} onPress={() => around.next?.()} data-testid="next-document" />
          </span>
        </div>
      </header>
      <Banners detail={detail} shown={shown} onCurrent={() => go(openDocument(id), "replace")} />
      <DocumentInfo id={id} number={shown} />
      <Tabs className="tabs" selectedKey={tab} onSelectionChange={(key) => show(key as Tab)}>
        <div className="tab-row">
          <TabList className="tab-list document-tabs" aria-label={row.number}>
            {tabNames.map((one) => (
              <AriaTab key={one.id} id={one.id} className="tab" data-testid={`tab-${one.id}`}>
                {one.name}
                {one.id === "lines" ? <Badge tone="outline">{formatInteger(row.lineCount)}</Badge> : null}
                {one.id === "versions" ? <Badge tone="outline">{formatInteger(detail.versions.length)}</Badge> : null}
                {one.id === "delivery" && detail.operations.length > 0 ? <Badge tone="outline">{formatInteger(detail.operations.length)}</Badge> : null}
              </AriaTab>
            ))}
          </TabList>
          <span className="caption soft document-position" data-testid="document-position">
            {around.position}
          </span>
        </div>
        <TabPanel id="lines" className="tab-panel">
          <LinesTab detail={detail} number={shown} />
        </TabPanel>
        <TabPanel id="versions" className="tab-panel">
          <VersionsTab key={id} detail={detail} onShow={(number) => show("lines", number)} />
        </TabPanel>
        <TabPanel id="history" className="tab-panel">
          <HistoryTab key={id} id={id} />
        </TabPanel>
        <TabPanel id="delivery" className="tab-panel">
          <DeliveryTab operations={detail.operations} />
        </TabPanel>
      </Tabs>
      {printing === id ? <PrintDialog detail={detail} version={shown} onClose={() => setPrinting(undefined)} /> : null}
    </section>
  );
}

function Banners({ detail, shown, onCurrent }: { detail: DocumentDetail; shown: number; onCurrent: () => void }) {
  const { row } = detail;
  return (
    <div className="banners">
      <HeldBanner key={row.id} detail={detail} />
      {row.currentPurpose === "Cancellation" && row.needsAnswer ? <Bar tone="warning">{text.document.cancellation}</Bar> : null}
      {row.conflict ? <Bar tone="warning">{text.document.conflict}</Bar> : null}
      <Doubts detail={detail} />
      {row.gap ? <Bar tone="info">{text.document.gap}</Bar> : null}
      {shown !== row.current ? (
        <Bar tone="info" actions={<Button small onPress={onCurrent} hint="v">{text.document.backToCurrent}</Button>}>
          {text.document.viewing(shown)}
        </Bar>
      ) : null}
    </div>
  );
}

function DocumentInfo({ id, number }: { id: number; number: number }) {
  const version = useVersion(id, number);
  if (!version.data) return <div className="info" aria-busy="true" />;
  const order = orderOf(version.data.document);
  if (order) return <OrderInfo order={order} />;
  const note = despatchOf(version.data.document);
  return note ? <DespatchInfo note={note} /> : null;
}

function LinesTab({ detail, number }: { detail: DocumentDetail; number: number }) {
  const id = detail.row.id;
  const version = useVersion(id, number);
  const against = comparedWith(detail, number);
  const diff = useDiff(id, against, number).data;
  if (version.error) return <ErrorPanel error={version.error} onRetry={() => void version.refetch()} />;
  if (!version.data) return <p className="screen-head soft">{text.loading}</p>;
  const order = orderOf(version.data.document);
  const note = despatchOf(version.data.document);
  const deleted = diff?.lines.filter((line) => line.change === "Deleted") ?? [];
  return (
    <>
      {diff && against !== undefined && (diff.lines.length > 0 || diff.header.length > 0) ? (
        <div className="marks caption">
          <span className="soft">{text.document.markedAgainst(against, against === detail.row.agreed)}</span>
          <Clip text={diffWords(diff)} />
          {deleted.length > 0 ? (
            <span className="late clip">{text.document.deletedLines(deleted.map((line) => line.lineId).join(", "))}</span>
          ) : null}
        </div>
      ) : null}
      {order ? <OrderLines of={`${id} ${number}`} order={order} diff={diff} /> : null}
      {note ? <DespatchLines of={`${id} ${number}`} note={note} diff={diff} /> : null}
    </>
  );
}
