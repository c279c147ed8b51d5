/** Short messages that go away by themselves; errors stay until they are closed. */

import { useSyncExternalStore } from "react";
import { asProblem } from "../api/client";
import type { OperationRow } from "../api/types";
import { Button } from "../components/controls";
import { Icon } from "../components/Icon";
import { classify, told } from "../errors/table";
import { text } from "../texts/en";
import { operationName } from "../texts/names";

interface Toast {
  id: number;
  tone: "done" | "error";
  title: string;
  body: string | undefined;
}

const DONE_MS = 3_500;
const MAX_TOASTS = 4;
let toasts: readonly Toast[] = [];
let nextId = 1;
const watchers = new Set<() => void>();

function set(next: readonly Toast[]): void {
  toasts = next;
  for (const watcher of watchers) watcher();
}

const remove = (id: number) => set(toasts.filter((toast) => toast.id !== id));

function push(tone: Toast["tone"], title: string, body?: string): void {
  const id = nextId++;
  set([...toasts.slice(1 - MAX_TOASTS), { id, tone, title, body }]);
  if (tone === "done") setTimeout(() => remove(id), DONE_MS);
}

export const toastDone = (title: string, body?: string) => push("done", title, body);

/** An answer is saved durably; where it goes from here is shown live beside the document. */
export const toastSaved = (operation: OperationRow) =>
  toastDone(text.answer.saved(operation.documentNumber), text.answer.savedAs(operationName[operation.kind], operation.version));

/** Shows an error by the table; the engine's sentence says where and what. */
export function toastError(error: unknown): void {
  const problem = asProblem(error);
  const entry = classify(problem.code);
  push("error", entry.title, told(problem.message, entry));
}

export const closeToasts = () => set([]);

export function Toasts() {
  const shown = useSyncExternalStore(
    (changed) => {
      watchers.add(changed);
      return () => watchers.delete(changed);
    },
    () => toasts,
  );
  return (
    <div className="toasts" role="status" aria-live="polite">
      {shown.map((toast) => (
        <div key={toast.id} className={`toast toast-${toast.tone}`} data-testid="toast">
          <Icon name={toast.tone === "done" ? "check" : "error"} />
          <div className="grow">
            <div className="strong">{toast.title}</div>
            {toast.body ? <div className="caption soft">{toast.body}</div> : null}
          </div>
          <Button icon="cross" small look="subtle" aria-label={text.close} onPress={() => remove(toast.id)} />
        </div>
      ))}
    </div>
  );
}
