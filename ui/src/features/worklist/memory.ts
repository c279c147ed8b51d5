/** Where a person was in each list: filters and the active row. Kept while the page lives. */

import type { DocumentFilter } from "../../api/client";
import { api } from "../../api/client";
import { keys } from "../../api/live";
import type { DocumentRow, DocumentView } from "../../api/types";
import { pagesQuery, type Paged, usePages } from "../../components/pages";

export interface ListPlace {
  filter: DocumentFilter;
  active: number | undefined;
  /** Where the active row stood: when it leaves the list, the one that took its place is next. */
  index: number;
}

const places = new Map<DocumentView, ListPlace>();
let last: DocumentView = "needsAnswer";

export function placeOf(view: DocumentView): ListPlace {
  let place = places.get(view);
  if (!place) {
    place = { filter: { view }, active: undefined, index: 0 };
    places.set(view, place);
  }
  return place;
}

export function remember(view: DocumentView, change: Partial<ListPlace>): void {
  Object.assign(placeOf(view), change);
  last = view;
}

/** The list that a person came from. */
export const lastView = (): DocumentView => last;

export const rowId = (row: DocumentRow): number => row.id;

const query = (filter: DocumentFilter) => [[...keys.documents, filter], (cursor: string | undefined) => api.documents(filter, cursor)] as const;

export function useDocuments(filter: DocumentFilter): Paged<DocumentRow> {
  return usePages(...query(filter), rowId);
}

/** The first page of a list as it was left. */
export const firstDocuments = (view: DocumentView) => pagesQuery(...query(placeOf(view).filter));

/** The row to be active: the one that was, or the one now in its place. */
export function activeRow(rows: readonly DocumentRow[], place: Pick<ListPlace, "active" | "index">): DocumentRow | undefined {
  return rows.find((row) => row.id === place.active) ?? rows[Math.min(place.index, rows.length - 1)];
}

/** The documents before and after one, in the list that it was opened from. */
export function neighbours(
  rows: readonly DocumentRow[],
  id: number,
  index: number,
): { previous: DocumentRow | undefined; next: DocumentRow | undefined; at: number } {
  const at = rows.findIndex((row) => row.id === id);
  if (at >= 0) return { previous: rows[at - 1], next: rows[at + 1], at };
  // It left the list (it is answered): what took its place is next.
  return { previous: rows[index - 1], next: rows[index], at: -1 };
}
