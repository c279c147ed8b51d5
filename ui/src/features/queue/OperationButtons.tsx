import { useMutation, useQueryClient } from "@tanstack/react-query";
import { api, type ReplayFilter } from "../../api/client";
import { keys } from "../../api/live";
import type { DeliveryState, OperationRow } from "../../api/types";
import { toastDone, toastError } from "../../app/toasts";
import { Button } from "../../components/controls";
import { text } from "../../texts/en";

export type OperationAct = "retry" | "release" | "withdraw";

const acts: Record<DeliveryState, readonly OperationAct[]> = {
  Queued: ["withdraw"],
  Sending: [],
  Delivered: [],
  Applied: [],
  Retrying: ["retry"],
  Unknown: ["retry"],
  Held: ["release", "withdraw"],
  Dead: ["retry", "withdraw"],
  Withdrawn: [],
};

/** What a person may do with an operation in its state. */
export function actsOf(state: DeliveryState): readonly OperationAct[] {
  return acts[state];
}

export function useOperationAct() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, act }: { id: string; act: OperationAct }) =>
      act === "retry" ? api.retryOperation(id) : act === "release" ? api.releaseOperation(id) : api.withdrawOperation(id),
    onError: toastError,
    onSettled: (operation, _error, { id }) => {
      void client.invalidateQueries({ queryKey: keys.operations });
      void client.invalidateQueries({ queryKey: keys.operation(id) });
      void client.invalidateQueries({ queryKey: keys.counters });
      void client.invalidateQueries({ queryKey: keys.documents });
      if (operation) void client.invalidateQueries({ queryKey: keys.document(operation.document) });
    },
  });
}

/** Sends every dead letter again that a filter names. */
export function useReplay() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (which: ReplayFilter) => api.replayOperations(which),
    onError: toastError,
    onSuccess: (done) => toastDone(text.queue.replayed(done.queued + done.held)),
    onSettled: () => {
      for (const queryKey of [keys.operations, keys.counters, keys.documents]) void client.invalidateQueries({ queryKey });
    },
  });
}

export function OperationButtons({ operation }: { operation: OperationRow }) {
  const act = useOperationAct();
  const run = (what: OperationAct) => act.mutate({ id: operation.id, act: what });
  const name = {
    retry: operation.state === "Dead" ? text.delivery.replay : text.delivery.retryNow,
    release: text.answer.sendAnyway,
    withdraw: text.answer.withdraw,
  };
  return actsOf(operation.state).map((one) => (
    <Button key={one} small isDisabled={act.isPending} onPress={() => run(one)} data-testid={`operation-${one}`}>
      {name[one]}
    </Button>
  ));
}
