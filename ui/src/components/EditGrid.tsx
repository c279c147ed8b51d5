/** A table of fields of any length: Enter and the arrows move along a column, whatever is in sight. */

import { defaultRangeExtractor, type Range, useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, type ReactNode, type Ref, useEffect, useImperativeHandle, useRef } from "react";
import { HEAD_PX } from "./VirtualGrid";

export interface GridHandle<F extends string> {
  focus(key: string, field: F): void;
}

/** Where a row lies: what its element needs for its style and its place in the table. */
export interface Place {
  index: number;
  start: number;
  size: number;
}

export const EDIT_ROW_PX = 40;
/** A second line of fields in a row. */
export const EXTRA_PX = 36;
/** The line that says what is wrong with a row. */
export const MESSAGE_PX = 20;

interface Props<R extends { key: string }, F extends string> {
  ref: Ref<GridHandle<F>>;
  label: string;
  /** Sets `--columns`. */
  className: string;
  testId: string;
  head: ReactNode;
  rows: readonly R[];
  active: string | undefined;
  onActive: (key: string) => void;
  /** In pixels; a new function means that heights may have changed. */
  height: (row: R) => number;
  /** A field that a row does not have is passed over. */
  hasField: (row: R, field: F) => boolean;
  children: (row: R, place: Place) => ReactNode;
}

/** The name of a field's element: `data-cell` of the input or select. */
export const cellName = (key: string, field: string) => `${key}:${field}`;

export function EditGrid<R extends { key: string }, F extends string>(props: Props<R, F>) {
  const { ref, label, className, testId, head, rows, active, onActive, height, hasField, children } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const activeIndex = rows.findIndex((row) => row.key === active);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => {
      const row = rows[index];
      return row ? height(row) : EDIT_ROW_PX;
    },
    getItemKey: (index) => rows[index]?.key ?? index,
    overscan: 6,
    scrollMargin: HEAD_PX,
    scrollPaddingStart: HEAD_PX,
    // The row that has the focus stays while one scrolls away from it.
    rangeExtractor: (range: Range) => {
      const shown = defaultRangeExtractor(range);
      return activeIndex < 0 || shown.includes(activeIndex) ? shown : [...shown, activeIndex].sort((a, b) => a - b);
    },
  });
  useEffect(() => virtual.measure(), [virtual, rows, height]);

  const wanted = useRef<{ key: string; field: F } | undefined>(undefined);
  const settle = () => {
    const want = wanted.current;
    if (!want) return;
    const cell = scroller.current?.querySelector<HTMLInputElement | HTMLSelectElement>(
      `[data-cell="${CSS.escape(cellName(want.key, want.field))}"]`,
    );
    if (!cell || cell.disabled) return;
    wanted.current = undefined;
    cell.focus({ preventScroll: true });
    if (cell instanceof HTMLInputElement) cell.select();
  };
  useEffect(settle);
  const focus = (key: string, field: F) => {
    wanted.current = { key, field };
    const index = rows.findIndex((row) => row.key === key);
    if (index >= 0) virtual.scrollToIndex(index, { align: "auto" });
    onActive(key);
    requestAnimationFrame(settle);
  };
  useImperativeHandle(ref, () => ({ focus }));

  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>) => {
    const target = event.target as HTMLElement;
    const cell = target.dataset["cell"];
    if (!cell || event.ctrlKey || event.altKey || event.metaKey) return;
    const isSelect = target instanceof HTMLSelectElement;
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? EDIT_ROW_PX) / EDIT_ROW_PX) - 2);
    const steps: Record<string, number> = {
      Enter: event.shiftKey ? -1 : 1,
      ...(isSelect ? {} : { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page }),
    };
    const step = steps[event.key];
    if (step === undefined || activeIndex < 0) return;
    event.preventDefault();
    const field = cell.slice(cell.lastIndexOf(":") + 1) as F;
    const direction = step > 0 ? 1 : -1;
    let to = Math.max(0, Math.min(rows.length - 1, activeIndex + step));
    for (; to >= 0 && to < rows.length; to += direction) {
      const row = rows[to];
      if (row && hasField(row, field)) return focus(row.key, field);
    }
  };

  return (
    <div ref={scroller} className={`grid ${className}`} role="grid" aria-label={label} aria-rowcount={rows.length + 1} onKeyDown={onKeyDown} data-testid={testId}>
      <div className="grid-head" role="row" aria-rowindex={1}>
        {head}
      </div>
      <div className="grid-body" role="presentation" style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map((item) => {
          const row = rows[item.index];
          return row ? children(row, { index: item.index, start: item.start - HEAD_PX, size: item.size }) : null;
        })}
      </div>
    </div>
  );
}

/** A column's heading. */
export function ColumnHead({ children, end = false }: { children?: ReactNode; end?: boolean }) {
  return (
    <div role="columnheader" className={end ? "grid-cell grid-cell-end" : "grid-cell"}>
      {children}
    </div>
  );
}
