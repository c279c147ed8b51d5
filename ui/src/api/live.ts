/** The change feed: what changed is read again, at a pace that a busy engine cannot make too fast. */

import type { QueryClient } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";
import type { ChangeEvent, FeedMessage, Host } from "../host";

/** Changes within this time are read together. */
const GATHER_MS = 250;
/** Without a feed the screens are read again this often. */
const POLL_MS = 5_000;

export const keys = {
  session: ["session"] as const,
  counters: ["counters"] as const,
  documents: ["documents"] as const,
  document: (id: number) => ["document", id] as const,
  operations: ["operations"] as const,
  operation: (id: string) => ["operation", id] as const,
  quarantine: ["quarantine"] as const,
  partners: ["partners"] as const,
  incidents: ["incidents"] as const,
  health: ["health"] as const,
};

/** Query keys that a batch of changes makes stale. */
export function staleKeys(changes: ChangeEvent[]): readonly (readonly unknown[])[] {
  const stale = new Map<string, readonly unknown[]>();
  const add = (key: readonly unknown[]) => stale.set(JSON.stringify(key), key);
  for (const change of changes) {
    add(keys.counters);
    if (change.kind === "document" || change.kind === "operation") {
      add(keys.documents);
      if (typeof change.document === "number") add(keys.document(change.document));
      else if (change.kind === "document") add(keys.document(Number(change.subject)));
    }
    if (change.kind === "operation") {
      add(keys.operations);
      add(keys.operation(change.subject));
    }
    if (change.kind === "quarantine") add(keys.quarantine);
    if (change.kind === "partner") add(keys.partners);
    if (change.kind === "incident") {
      add(keys.incidents);
      add(keys.health);
    }
  }
  return [...stale.values()];
}

export type FeedState = "connecting" | "live" | "lost";
let feedState: FeedState = "connecting";
const watchers = new Set<() => void>();

function setFeedState(next: FeedState): void {
  if (feedState === next) return;
  feedState = next;
  for (const watcher of watchers) watcher();
}

/** Whether the engine answers: drives the banner. */
export function useFeedState(): FeedState {
  return useSyncExternalStore(
    (changed) => {
      watchers.add(changed);
      return () => watchers.delete(changed);
    },
    () => feedState,
  );
}

/** Connects the feed to the cache, until it is called. What was read before the feed was open is read again. */
export function connectFeed(client: QueryClient, host: Host): () => void {
  let gathered: ChangeEvent[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  let poll: ReturnType<typeof setInterval> | undefined;
  let opened = false;

  const flush = () => {
    timer = undefined;
    const batch = gathered;
    gathered = [];
    for (const key of staleKeys(batch)) void client.invalidateQueries({ queryKey: key });
  };

  const all = () => void client.invalidateQueries();

  const on = (message: FeedMessage) => {
    switch (message.type) {
      case "change":
        gathered.push(message.change);
        timer ??= setTimeout(flush, GATHER_MS);
        break;
      case "lagged":
        all();
        break;
      case "open":
        clearInterval(poll);
        poll = undefined;
        setFeedState("live");
        // Whatever happened while the feed was away, or before it was there.
        if (opened || !(message.complete || client.getQueryCache().getAll().length === 0)) all();
        opened = true;
        break;
      case "closed":
        setFeedState("lost");
        poll ??= setInterval(all, POLL_MS);
        break;
    }
  };

  const stop = host.subscribe(on);
  return () => {
    stop();
    clearTimeout(timer);
    clearInterval(poll);
  };
}
