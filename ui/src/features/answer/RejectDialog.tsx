import { type FormEvent, useState } from "react";
import type { DocumentDetail, ReasonCode } from "../../api/types";
import { toastSaved } from "../../app/toasts";
import { Button, Field, Select } from "../../components/controls";
import { Dialog } from "../../components/Dialog";
import { text } from "../../texts/en";
import { reasonName } from "../../texts/names";
import { Refused } from "./Refused";
import { useSaveAnswer } from "./save";

export const reasonOptions = [
  { value: "", label: text.answer.chooseReason },
  ...Object.entries(reasonName).map(([value, label]) => ({ value, label: `${value} – ${label}` })),
];

/** What is missing in a reason: a code always, a text with OTH. */
export function reasonProblem(code: string, reasonText: string): { code?: string; text?: string } {
  if (code === "") return { code: text.answer.reasonNeeded };
  if (code === "OTH" && reasonText.trim() === "") return { text: text.answer.reasonTextNeeded };
  return {};
}

export function RejectDialog({ detail, onClose }: { detail: DocumentDetail; onClose: () => void }) {
  const { row } = detail;
  const [version] = useState(row.current);
  const [code, setCode] = useState("");
  const [words, setWords] = useState("");
  const [tried, setTried] = useState(false);
  const save = useSaveAnswer(row.id);
  const problem = reasonProblem(code, words);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (save.isPending || problem.code || problem.text) return;
    const reason = { code: code as ReasonCode, ...(words.trim() ? { text: words.trim() } : {}) };
    save.mutate(
      { version, answer: { order: { code: "RE", reason } } },
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
      title={text.answer.rejectTitle(row.number, version)}
      onClose={onClose}
      testId="reject-dialog"
      buttons={
        <>
          <Button onPress={onClose}>{text.cancel}</Button>
          <Button type="submit" form="reject" look="accent" isDisabled={save.isPending} data-testid="reject-save">
            {row.currentPurpose === "Cancellation" ? text.answer.rejectCancel : text.answer.reject}
          </Button>
        </>
      }
    >
      <form id="reject" onSubmit={submit} className="form">
        <Field label={text.answer.reason} error={tried ? problem.code : undefined}>
          <Select
            autoFocus
            value={code}
            onChange={setCode}
            options={reasonOptions}
            aria-invalid={tried && problem.code !== undefined}
            onKeyDown={(event) => {
              // A select does not submit its form on Enter.
              if (event.key !== "Enter") return;
              event.preventDefault();
              event.currentTarget.form?.requestSubmit();
            }}
            testId="reject-reason"
          />
        </Field>
        <Field label={text.answer.reasonText} error={tried ? problem.text : undefined}>
          <input
            className="input"
            value={words}
            maxLength={500}
            onChange={(event) => setWords(event.target.value)}
            aria-invalid={tried && problem.text !== undefined}
            data-testid="reject-text"
          />
        </Field>
      </form>
      {save.error ? <Refused problem={save.error} document={row.id} onClose={onClose} /> : null}
    </Dialog>
  );
}
