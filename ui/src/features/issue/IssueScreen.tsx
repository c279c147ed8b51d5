import { type ReactNode, useState } from "react";
import type { DocumentDetail, Order } from "../../api/types";
import { go, openDocument, type Route } from "../../app/router";
import { Bar, Button } from "../../components/controls";
import { ErrorPanel } from "../../errors/ErrorPanel";
import { text } from "../../texts/en";
import { loadDraft } from "../answer/draft";
import { despatchOf, orderOf, useDocument, useVersion } from "../document/data";
import { partnersVersion, useBuyers, useFirst, useQuantities } from "./data";
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
  const moved = row.current !== at.seen;
  const goOn = () => setAt({ seen: row.current, base: partnersVersion(detail) });
  return (
    <>
      {moved ? <Moved id={row.id} words={text.issue.moved(row.current)} onGoOn={goOn} /> : null}
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
          possible={detail.possible.includes("change") && !moved}
          back={back}
        />
      ) : null}
    </>
  );
}

function Moved({ id, words, onGoOn }: { id: number; words: string; onGoOn: () => void }) {
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
        {words}
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

/** A delivery note for an order. The agreed version that it is made for is fixed when the screen opens; another asks first. */
function Despatch({ detail }: { detail: DocumentDetail }) {
  const { row } = detail;
  const [version, setVersion] = useState(row.agreed ?? row.current);
  const agreed = row.agreed ?? version;
  return (
    <>
      {agreed !== version ? <Moved id={row.id} words={text.issue.agreedMoved(agreed)} onGoOn={() => setVersion(agreed)} /> : null}
      <DespatchOf key={version} detail={detail} version={version} moved={agreed !== version} />
    </>
  );
}

/** What is agreed and not delivered yet. */
function DespatchOf({ detail, version, moved }: { detail: DocumentDetail; version: number; moved: boolean }) {
  const { row } = detail;
  const content = useVersion(row.id, version);
  const quantities = useQuantities(row.id);
  const possible = detail.possible.includes("despatch");
  const order = content.data ? orderOf(content.data.document) : undefined;
  // Only what is read now: quantities kept from an earlier look may have left since.
  const open = quantities.isFetching || quantities.error ? undefined : quantities.data;
  const begun = useFirst(possible && order && open ? { order, rows: rowsOfOrder(order, open) } : undefined);
  if (!begun) {
    const error = content.error ?? quantities.error;
    const again = () => {
      void content.refetch();
      void quantities.refetch();
    };
    if (error) return <ErrorPanel error={error} onRetry={again} />;
    return order && open ? <Nothing detail={detail} /> : <Waiting />;
  }
  const { buyer, seller, shipTo, language } = begun.order;
  return (
    <>
      {possible ? null : <Nothing detail={detail} />}
      <DespatchForm
        title={text.issue.despatchTitle(row.number)}
        caption={row.counterparty ?? text.unknownParty}
        draftKey={`despatch.${row.id}`}
        version={version}
        rows={begun.rows}
        head={freshHead()}
        parties={{ buyer, seller, shipTo, language }}
        partner={row.partner}
        possible={possible && !moved}
        back={openDocument(row.id)}
      />
    </>
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
  const order = version.data ? orderOf(version.data.document) : undefined;
  const source = useFirst(detail.data && order ? { row: detail.data.row, order } : undefined);
  if (!source || !buyers.list) {
    const error = detail.error ?? version.error ?? buyers.error;
    return error ? <ErrorPanel error={error} onRetry={() => void detail.refetch()} /> : <Waiting />;
  }
  const { row } = source;
  const known = buyers.list.find((one) => one.value === row.partner) ?? (buyers.list.length === 1 ? buyers.list[0] : undefined);
  return <Copied key={id} title={text.issue.copyTitle(row.number)} id={id} fresh={copyOf(turned(source.order, row.side))} partners={buyers.list} partner={known?.value ?? ""} />;
}

interface CopiedProps {
  title: string;
  id: number;
  fresh: Order;
  partners: readonly { value: string; label: string }[];
  partner: string;
}

function Copied({ title, id, fresh, partners, partner }: CopiedProps) {
  const [from, setFrom] = useState(() => ({ order: loadDraft<OrderContent>(`copy.${id}`)?.content.start ?? fresh, run: 0 }));
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
