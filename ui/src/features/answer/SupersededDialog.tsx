import type { DocumentDetail } from "../../api/types";
import { go } from "../../app/router";
import { Button } from "../../components/controls";
import { Dialog } from "../../components/Dialog";
import { text } from "../../texts/en";
import { useDiff } from "../document/data";
import { DiffTable } from "../document/VersionsTab";

interface Props {
  detail: DocumentDetail;
  answered: number;
  onTake: () => void;
  onClose: () => void;
}

/** A newer version came while this one was being answered: what changed, and what to do with the draft. */
export function SupersededDialog({ detail, answered, onTake, onClose }: Props) {
  const { row } = detail;
  const diff = useDiff(row.id, answered, row.current);
  const cancelled = row.currentPurpose === "Cancellation";
  const look = () => {
    onClose();
    go({ name: "document", id: row.id, tab: "versions", version: undefined });
  };
  return (
    <Dialog
      title={text.answer.supersededTitle}
      onClose={onClose}
      wide
      alert
      testId="superseded-dialog"
      buttons={
        <>
          <Button onPress={look} autoFocus={cancelled} data-testid="superseded-show">
            {text.answer.supersededShow(row.current)}
          </Button>
          {cancelled ? null : (
            <Button look="accent" autoFocus onPress={onTake} data-testid="superseded-take">
              {text.answer.supersededTake(row.current)}
            </Button>
          )}
        </>
      }
    >
      <p>
        {text.answer.supersededBody(answered, row.current)}
        {cancelled ? ` ${text.document.cancellation}` : ""}
      </p>
      {diff.data ? <DiffTable diff={diff.data} /> : null}
    </Dialog>
  );
}
