/** Drafts of answers and of what we issue: kept for the session, so that a reload or a look elsewhere loses nothing. */

import { useCallback, useEffect, useRef } from "react";

const prefix = "countersign.draft.";

/** What a draft is kept under: the document that is answered, or a name of what is issued. */
export type DraftKey = number | string;

export interface Draft<T> {
  /** The version that is being answered or changed; 0 where there is none yet. */
  version: number;
  content: T;
}

export function loadDraft<T>(document: DraftKey): Draft<T> | undefined {
  const stored = sessionStorage.getItem(prefix + document);
  if (!stored) return undefined;
  try {
    return JSON.parse(stored) as Draft<T>;
  } catch {
    return undefined;
  }
}

export function saveDraft<T>(document: DraftKey, draft: Draft<T>): void {
  try {
    sessionStorage.setItem(prefix + document, JSON.stringify(draft));
  } catch {
    // Full storage: the draft lives on in the page, and is only not kept over a reload.
  }
}

export function dropDraft(document: DraftKey): void {
  sessionStorage.removeItem(prefix + document);
}

/** A draft is written when the typing pauses: writing a thousand lines takes longer than a key. */
const PAUSE_MS = 400;

/** Keeps what is typed as the document's draft while `changed`; `settle` when it is saved, taken over or discarded. */
export function useDraft<T>(document: DraftKey, version: number, content: T, changed: boolean): { settle: () => void } {
  const unwritten = useRef<Draft<T> | undefined>(undefined);
  useEffect(() => {
    if (!changed) return undefined;
    const draft = { version, content };
    unwritten.current = draft;
    const timer = setTimeout(() => {
      unwritten.current = undefined;
      saveDraft(document, draft);
    }, PAUSE_MS);
    return () => clearTimeout(timer);
  }, [document, version, content, changed]);
  // Leaving the screen does not wait for the pause.
  useEffect(
    () => () => {
      if (unwritten.current) saveDraft(document, unwritten.current);
    },
    [document],
  );
  const settle = useCallback(() => {
    unwritten.current = undefined;
    dropDraft(document);
  }, [document]);
  return { settle };
}
