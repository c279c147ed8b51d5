/** Lists that the engine pages: rows come as one scrolls, and are read again in place when something changes. */

import { type InfiniteData, keepPreviousData, useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo } from "react";
import type { Page } from "../api/types";

type Pages<T> = InfiniteData<Page<T>, string | undefined>;

export interface Paged<T> {
  rows: readonly T[];
  /** The first page is on its way. */
  loading: boolean;
  /** The rows are still those of the filter before. */
  before: boolean;
  error: unknown;
  hasMore: boolean;
  loadMore: () => void;
  retry: () => void;
  /** Forgets pages far below row `last`, so that a change does not read again what nobody sees. */
  trim: (last: number) => void;
}

/** Pages kept below the one that is seen. */
const KEEP_BELOW = 2;

/** Rows of all pages, each id once: a row that moved between two reads may be on both pages. */
export function uniqueRows<T>(pages: readonly Page<T>[], id: (row: T) => string | number): T[] {
  const seen = new Set<string | number>();
  const rows: T[] = [];
  for (const page of pages) {
    for (const row of page.items) {
      const key = id(row);
      if (seen.has(key)) continue;
      seen.add(key);
      rows.push(row);
    }
  }
  return rows;
}

/** How many pages to keep when row `last` is the lowest that is seen. */
export function pagesToKeep<T>(pages: readonly Page<T>[], last: number): number {
  let rows = 0;
  for (let at = 0; at < pages.length; at += 1) {
    rows += pages[at]?.items.length ?? 0;
    if (last < rows) return Math.min(pages.length, at + 1 + KEEP_BELOW);
  }
  return pages.length;
}

/** How such a list is asked for, by whoever asks. */
export function pagesQuery<T>(key: readonly unknown[], fetchPage: (cursor: string | undefined) => Promise<Page<T>>) {
  return {
    queryKey: key,
    queryFn: ({ pageParam }: { pageParam: string | undefined }) => fetchPage(pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last: Page<T>) => last.next ?? undefined,
  };
}

export function usePages<T>(
  key: readonly unknown[],
  fetchPage: (cursor: string | undefined) => Promise<Page<T>>,
  id: (row: T) => string | number,
): Paged<T> {
  const client = useQueryClient();
  const query = useInfiniteQuery({ ...pagesQuery(key, fetchPage), placeholderData: keepPreviousData });
  const { data, isPending, error, hasNextPage, isFetchingNextPage, fetchNextPage, refetch, isPlaceholderData } = query;
  const rows = useMemo(() => uniqueRows(data?.pages ?? [], id), [data, id]);

  const hash = JSON.stringify(key);
  const trim = useCallback(
    (last: number) => {
      client.setQueryData<Pages<T>>(JSON.parse(hash) as unknown[], (old) => {
        if (!old) return old;
        const keep = pagesToKeep(old.pages, last);
        if (keep >= old.pages.length) return old;
        return { pages: old.pages.slice(0, keep), pageParams: old.pageParams.slice(0, keep) };
      });
    },
    [client, hash],
  );
  const loadMore = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage && !isPlaceholderData) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, isPlaceholderData, fetchNextPage]);

  // A search that found nothing yet goes on by itself: its pages end after so much work, whether or not they have rows.
  const searching = rows.length === 0 && hasNextPage;
  useEffect(() => {
    if (searching) loadMore();
  }, [searching, loadMore]);

  return {
    rows,
    loading: isPending || searching,
    before: isPlaceholderData,
    error: data ? undefined : error,
    hasMore: hasNextPage,
    loadMore,
    retry: () => void refetch(),
    trim,
  };
}
