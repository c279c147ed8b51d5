import { QueryClient } from "@tanstack/react-query";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { FeedMessage, Host } from "../host";
import { connectFeed, keys, staleKeys } from "./live";

test("a change makes stale what shows it", () => {
  expect(staleKeys([{ id: 1, kind: "document", subject: "7", document: 7 }])).toEqual([keys.counters, keys.documents, keys.document(7)]);
  expect(staleKeys([{ id: 1, kind: "operation", subject: "op", document: 7 }])).toEqual([
    keys.counters,
    keys.documents,
    keys.document(7),
    keys.operations,
    keys.operation("op"),
  ]);
  expect(staleKeys([{ id: 1, kind: "quarantine", subject: "3" }])).toEqual([keys.counters, keys.quarantine]);
  expect(staleKeys([{ id: 1, kind: "partner", subject: "p" }])).toEqual([keys.counters, keys.partners]);
});

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("a storm of changes is read once; a lost feed is polled; what was missed is read again", () => {
  let on: (message: FeedMessage) => void = () => undefined;
  const host = { subscribe: (listener: typeof on) => ((on = listener), () => undefined) } as unknown as Host;
  const client = new QueryClient();
  const invalidate = vi.spyOn(client, "invalidateQueries").mockResolvedValue();
  const stop = connectFeed(client, host);

  on({ type: "open" });
  expect(invalidate).not.toHaveBeenCalled();
  for (let id = 0; id < 1000; id += 1) on({ type: "change", change: { id, kind: "document", subject: "1", document: 1 } });
  expect(invalidate).not.toHaveBeenCalled();
  vi.advanceTimersByTime(300);
  expect(invalidate).toHaveBeenCalledTimes(3);

  invalidate.mockClear();
  on({ type: "closed", reason: "gone" });
  vi.advanceTimersByTime(11_000);
  expect(invalidate).toHaveBeenCalledTimes(2);
  on({ type: "open" });
  expect(invalidate).toHaveBeenCalledTimes(3);
  vi.advanceTimersByTime(60_000);
  expect(invalidate).toHaveBeenCalledTimes(3);
  stop();
});

test.each([
  { complete: true, again: 0 },
  { complete: false, again: 1 },
])("what was read before the feed was open is read again, unless the feed begins before it: $complete", ({ complete, again }) => {
  let on: (message: FeedMessage) => void = () => undefined;
  const host = { subscribe: (listener: typeof on) => ((on = listener), () => undefined) } as unknown as Host;
  const client = new QueryClient();
  const stop = connectFeed(client, host);
  client.setQueryData(keys.counters, {});
  const invalidate = vi.spyOn(client, "invalidateQueries").mockResolvedValue();
  on({ type: "open", complete });
  expect(invalidate).toHaveBeenCalledTimes(again);
  stop();
});
