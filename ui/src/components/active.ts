/** The row of a list that the keys act on: the one that was looked at, wherever it now stands. */

import { useEffect, useState } from "react";
import type { Paged } from "./pages";

type RowId = string | number;

/**
 * The first row shown stays the active one when others come before it; when it leaves the list, the one that took its
 * place is next. Another filter (`of`) begins at its top, unless the row is there too.
 */
export function useActiveRow<T>({ rows, before }: Paged<T>, id: (row: T) => RowId, of: string, first: RowId | undefined) {
  const [place, setPlace] = useState({ id: first, index: 0, of });
  const at = rows.findIndex((row) => id(row) === place.id);
  const index = at >= 0 ? at : Math.min(place.of === of ? place.index : 0, rows.length - 1);
  const current = rows[index];
  const currentId = current === undefined ? undefined : id(current);
  const known = place.id === currentId && place.index === index && place.of === of;
  useEffect(() => {
    if (!known && !before && currentId !== undefined) setPlace({ id: currentId, index, of });
  }, [known, before, currentId, index, of]);

  const setActive = (next: RowId) => setPlace({ id: next, index, of });
  const step = (by: number) => {
    const row = rows[Math.max(0, Math.min(rows.length - 1, index + by))];
    if (row !== undefined) setActive(id(row));
  };
  return { current, setActive, step };
}
