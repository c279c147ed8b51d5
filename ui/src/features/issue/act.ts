/** Acts on documents of ours and new versions of them: saved durably when they resolve. */

import { useMutation, useQueryClient, type QueryClient } from "@tanstack/react-query";
import { api, type ApiProblem, asProblem } from "../../api/client";
import { keys } from "../../api/live";
import type { DespatchAdvice, OperationRow, Order } from "../../api/types";

export type Act = "cancel" | "close" | "counter/accept" | "counter/refuse";

function readAgain(client: QueryClient, document: number | undefined): void {
  if (document !== undefined) void client.invalidateQueries({ queryKey: keys.document(document) });
  for (const queryKey of [keys.documents, keys.counters, keys.operations]) void client.invalidateQueries({ queryKey });
}

export function useAct(document: number) {
  const client = useQueryClient();
  return useMutation<OperationRow, ApiProblem, { act: Act; version: number; reason?: string }>({
    mutationFn: async ({ act, ...body }) => {
      try {
        return await api.act(document, act, body);
      } catch (error) {
        throw asProblem(error);
      }
    },
    onSettled: () => readAgain(client, document),
  });
}

/** What is issued: a document that is new, or the next version of one. */
export type Issued =
  | { partner: string; kind: "Order"; document: Order }
  | { partner: string; kind: "DespatchAdvice"; document: DespatchAdvice }
  | { id: number; version: number; document: Order | DespatchAdvice };

/** `about`: a document that it changes, or that shows what becomes of it. */
export function useIssue(about: number | undefined) {
  const client = useQueryClient();
  return useMutation<OperationRow, ApiProblem, Issued>({
    mutationFn: async (issued) => {
      try {
        return await ("id" in issued ? api.change(issued.id, issued.version, issued.document) : api.issue(issued.partner, issued.kind, issued.document));
      } catch (error) {
        throw asProblem(error);
      }
    },
    onSettled: () => readAgain(client, about),
  });
}
