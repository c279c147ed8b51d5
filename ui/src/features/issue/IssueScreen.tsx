import { type ReactNode, useState } from "react";
import type { DocumentDetail, Order } from "../../api/types";
import { go, openDocument, type Route } from "../../app/router";
import { Bar, Button } from "../../components/controls";
import { ErrorPanel } from "../../errors/ErrorPanel";
import { text } from "../../texts/en";
import { loadDraft } from "../answer/draft";
import { despatchOf, orderOf, useDocument, useVersion } from "../document/data";
import { partnersVersion, useBuyers, useQuantities } from "./data";
import { despatchHeadOf, freshHead, rowsOfNote, rowsOfOrder } from "./despatch";
import { DespatchForm } from "./DespatchForm";
import { NewOrder } from "./NewOrder";
import { type OrderContent, OrderForm } from "./OrderForm";
import { copyOf } from "./read";

type IssueRoute = Extract<Route, { name: "change" | "despatch" | "newOrder" }>;

/** What we issue: a change of a document of ours, a delivery note for an order, a new order. */
export default function IssueScreen({ route }: { route: IssueRoute }) {
  if (route.name === "newOrder") return route.from === undefined ? <NewOrder /> : <CopiedOrder id={route.from} />;
  return <OfDocument id={route.id}>{(detail) => (route.name === "change" ? <Change detail={detail} /> : <Despatch detail={detail} />)}</OfDocument>;
}

function Waiting() {
  return <p className="screen-head soft">{text.loading}</p>;
}

function OfDocument({ id, children }: { id: number; children: (detail: DocumentDetail) => ReactNode }) {
  const detail = useDocument(id);
  if (detail.error && !detail.data) return <ErrorPanel error={detail.error} onRetry={() => void detail.refetch()} />;
  return detail.data ? children(detail.data) : <Waiting />;
}

/** The version in view of which it is changed is fixed when the screen opens; a newer one asks first. */
function Change({ detail }: { detail: DocumentDetail }) {
  const { row } = detail;
  const [at, setAt] = useState(() => ({ seen: row.current, base: partnersVersion(detail) }));
  const base = useVersion(row.id, at.base);
  const counter = useVersion(row.id, row.currentPurpose === "Counter" ? row.current : undefined);
  if (at.base === undefined) return <Nothing detail={detail} />;
  if (base.error && !base.data) return <ErrorPanel error={base.error} onRetry={() => void base.refetch()} />;
  if (!base.data) return <Waiting />;
  const order = orderOf(base.data.document);
  const note = despatchOf(base.data.document);
  const back = openDocument(row.id);
  const moved = row.current !== at.seen ? <Moved detail={detail} onGoOn={() => setAt({ seen: row.current, base: partnersVersion(detail) })} /> : null;
  return (
    <>
      {moved}
      {order ? (
        <OrderForm
          key={at.base}
          title={text.issue.changeTitle(row.number, at.base)}
          draftKey={`change.${row.id}`}
          start={order}
          change={{ detail, seen: at.seen, base: at.base, counter: counter.data ? orderOf(counter.data.document) : undefined }}
          partners={[]}
          partner={row.partner}
          onStartAgain={() => undefined}
          back={back}
        />
      ) : null}
      {note ? (
        <DespatchForm
          key={at.base}
          title={text.issue.replaceTitle(row.number, at.base)}
          caption={row.counterparty ?? text.unknownParty}
          draftKey={`change.${row.id}`}
          version={at.base}
          rows={rowsOfNote(note)}
          head={despatchHeadOf(note)}
          parties={note}
          partner={row.partner}
          change={{ detail, seen: at.seen }}
          back={back}
        />
      ) : null}
    </>
  );
}

