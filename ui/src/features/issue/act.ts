/** An act on a document of ours: saved durably when it resolves. */

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { api, type ApiProblem, asProblem } from "../../api/client";
import { keys } from "../../api/live";
import type { OperationRow } from "../../api/types";

export type Act = "cancel" | "close" | "counter/accept" | "counter/refuse";

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
    onSettled: () => {
      void client.invalidateQueries({ queryKey: keys.document(document) });
      void client.invalidateQueries({ queryKey: keys.documents });
      void client.invalidateQueries({ queryKey: keys.counters });
      void client.invalidateQueries({ queryKey: keys.operations });
    },
  });
}
