import { type FormEvent, useState } from "react";
import type { DocumentDetail } from "../../api/types";
import { toastSaved } from "../../app/toasts";
import { Button, Field } from "../../components/controls";
import { Dialog } from "../../components/Dialog";
import { text } from "../../texts/en";
import { formatDay, formatMoney } from "../../texts/format";
import { Doubts } from "./Doubts";
import { Refused } from "./Refused";
import { useSaveAnswer } from "./save";

/** One look at what is confirmed, then Enter. The version was fixed when the dialog was opened. */
export function ConfirmDialog({ detail, onClose }: { detail: DocumentDetail; onClose: () => void }) {
  const { row } = detail;
  const [version] = useState(row.current);
  const [note, setNote] = useState("");
  const save = useSaveAnswer(row.id);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (save.isPending) return;
    save.mutate(
      { version, answer: { order: { code: "AP", ...(note.trim() ? { note: note.trim() } : {}) } } },
      {
        onSuccess: (operation) => {
          toastSaved(operation);
          onClose();
        },
      },
    );
  };
  return (
    <Dialog
      title={text.answer.confirmTitle(row.number, version)}
      onClose={onClose}
      testId="confirm-dialog"
      buttons={
        <>
          <Button onPress={onClose}>{text.cancel}</Button>
          <Button type="submit" form="confirm" look="accent" icon="check" autoFocus isDisabled={save.isPending} data-testid="confirm-save">
            {row.currentPurpose === "Cancellation" ? text.answer.confirmCancel : text.answer.confirm}
          </Button>
        </>
      }
    >
      <p>{row.currentPurpose === "Cancellation" ? text.answer.cancelBody : text.answer.confirmBody}</p>
      <dl className="summary">
        <div>
          <dt>{text.list.counterparty}</dt>
          <dd>{row.counterparty ?? text.unknownParty}</dd>
        </div>
        <div>
          <dt>{text.list.lines}</dt>
          <dd>{text.answer.summary(row.lineCount, formatMoney(row.total))}</dd>
        </div>
        {row.promisedOn ? (
          <div>
            <dt>{text.list.promised}</dt>
            <dd>{formatDay(row.promisedOn)}</dd>
          </div>
        ) : null}
        {row.changeSummary ? (
          <div>
            <dt>{text.list.changed}</dt>
            <dd>{row.changeSummary}</dd>
          </div>
        ) : null}
      </dl>
      <Doubts detail={detail} />
      <form id="confirm" onSubmit={submit}>
        <Field label={text.answer.note}>
          <input className="input" value={note} maxLength={1000} onChange={(event) => setNote(event.target.value)} data-testid="confirm-note" />
        </Field>
      </form>
      {save.error ? <Refused problem={save.error} document={row.id} onClose={onClose} /> : null}
    </Dialog>
  );
}
