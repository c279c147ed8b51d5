import { useRef } from "react";
import { toastError } from "../../app/toasts";
import { Button } from "../../components/controls";
import { text } from "../../texts/en";

/** Takes a text from a file or from the clipboard, and says where it came from. */
export function TakeText({ testId, onTake }: { testId: string; onTake: (taken: string, from: string) => void }) {
  const file = useRef<HTMLInputElement>(null);
  const paste = () => {
    navigator.clipboard.readText().then((taken) => onTake(taken, text.configuration.pasted), toastError);
  };
  const open = (chosen: File | undefined) => {
    chosen?.text().then((taken) => onTake(taken, chosen.name), toastError);
  };
  return (
    <>
      <Button small onPress={() => file.current?.click()} data-testid={`${testId}-open`}>
        {text.configuration.open}
      </Button>
      <Button small onPress={paste} data-testid={`${testId}-paste`}>
        {text.configuration.paste}
      </Button>
      <input
        ref={file}
        type="file"
        hidden
        accept=".json,.xml,application/json,text/xml"
        onChange={(event) => {
          open(event.target.files?.[0]);
          // The same file can be opened again after it was changed.
          event.target.value = "";
        }}
        data-testid={`${testId}-file`}
      />
    </>
  );
}
