import { type FormEvent, useState } from "react";
import type { DocumentDetail } from "../../api/types";
import { type Action, useActions } from "../../app/actions";
import { go } from "../../app/router";
import { toastError, toastSaved } from "../../app/toasts";
import { Button, Field } from "../../components/controls";
import { Dialog } from "../../components/Dialog";
import { text } from "../../texts/en";
import { Refused } from "../answer/Refused";
import { type Act, useAct } from "./act";
import { useBuyers } from "./data";

/** What may be done with a document of ours, each with its key. */
export function IssueButtons({ detail }: { detail: DocumentDetail }) {
  const { row } = detail;
  const [open, setOpen] = useState<"cancel" | "counter/refuse" | undefined>();
  const save = useAct(row.id);
  const buyers = useBuyers();
  const may = new Set<string>(detail.possible);
  const copies = row.kind === "Order" && (buyers.list?.length ?? 0) > 0;
  const change = () => go({ name: "change", id: row.id });
  const despatch = () => go({ name: "despatch", id: row.id });
  const copy = () => go({ name: "newOrder", from: row.id });
  const at = (act: Act) => save.mutate({ act, version: row.current }, { onSuccess: toastSaved, onError: toastError });
  const action = (id: string, key: string, title: string, run: () => void): Action => ({
    id: `issue-${id}`,
    key,
    title,
    group: text.groups.document,
    run,
  });
  useActions([
    ...(may.has("acceptCounter") ? [action("accept", "c", text.issue.acceptCounter, () => at("counter/accept"))] : []),
    ...(may.has("refuseCounter") ? [action("refuse", "r", text.issue.refuseCounter, () => setOpen("counter/refuse"))] : []),
    ...(may.has("cancel") ? [action("cancel", "x", text.issue.cancel, () => setOpen("cancel"))] : []),
    ...(may.has("change") ? [action("change", "e", text.issue.change, change)] : []),
    ...(may.has("despatch") ? [action("despatch", "Shift+D", text.issue.despatch, despatch)] : []),
    ...(copies ? [action("copy", "y", text.issue.copy, copy)] : []),
    ...(may.has("close") ? [action("close", "z", text.issue.close, () => at("close"))] : []),
  ]);
  return (
    <>
      {may.has("close") ? (
        <Button look="subtle" onPress={() => at("close")} isDisabled={save.isPending} hint="z" data-testid="issue-close">
          {text.issue.close}
        </Button>
      ) : null}
      {may.has("cancel") ? (
        <Button look="critical" onPress={() => setOpen("cancel")} hint="x" data-testid="issue-cancel">
          {text.issue.cancel}
        </Button>
      ) : null}
      {may.has("change") ? (
        <Button icon="edit" onPress={change} hint="e" data-testid="issue-change">
          {text.issue.change}
        </Button>
      ) : null}
      {may.has("refuseCounter") ? (
        <Button onPress={() => setOpen("counter/refuse")} hint="r" data-testid="issue-refuse">
          {text.issue.refuseCounter}
        </Button>
      ) : null}
      {may.has("acceptCounter") ? (
        <Button look="accent" icon="check" onPress={() => at("counter/accept")} isDisabled={save.isPending} hint="c" data-testid="issue-accept">
          {text.issue.acceptCounter}
        </Button>
      ) : null}
      {may.has("despatch") ? (
        <Button look={detail.allowed.length === 0 ? "accent" : "plain"} icon="send" onPress={despatch} hint="Shift+D" data-testid="issue-despatch-new">
          {text.issue.despatch}
        </Button>
      ) : null}
      {copies ? <Button icon="copy" onPress={copy} aria-label={text.issue.copy} data-testid="issue-copy" /> : null}
      {open ? <ReasonDialog detail={detail} act={open} onClose={() => setOpen(undefined)} /> : null}
    </>
  );
}

/** Why, then Enter. The version was fixed when the dialog was opened. */
function ReasonDialog({ detail, act, onClose }: { detail: DocumentDetail; act: "cancel" | "counter/refuse"; onClose: () => void }) {
  const { row } = detail;
  const [version] = useState(row.current);
  const [reason, setReason] = useState("");
  const save = useAct(row.id);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (save.isPending) return;
    const why = reason.trim() ? { reason: reason.trim() } : {};
    save.mutate(
      { act, version, ...why },
      {
        onSuccess: (operation) => {
          toastSaved(operation);
          onClose();
        },
      },
    );
  };
  const title = act === "cancel" ? text.issue.cancel : text.issue.refuseCounter;
  return (
    <Dialog
      title={`${title}: ${row.number}`}
      onClose={onClose}
      testId="issue-dialog"
      buttons={
        <>
          <Button onPress={onClose}>{text.cancel}</Button>
          <Button type="submit" form="issue" look="accent" isDisabled={save.isPending} data-testid="issue-save">
            {title}
          </Button>
        </>
      }
    >
      <form id="issue" onSubmit={submit} className="form">
        <Field label={text.issue.why}>
          <input className="input" autoFocus value={reason} maxLength={500} onChange={(event) => setReason(event.target.value)} data-testid="issue-reason" />
        </Field>
      </form>
      {save.error ? <Refused problem={save.error} document={row.id} onClose={onClose} /> : null}
    </Dialog>
  );
}
