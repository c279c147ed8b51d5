/**
 * Every action of a screen, with its key. A screen registers its actions while it is shown; the key handler, the
 * palette and the list of keys all read the same register, so no action is without a key and none is listed twice.
 */

import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useRef, useState } from "react";

export interface Action {
  id: string;
  title: string;
  /**
   * `c`, `Shift+C`, `Ctrl+K`, `Alt+S`, `Escape`, or two keys one after the other: `g q`.
   * Keys without Ctrl or Alt do not act while a person types.
   */
  key: string;
  /** Heading in the palette. */
  group: string;
  run: () => void;
  /** Runs again and again while its key is held. */
  repeats?: boolean;
  /** Shown, but not to be run now. */
  disabled?: boolean;
}

interface Register {
  /** Later registrations come first: a dialog's key wins over the screen below. */
  actions: readonly Action[];
  register(actions: readonly Action[]): () => void;
}

const RegisterContext = createContext<Register | undefined>(undefined);
/** The first key of a two-key action waits this long for the second. */
const SEQUENCE_MS = 1_200;

/** The key of an event in the notation of `Action.key`. */
export function keyOf(event: Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey" | "shiftKey">): string {
  const parts: string[] = [];
  if (event.ctrlKey || event.metaKey) parts.push("Ctrl");
  if (event.altKey) parts.push("Alt");
  const letter = /^[a-z]$/i.test(event.key);
  if (event.shiftKey && (letter || event.key.length > 1)) parts.push("Shift");
  if (event.key === " ") parts.push("Space");
  else parts.push(letter ? (parts.length > 0 ? event.key.toUpperCase() : event.key.toLowerCase()) : event.key);
  return parts.join("+");
}

/** Whether a person types where the event began. In a shadow root its `target` names no more than the host. */
function typing(event: Event): boolean {
  const target = event.composedPath()[0];
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
}

/** Keys that act even while a person types: those with Ctrl or Alt, function keys, and Escape. */
function worksWhileTyping(key: string): boolean {
  return key === "Escape" || /^(Ctrl|Alt)\+/.test(key) || /^(Shift\+)?F\d+$/.test(key);
}

/** The action that a key runs, given the key typed before it. */
export function match(actions: readonly Action[], before: string | undefined, key: string): Action | undefined {
  const sequence = before === undefined ? undefined : actions.find((a) => a.key === `${before} ${key}`);
  return sequence ?? actions.find((a) => a.key === key);
}

function overlayOpen(): boolean {
  return document.querySelector("[data-overlay]") !== null;
}

export function ActionsProvider({ children }: { children: ReactNode }) {
  const [layers, setLayers] = useState<readonly (readonly Action[])[]>([]);
  const register = useCallback((actions: readonly Action[]) => {
    setLayers((all) => [actions, ...all]);
    return () => setLayers((all) => all.filter((one) => one !== actions));
  }, []);
  const actions = useMemo(() => layers.flat(), [layers]);
  const latest = useRef(actions);
  useEffect(() => {
    latest.current = actions;
  }, [actions]);

  useEffect(() => {
    let before: { key: string; at: number } | undefined;
    const onKey = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.isComposing) return;
      if (/^(Control|Shift|Alt|Meta)$/.test(event.key)) return;
      const key = keyOf(event);
      if (typing(event) && !worksWhileTyping(key)) return;
      // A dialog has the keys to itself: what lies below must not act unseen.
      if (overlayOpen()) return;
      const first = before && Date.now() - before.at < SEQUENCE_MS ? before.key : undefined;
      before = undefined;
      const action = match(latest.current, first, key);
      if (action && !action.disabled) {
        event.preventDefault();
        if (!event.repeat || action.repeats) action.run();
      } else if (latest.current.some((one) => one.key.startsWith(`${key} `))) {
        before = { key, at: Date.now() };
      }
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, []);

  const value = useMemo(() => ({ actions, register }), [actions, register]);
  return <RegisterContext.Provider value={value}>{children}</RegisterContext.Provider>;
}

function useRegister(): Register {
  const register = useContext(RegisterContext);
  if (!register) throw new Error("ActionsProvider is missing");
  return register;
}

/** Registers the screen's actions. `run` may change every time; only what is listed makes a new registration. */
export function useActions(actions: readonly Action[]): void {
  const { register } = useRegister();
  const latest = useRef(actions);
  useEffect(() => {
    latest.current = actions;
  });
  const shape = actions.map((a) => `${a.id}\u0001${a.title}\u0001${a.key}\u0001${a.group}\u0001${a.disabled ? 1 : 0}`).join("\u0002");
  useEffect(() => {
    const stable = latest.current.map((action) => ({
      ...action,
      run: () => latest.current.find((one) => one.id === action.id)?.run(),
    }));
    return register(stable);
  }, [register, shape]);
}

export function useActionList(): readonly Action[] {
  return useRegister().actions;
}
