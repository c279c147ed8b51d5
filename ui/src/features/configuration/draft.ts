/** A configuration as it is typed: kept like the drafts of answers, since a key or a link leads away without a question. */

import { useCallback, useEffect, useMemo, useState } from "react";
import { loadDraft, useDraft } from "../answer/draft";

interface Kept {
  text: string;
  /** The file that it began with. */
  from: string;
}

/** `stored` is the file as it is now: read again when something of the partner changes. */
export function useText(id: string, stored: string) {
  const key = `configuration.${id}`;
  const [kept] = useState(() => loadDraft<Kept>(key)?.content);
  const [text, setText] = useState(kept?.text ?? stored);
  const [from, setFrom] = useState(kept?.from ?? stored);
  const [restored, setRestored] = useState(kept !== undefined);
  /** What the editor begins with; each round is an editor of its own. */
  const [start, setStart] = useState({ text, round: 0 });
  const changed = text !== stored;
  const content = useMemo<Kept>(() => ({ text, from }), [text, from]);
  const { settle } = useDraft(key, 0, content, changed);

  const begin = useCallback(() => {
    setText(stored);
    setStart(({ round }) => ({ text: stored, round: round + 1 }));
  }, [stored]);
  useEffect(() => {
    // Nothing is typed, and the file is another one now.
    if (text === from && from !== stored) begin();
    if (text !== stored) return;
    settle();
    setFrom(stored);
    setRestored(false);
  }, [text, from, stored, begin, settle]);

  /** It is saved, while a person may have typed on. */
  const saved = (now: string) => {
    setFrom(now);
    setRestored(false);
  };
  return { text, setText, start, changed, restored: changed && restored, moved: changed && from !== stored, begin, saved };
}
