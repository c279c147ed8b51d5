/** Parts that the forms of this folder share. */

import type { DocumentDetail } from "../../api/types";
import { go, type Route } from "../../app/router";
import { Bar, Button } from "../../components/controls";
import { text } from "../../texts/en";

export function ScreenHead({ title, caption, back }: { title: string; caption: string; back: Route }) {
  return (
    <header className="screen-head">
      <Button icon="back" look="subtle" aria-label={text.document.backTo} onPress={() => go(back, "replace")} data-testid="back" />
      <div className="document-title answer-title">
        <h1 className="clip">{title}</h1>
        {caption ? <span className="caption soft clip">{caption}</span> : null}
      </div>
    </header>
  );
}

/** Nothing can be changed now: said instead of a form that could not be saved. */
export function NotNow({ detail, seen }: { detail: DocumentDetail; seen: number }) {
  if (detail.possible.includes("change") || detail.row.current !== seen) return null;
  return (
    <div className="banners">
      <Bar tone="warning" testId="not-now">
        {text.issue.notNow}
      </Bar>
    </div>
  );
}