function Moved({ detail, onGoOn }: { detail: DocumentDetail; onGoOn: () => void }) {
  const { id, current } = detail.row;
  const look = () => go({ name: "document", id, tab: "versions", version: undefined });
  return (
    <div className="banners">
      <Bar
        tone="warning"
        testId="moved"
        actions={
          <>
            <Button small onPress={look} data-testid="moved-look">{text.issue.movedLook}</Button>
            <Button small look="accent" onPress={onGoOn} data-testid="moved-go-on">{text.issue.movedGoOn}</Button>
          </>
        }
      >
        {text.issue.moved(current)}
      </Bar>
    </div>
  );
}

function Nothing({ detail }: { detail: DocumentDetail }) {
  return (
    <div className="banners">
      <Bar tone="warning" testId="not-now" actions={<Button small onPress={() => go(openDocument(detail.row.id), "replace")}>{text.document.backTo}</Button>}>
        {text.issue.notNow}
      </Bar>
    </div>
  );
}

/** A delivery note for an order: what is agreed and not delivered yet. */
function Despatch({ detail }: { detail: DocumentDetail }) {
  const { row } = detail;
  const version = row.agreed ?? row.current;
  const content = useVersion(row.id, version);
  const quantities = useQuantities(row.id);
  const error = content.error ?? quantities.error;
  if (error) {
    const again = () => {
      void content.refetch();
      void quantities.refetch();
    };
    return <ErrorPanel error={error} onRetry={again} />;
  }
  const order = content.data ? orderOf(content.data.document) : undefined;
  // Only what is read now: quantities kept from an earlier look may have left since.
  if (!order || !quantities.data || quantities.isFetching) return <Waiting />;
  if (!detail.possible.includes("despatch")) return <Nothing detail={detail} />;
  return (
    <DespatchForm
      key={version}
      title={text.issue.despatchTitle(row.number)}
      caption={row.counterparty ?? text.unknownParty}
      draftKey={`despatch.${row.id}`}
      version={version}
      rows={rowsOfOrder(order, quantities.data)}
      head={freshHead()}
      parties={{ buyer: order.buyer, seller: order.seller, shipTo: order.shipTo, language: order.language }}
      partner={row.partner}
      back={openDocument(row.id)}
    />
  );
}

/** Of an order that we sell, the copy is one that we buy: the seller of it is the one who orders now. */
function turned(order: Order, side: DocumentDetail["row"]["side"]): Order {
  return side === "Seller" ? { ...order, buyer: order.seller, seller: {} } : order;
}

function CopiedOrder({ id }: { id: number }) {
  const detail = useDocument(id);
  const version = useVersion(id, detail.data?.row.current);
  const buyers = useBuyers();
  const error = detail.error ?? version.error ?? buyers.error;
  const kept = loadDraft<OrderContent>(`copy.${id}`)?.content;
  if (error) return <ErrorPanel error={error} onRetry={() => void detail.refetch()} />;
  const order = version.data ? orderOf(version.data.document) : undefined;
  if (!detail.data || !order || !buyers.list) return <Waiting />;
  const { row } = detail.data;
  const known = buyers.list.find((one) => one.value === row.partner) ?? (buyers.list.length === 1 ? buyers.list[0] : undefined);
  return <Copied key={id} title={text.issue.copyTitle(row.number)} id={id} start={kept?.start ?? copyOf(turned(order, row.side))} partners={buyers.list} partner={known?.value ?? ""} fresh={copyOf(turned(order, row.side))} />;
}

interface CopiedProps {
  title: string;
  id: number;
  start: Order;
  fresh: Order;
  partners: readonly { value: string; label: string }[];
  partner: string;
}

function Copied({ title, id, start, fresh, partners, partner }: CopiedProps) {
  const [from, setFrom] = useState({ order: start, run: 0 });
  return (
    <OrderForm
      key={from.run}
      title={title}
      draftKey={`copy.${id}`}
      start={from.order}
      partners={partners}
      partner={partner}
      onStartAgain={() => setFrom({ order: fresh, run: from.run + 1 })}
      back={openDocument(id)}
    />
  );
}
