/** A table of any length: only the rows in sight exist, and the keyboard moves through all of them. */

import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, type ReactNode, useEffect, useId, useLayoutEffect, useRef } from "react";
import { mayTakeFocus } from "./focus";

export interface Column<T> {
  id: string;
  header: string;
  /** The header is for screen readers only. */
  bare?: boolean;
  /** Numbers align at the end. */
  end?: boolean;
  cell: (row: T) => ReactNode;
}

type RowId = string | number;

interface Props<T> {
  label: string;
  /** Sets `--columns`. */
  className: string;
  columns: readonly Column<T>[];
  /** What the rows are of, where one grid shows several things in turn: each begins at its top. */
  of?: string;
  rows: readonly T[];
  rowId: (row: T) => RowId;
  rowHeight: number;
  active: RowId | undefined;
  onActive: (id: RowId) => void;
  onOpen?: (row: T) => void;
  /** Keys beyond moving and opening; true when it was taken. */
  onKey?: (event: KeyboardEvent, row: T | undefined) => boolean;
  /** The lowest row in sight changed. */
  onSeen?: (last: number) => void;
  /** The end is near. */
  onEnd?: () => void;
  total?: number;
  selected?: ReadonlySet<RowId>;
  autoFocus?: boolean;
  rowTestId: string;
  rowData?: (row: T) => Record<`data-${string}`, string | number | undefined>;
  rowClass?: (row: T) => string;
  testId: string;
}

/** Height of `.grid-head`. */
export const HEAD_PX = 28;
/** Rows from the end at which the next page is asked for. */
export const NEAR_END = 20;

export function VirtualGrid<T>(props: Props<T>) {
  const { of, rows, rowId, rowHeight, active, onActive, onOpen, onSeen, onEnd, autoFocus } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const base = useId();
  const activeIndex = active === undefined ? -1 : rows.findIndex((row) => rowId(row) === active);

  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    getItemKey: (index) => {
      const row = rows[index];
      return row === undefined ? index : rowId(row);
    },
    overscan: 8,
    // The head lies above the rows and stays in sight.
    scrollMargin: HEAD_PX,
    scrollPaddingStart: HEAD_PX,
  });
  const items = virtual.getVirtualItems();
  useAnchor(scroller, of, rows, rowId, rowHeight);

  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    onSeen?.(last);
    if (rows.length > 0 && last >= rows.length - NEAR_END) onEnd?.();
  }, [last, rows.length, onSeen, onEnd]);

  useEffect(() => {
    if (autoFocus && mayTakeFocus()) scroller.current?.focus({ preventScroll: true });
  }, [autoFocus, of]);

  // A row that became active from outside (back from a document, a removed row) is brought into sight once.
  const shown = useRef<RowId | undefined>(undefined);
  useEffect(() => {
    if (activeIndex >= 0 && shown.current !== active) {
      shown.current = active;
      virtual.scrollToIndex(activeIndex, { align: "auto" });
    }
  }, [active, activeIndex, virtual]);

  const move = (to: number) => {
    const index = Math.max(0, Math.min(rows.length - 1, to));
    const row = rows[index];
    if (row === undefined) return;
    const id = rowId(row);
    shown.current = id;
    virtual.scrollToIndex(index, { align: "auto" });
    onActive(id);
  };

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.target !== scroller.current) return;
    const row = rows[activeIndex];
    if (props.onKey?.(event, row)) {
      event.preventDefault();
      return;
    }
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? rowHeight) / rowHeight) - 2);
    const target: Record<string, number> = {
      ArrowDown: activeIndex + 1,
      ArrowUp: activeIndex - 1,
      PageDown: activeIndex + page,
      PageUp: activeIndex - page,
      Home: 0,
      End: rows.length - 1,
    };
    const to = target[event.key];
    if (to !== undefined) {
      event.preventDefault();
      move(to);
    } else if (event.key === "Enter" && row !== undefined && onOpen) {
      event.preventDefault();
      onOpen(row);
    }
  };

  return (
    <div
      ref={scroller}
      className={`grid ${props.className}`}
      role="grid"
      aria-label={props.label}
      aria-rowcount={(props.total ?? rows.length) + 1}
      aria-colcount={props.columns.length}
      aria-activedescendant={activeIndex >= 0 ? `${base}-${active}` : undefined}
      tabIndex={0}
      onKeyDown={onKeyDown}
      data-testid={props.testId}
    >
      <div className="grid-head" role="row" aria-rowindex={1}>
        {props.columns.map((column) => (
          <div key={column.id} role="columnheader" className={column.end ? "grid-cell grid-cell-end" : "grid-cell"}>
            <span className={column.bare ? "hidden" : "clip"}>{column.header}</span>
          </div>
        ))}
      </div>
      <div className="grid-body" role="presentation" style={{ height: virtual.getTotalSize() }}>
        {items.map((item) => {
          const row = rows[item.index];
          if (row === undefined) return null;
          const id = rowId(row);
          return (
            <div
              key={item.key}
              id={`${base}-${id}`}
              role="row"
              aria-rowindex={item.index + 2}
              aria-selected={props.selected ? props.selected.has(id) : id === active}
              data-active={id === active}
              data-testid={props.rowTestId}
              {...props.rowData?.(row)}
              className={`grid-row ${props.rowClass?.(row) ?? ""}`}
              style={{ height: rowHeight, transform: `translateY(${item.start - HEAD_PX}px)` }}
              onClick={() => {
                shown.current = id;
                onActive(id);
              }}
              onDoubleClick={() => onOpen?.(row)}
            >
              {props.columns.map((column) => (
                <div key={column.id} role="gridcell" className={column.end ? "grid-cell grid-cell-end" : "grid-cell"}>
                  {column.cell(row)}
                </div>
              ))}
            </div>
          );
        })}
      </div>
    </div>
  );
}

/**
 * Keeps what is looked at where it is: when rows come or go above the first row in sight, the scroll position moves
 * with it. At the very top it stays, so that new work is seen. What is of something else begins at its top.
 */
function useAnchor<T>(
  scroller: React.RefObject<HTMLDivElement | null>,
  of: string | undefined,
  rows: readonly T[],
  rowId: (row: T) => RowId,
  rowHeight: number,
): void {
  const before = useRef({ of, rows });
  useLayoutEffect(() => {
    const { of: oldOf, rows: old } = before.current;
    before.current = { of, rows };
    const element = scroller.current;
    if (element && of !== oldOf) element.scrollTop = 0;
    if (!element || old === rows || element.scrollTop < rowHeight) return;
    const first = old[Math.floor(element.scrollTop / rowHeight)];
    if (first === undefined) return;
    const id = rowId(first);
    const was = Math.floor(element.scrollTop / rowHeight);
    const is = rows.findIndex((row) => rowId(row) === id);
    if (is >= 0 && is !== was) element.scrollTop += (is - was) * rowHeight;
  });
}
