import { useState } from "react";
import { printPath } from "../../api/client";
import type { DocumentDetail } from "../../api/types";
import { toastDone, toastError } from "../../app/toasts";
import { Button, Field, Select } from "../../components/controls";
import { Dialog } from "../../components/Dialog";
import { host } from "../../host";
import { text } from "../../texts/en";
import { purposeName } from "../../texts/names";

/** A name that every file system takes. */
export function pdfName(number: string, version: number): string {
  return `${number.replace(/[^\p{L}\p{N}._-]+/gu, "_").slice(0, 80)}-v${version}.pdf`;
}

export function PrintDialog({ detail, version, onClose }: { detail: DocumentDetail; version: number; onClose: () => void }) {
  const [chosen, setChosen] = useState(version);
  const [busy, setBusy] = useState(false);
  const { row } = detail;
  const run = async (work: () => Promise<boolean | void>, done?: string) => {
    setBusy(true);
    try {
      const result = await work();
      if (result !== false && done) toastDone(done);
      if (result !== false) onClose();
    } catch (error) {
      toastError(error);
    } finally {
      setBusy(false);
    }
  };
  const path = printPath(row.id, chosen);
  const name = pdfName(row.number, chosen);
  return (
    <Dialog
      title={text.print.title(row.number)}
      onClose={onClose}
      testId="print-dialog"
      buttons={
        <>
          <Button onPress={onClose}>{text.cancel}</Button>
          <Button isDisabled={busy} onPress={() => void run(() => host().saveFile(path, name), text.print.saved)} data-testid="print-save">
            {text.print.save}
          </Button>
          <Button look="accent" autoFocus icon="print" isDisabled={busy} onPress={() => void run(() => host().openPdf(path, name))} data-testid="print-open">
            {text.print.open}
          </Button>
        </>
      }
    >
      <p className="soft">{text.print.body}</p>
      <Field label={text.print.version}>
        <Select
          value={String(chosen)}
          onChange={(value) => setChosen(Number(value))}
          options={[...detail.versions].reverse().map((one) => ({
            value: String(one.number),
            label: [
              `v${one.number}`,
              purposeName[one.purpose],
              one.number === row.current ? text.document.current : "",
              one.number === row.agreed ? text.document.agreed : "",
            ]
              .filter(Boolean)
              .join(" · "),
          }))}
          testId="print-version"
        />
      </Field>
    </Dialog>
  );
}
