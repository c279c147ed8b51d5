import type { DocumentDetail } from "../../api/types";
import { Bar } from "../../components/controls";
import { text } from "../../texts/en";
import { placeName } from "../../texts/names";

/** Most that are listed; the rest is counted. */
const SHOWN = 5;

/** What to know of the current version before answering it: amounts that do not add up, a change after shipment. */
export function Doubts({ detail }: { detail: DocumentDetail }) {
  const { doubts } = detail;
  if (doubts.length === 0) return null;
  return (
    <Bar tone="warning" testId="doubts">
      <ul>
        {doubts.slice(0, SHOWN).map((doubt) => (
          <li key={`${doubt.code} ${doubt.pointer} ${doubt.message}`} data-code={doubt.code}>
            {doubt.pointer ? `${placeName(doubt.pointer, doubt.line)}: ${doubt.message}` : doubt.message}
          </li>
        ))}
        {doubts.length > SHOWN ? <li>{text.document.moreDoubts(doubts.length - SHOWN)}</li> : null}
      </ul>
    </Bar>
  );
}
