/** What the document screens read. */

import { type QueryClient, useQuery } from "@tanstack/react-query";
import { api } from "../../api/client";
import { keys } from "../../api/live";
import type { CanonicalDocument, DespatchAdvice, DocumentDetail, Order } from "../../api/types";

export const versionKey = (id: number, number: number) => [...keys.document(id), "version", number] as const;
export const diffKey = (id: number, from: number, to: number) => [...keys.document(id), "diff", from, to] as const;

export function useDocument(id: number) {
  return useQuery({ queryKey: keys.document(id), queryFn: () => api.document(id) });
}

export function useVersion(id: number, number: number | undefined) {
  return useQuery({
    queryKey: versionKey(id, number ?? 0),
    queryFn: () => api.version(id, number ?? 0),
    enabled: number !== undefined,
  });
}

export function useDiff(id: number, from: number | undefined, to: number | undefined) {
  return useQuery({
    queryKey: diffKey(id, from ?? 0, to ?? 0),
    queryFn: () => api.diff(id, from ?? 0, to ?? 0),
    enabled: from !== undefined && to !== undefined && from !== to,
  });
}

/** Reads a document before it is opened: the next one in the list is the likely one. */
export function prefetchDocument(client: QueryClient, id: number, version: number): void {
  void client.prefetchQuery({ queryKey: keys.document(id), queryFn: () => api.document(id) });
  void client.prefetchQuery({ queryKey: versionKey(id, version), queryFn: () => api.version(id, version) });
}

export function orderOf(document: CanonicalDocument): Order | undefined {
  return "Order" in document ? document.Order : undefined;
}

export function despatchOf(document: CanonicalDocument): DespatchAdvice | undefined {
  return "DespatchAdvice" in document ? document.DespatchAdvice : undefined;
}

/**
 * The version that a version is best compared with: the agreed one, else the one it supersedes or answers, else the
 * one before it. Undefined for a first version.
 */
export function comparedWith(detail: Pick<DocumentDetail, "row" | "versions">, number: number): number | undefined {
  const agreed = detail.row.agreed ?? undefined;
  if (agreed !== undefined && agreed !== number) return agreed;
  const version = detail.versions.find((one) => one.number === number);
  const other = version?.base ?? version?.supersedes ?? number - 1;
  return other >= 1 && other !== number ? other : undefined;
}
