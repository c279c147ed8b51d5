import type { DocumentDetail } from "../../api/types";
import { useActions } from "../../app/actions";
import { go } from "../../app/router";
import { Bar, Button } from "../../components/controls";
import { text } from "../../texts/en";
import { useOperationAct } from "../queue/OperationButtons";

/** An answer that waits for a decision, because a new version came before it was sent. */
export function HeldBanner({ detail }: { detail: DocumentDetail }) {
  const act = useOperationAct();
  const held = detail.operations.find((operation) => operation.state === "Held");
  const release = () => held && act.mutate({ id: held.id, act: "release" });
  const withdraw = () =>
    held &&
    act.mutate(
      { id: held.id, act: "withdraw" },
      { onSuccess: () => go({ name: "document", id: detail.row.id, tab: "versions", version: undefined }, "replace") },
    );
  useActions(
    held
      ? [
          { id: "held-withdraw", key: "w", title: text.answer.withdrawAnswer, group: text.groups.answer, run: withdraw },
          { id: "held-release", key: "Shift+S", title: text.answer.sendAnyway, group: text.groups.answer, run: release },
        ]
      : [],
  );
  if (!held) return null;
  return (
    <Bar
      tone="warning"
      icon="hand"
      testId="held-banner"
      actions={
        <>
          <Button small onPress={release} isDisabled={act.isPending} hint="Shift+S" data-testid="held-release">
            {text.answer.sendAnyway}
          </Button>
          <Button small look="accent" onPress={withdraw} isDisabled={act.isPending} hint="w" data-testid="held-withdraw">
            {text.answer.withdrawAnswer}
          </Button>
        </>
      }
    >
      {text.answer.heldBanner(held.version, detail.row.current)}
    </Bar>
  );
}
