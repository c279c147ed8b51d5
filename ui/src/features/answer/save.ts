/** Saving an answer: what every form does with it. */

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { api, ApiProblem, asProblem } from "../../api/client";
import { keys } from "../../api/live";
import type { OperationRow, OrderResponse, ReceiptAdvice } from "../../api/types";

export type Answer = { order: OrderResponse } | { receipt: ReceiptAdvice };

/** Sends the answer to the engine; it resolves only when it is saved durably. */
export function useSaveAnswer(document: number) {
  const client = useQueryClient();
  return useMutation<OperationRow, ApiProblem, { version: number; answer: Answer }>({
    mutationFn: async ({ version, answer }) => {
      try {
        return await ("order" in answer
          ? api.answer(document, version, answer.order)
          : api.receipt(document, version, answer.receipt));
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

/** Numbers of the lines that an answer names, in its order. */
export function linesOf(answer: Answer | undefined): string[] {
  if (!answer) return [];
  const lines = "order" in answer ? (answer.order.lines ?? []) : answer.receipt.lines;
  return lines.map((line) => line.lineId);
}

/** `{pointer, message}` pairs of a problem, if it carries any. */
export function problemsOf(problem: ApiProblem): { pointer: string; message: string }[] {
  const data = problem.data;
  const list = Array.isArray(data) ? data : data && typeof data === "object" && "problems" in data ? data.problems : [];
  if (!Array.isArray(list)) return [];
  return list.filter(
    (one): one is { pointer: string; message: string } =>
      one !== null && typeof one === "object" && typeof one.pointer === "string" && typeof one.message === "string",
  );
}
