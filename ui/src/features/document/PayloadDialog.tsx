import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { payloadText } from "../../api/client";
import { toastDone, toastError } from "../../app/toasts";
import { Button } from "../../components/controls";
import { Dialog } from "../../components/Dialog";
import { pretty } from "../../components/payload";
import { ErrorPanel } from "../../errors/ErrorPanel";
import { host } from "../../host";
import { text } from "../../texts/en";

/** JSON with indents, its values as they were written; anything else as it is. */
export function prettyPayload(raw: string): string {
  return pretty(raw).lines.join("\n");
}

/** More is not shown on a screen; the file has all of it. */
const MAX_SHOWN_CHARS = 500_000;

export function PayloadDialog({ title, path, fileName, onClose }: { title: string; path: string; fileName: string; onClose: () => void }) {
  const payload = useQuery({ queryKey: ["payload", path], queryFn: () => payloadText(path), staleTime: Infinity });
  const raw = payload.data?.text ?? "";
  const shown = useMemo(() => prettyPayload(raw).slice(0, MAX_SHOWN_CHARS), [raw]);
  const extension = payload.data?.mediaType.includes("xml") ? "xml" : "json";
  return (
    <Dialog
      title={title}
      onClose={onClose}
      wide
      testId="payload-dialog"
      buttons={
        <>
          <Button onPress={() => void navigator.clipboard.writeText(raw).then(() => toastDone(text.copied), toastError)} isDisabled={!payload.data}>
            {text.copy}
          </Button>
          {host().kind === "browser" ? (
            <Button onPress={() => host().saveText?.(raw, `${fileName}.${extension}`)} isDisabled={!payload.data}>
              {text.download}
            </Button>
          ) : null}
          <Button look="accent" autoFocus onPress={onClose}>
            {text.close}
          </Button>
        </>
      }
    >
      {payload.error ? (
        <ErrorPanel error={payload.error} onRetry={() => void payload.refetch()} />
      ) : (
        <pre className="payload mono" tabIndex={0} data-testid="payload">
          {payload.data ? shown : text.loading}
        </pre>
      )}
    </Dialog>
  );
}
