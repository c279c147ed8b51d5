import { useEffect, useRef, useState } from "react";
import type { Order } from "../../api/types";
import { useActions } from "../../app/actions";
import { go, type Route } from "../../app/router";
import { toastError } from "../../app/toasts";
import type { Problem } from "../../components/cells";
import { Bar, Button, Empty } from "../../components/controls";
import { ErrorPanel } from "../../errors/ErrorPanel";
import { text } from "../../texts/en";
import { loadDraft } from "../answer/draft";
import { lastView } from "../worklist/memory";
import { useBuyers } from "./data";
import { type OrderContent, OrderForm } from "./OrderForm";
import { ScreenHead } from "./parts";
import { blankOrder, readOrder } from "./read";

const DRAFT = "newOrder";
const back = (): Route => ({ name: "list", view: lastView() });

/** A new order from a file, the clipboard or nothing; a draft of before is shown at once. */
export function NewOrder() {
  const buyers = useBuyers();
  const [from, setFrom] = useState<{ order: Order; partner: string | undefined; run: number } | undefined>(() => {
    const kept = loadDraft<OrderContent>(DRAFT)?.content;
    return kept ? { order: kept.start, partner: kept.partner, run: 0 } : undefined;
  });
  if (!buyers.list) return buyers.error ? <ErrorPanel error={buyers.error} onRetry={buyers.retry} /> : <p className="screen-head soft">{text.loading}</p>;
  const only = buyers.list.length === 1 ? buyers.list[0]?.value : undefined;
  const known = buyers.list.find((one) => one.value === from?.partner)?.value ?? only ?? "";
  if (!from) {
    return <Source takes={buyers.list.length > 0} onOrder={(order, partner) => setFrom({ order, partner, run: 0 })} />;
  }
  return (
    <OrderForm
      key={from.run}
      title={text.issue.newOrderTitle}
      draftKey={DRAFT}
      start={from.order}
      partners={buyers.list}
      partner={known}
      onStartAgain={() => setFrom(undefined)}
      back={back()}
    />
  );
}

interface Props {
  /** Whether some partner takes orders from us. */
  takes: boolean;
  onOrder: (order: Order, partner: string | undefined) => void;
}

function Source({ takes, onOrder }: Props) {
  const [problems, setProblems] = useState<Problem[]>([]);
  const file = useRef<HTMLInputElement>(null);
  const take = (source: string) => {
    const read = readOrder(source);
    if ("problems" in read) setProblems(read.problems);
    else onOrder(read.order, read.partner);
  };
  const latest = useRef(take);
  useEffect(() => {
    latest.current = take;
  });
  // Ctrl+V anywhere on the screen: it needs no leave to read the clipboard.
  useEffect(() => {
    const pasted = (event: ClipboardEvent) => latest.current(event.clipboardData?.getData("text/plain") ?? "");
    window.addEventListener("paste", pasted);
    return () => window.removeEventListener("paste", pasted);
  }, []);
  const open = () => file.current?.click();
  const paste = () => {
    navigator.clipboard.readText().then(take, toastError);
  };
  const blank = () => onOrder(blankOrder(), undefined);
  const group = text.groups.document;
  useActions([
    { id: "back", key: "Escape", title: text.document.back, group, run: () => go(back(), "replace") },
    { id: "order-open", key: "o", title: text.issue.open, group, run: open },
    { id: "order-paste", key: "v", title: text.issue.paste, group, run: paste },
    { id: "order-blank", key: "n", title: text.issue.blank, group, run: blank },
  ]);
  return (
    <section className="screen" aria-label={text.issue.newOrderTitle} data-testid="new-order">
      <ScreenHead title={text.issue.newOrderTitle} caption="" back={back()} />
      {takes ? null : (
        <div className="banners">
          <Bar tone="warning" testId="no-buyer">{text.issue.noOperation}</Bar>
        </div>
      )}
      {problems.length > 0 ? (
        <div className="banners">
          <Bar tone="error" testId="unreadable">
            <b>{text.issue.unreadable}.</b>
            <ul className="caption problem-list">
              {problems.map((one) => (
                <li key={one.pointer + one.message}>
                  <span className="mono">{one.pointer || "/"}</span> {one.message}
                </li>
              ))}
            </ul>
          </Bar>
        </div>
      ) : null}
      <Empty icon="file" title={text.issue.empty} hint={text.issue.emptyHint}>
        <div className="empty-actions">
          <Button look="accent" autoFocus onPress={open} hint="o" data-testid="order-open">{text.issue.open}</Button>
          <Button onPress={paste} hint="v" data-testid="order-paste">{text.issue.paste}</Button>
          <Button onPress={blank} hint="n" data-testid="order-blank">{text.issue.blank}</Button>
        </div>
      </Empty>
      <input
        ref={file}
        type="file"
        hidden
        accept=".json,application/json"
        onChange={(event) => {
          event.target.files?.[0]?.text().then(take, toastError);
          // The same file can be opened again after it was changed.
          event.target.value = "";
        }}
        data-testid="order-file"
      />
    </section>
  );
}
