import { useState } from "react";
import type { DocumentDetail } from "../../api/types";
import { type Action, useActions } from "../../app/actions";
import { go } from "../../app/router";
import { toastError, toastSaved } from "../../app/toasts";
import { Button } from "../../components/controls";
import { text } from "../../texts/en";
import { ConfirmDialog } from "./ConfirmDialog";
import { RejectDialog } from "./RejectDialog";
import { useSaveAnswer } from "./save";

/** The answers that are possible now, each with its key. */
export function AnswerButtons({ detail }: { detail: DocumentDetail }) {
  const { row } = detail;
  const [open, setOpen] = useState<"confirm" | "reject" | undefined>();
  const save = useSaveAnswer(row.id);
  const may = new Set<string>(detail.allowed);
  const cancels = row.currentPurpose === "Cancellation";
  const names = {
    confirm: cancels ? text.answer.confirmCancel : text.answer.confirm,
    reject: cancels ? text.answer.rejectCancel : text.answer.reject,
  };
  const acknowledge = () =>
    save.mutate(
      { version: row.current, answer: { order: { code: "AB" } } },
      { onSuccess: toastSaved, onError: toastError },
    );
  const edit = () => go({ name: "answer", id: row.id });

  const action = (id: string, key: string, title: string, run: () => void): Action => ({
    id: `answer-${id}`,
    key,
    title,
    group: text.groups.answer,
    run,
  });
  useActions([
    ...(may.has("confirm") ? [action("confirm", "c", names.confirm, () => setOpen("confirm"))] : []),
    ...(may.has("reject") ? [action("reject", "r", names.reject, () => setOpen("reject"))] : []),
    ...(may.has("counter") ? [action("counter", "e", text.answer.counter, edit)] : []),
    ...(may.has("receipt") ? [action("receipt", "e", text.answer.receipt, edit)] : []),
    ...(may.has("acknowledge") ? [action("acknowledge", "a", text.answer.acknowledge, acknowledge)] : []),
  ]);

  return (
    <>
      {may.has("acknowledge") ? (
        <Button look="subtle" onPress={acknowledge} isDisabled={save.isPending} hint="a" data-testid="answer-acknowledge">
          {text.answer.acknowledge}
        </Button>
      ) : null}
      {may.has("reject") ? (
        <Button look="critical" onPress={() => setOpen("reject")} hint="r" data-testid="answer-reject">
          {names.reject}
        </Button>
      ) : null}
      {may.has("counter") ? (
        <Button icon="edit" onPress={edit} hint="e" data-testid="answer-counter">
          {text.answer.counter}
        </Button>
      ) : null}
      {may.has("receipt") ? (
        <Button look="accent" icon="edit" onPress={edit} hint="e" data-testid="answer-receipt">
          {text.answer.receipt}
        </Button>
      ) : null}
      {may.has("confirm") ? (
        <Button look="accent" icon="check" onPress={() => setOpen("confirm")} hint="c" data-testid="answer-confirm">
          {names.confirm}
        </Button>
      ) : null}
      {open === "confirm" ? <ConfirmDialog detail={detail} onClose={() => setOpen(undefined)} /> : null}
      {open === "reject" ? <RejectDialog detail={detail} onClose={() => setOpen(undefined)} /> : null}
    </>
  );
}
