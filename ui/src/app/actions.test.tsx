import { fireEvent, render, screen } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { type Action, ActionsProvider, keyOf, match, useActionList, useActions } from "./actions";

const key = (key: string, extra: Partial<KeyboardEvent> = {}) =>
  keyOf({ key, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...extra });

test("keys in the notation of actions", () => {
  expect(key("c")).toBe("c");
  expect(key("C", { shiftKey: true })).toBe("Shift+C");
  expect(key("?", { shiftKey: true })).toBe("?");
  expect(key("k", { ctrlKey: true })).toBe("Ctrl+K");
  expect(key("s", { altKey: true })).toBe("Alt+S");
  expect(key("Enter", { ctrlKey: true })).toBe("Ctrl+Enter");
  expect(key(" ")).toBe("Space");
});

const action = (id: string, key: string): Action => ({ id, key, title: id, group: "g", run: vi.fn() });

test("the second of two keys wins over a single one", () => {
  const actions = [action("queue", "g q"), action("q", "q")];
  expect(match(actions, "g", "q")?.id).toBe("queue");
  expect(match(actions, undefined, "q")?.id).toBe("q");
  expect(match(actions, "g", "z")).toBeUndefined();
});

function Screen({ actions }: { actions: Action[] }) {
  useActions(actions);
  return (
    <>
      <input aria-label="field" />
      <ul>{useActionList().map((one) => <li key={one.id}>{one.title}</li>)}</ul>
    </>
  );
}

test("keys run actions, not while one types, and not below a dialog", () => {
  const save = action("save", "Ctrl+Enter");
  const confirm = action("confirm", "c");
  const go = action("go", "g q");
  const { rerender } = render(<Screen actions={[save, confirm, go]} />, { wrapper: ActionsProvider });
  expect(screen.getAllByRole("listitem")).toHaveLength(3);

  fireEvent.keyDown(document.body, { key: "c" });
  expect(confirm.run).toHaveBeenCalledTimes(1);
  fireEvent.keyDown(document.body, { key: "c", repeat: true });
  expect(confirm.run).toHaveBeenCalledTimes(1);

  const next = { ...action("next", "j"), repeats: true };
  rerender(<Screen actions={[save, confirm, go, next]} />);
  fireEvent.keyDown(document.body, { key: "j" });
  fireEvent.keyDown(document.body, { key: "j", repeat: true });
  expect(next.run).toHaveBeenCalledTimes(2);

  const field = screen.getByLabelText("field");
  fireEvent.keyDown(field, { key: "c" });
  expect(confirm.run).toHaveBeenCalledTimes(1);
  fireEvent.keyDown(field, { key: "Enter", ctrlKey: true });
  expect(save.run).toHaveBeenCalledTimes(1);

  // An editor in a shadow root: to who listens outside, a browser names the host as the target (the DOM of the tests does not).
  const host = document.createElement("div");
  document.body.append(host);
  const inner = host.attachShadow({ mode: "open" }).appendChild(document.createElement("textarea"));
  const typed = new KeyboardEvent("keydown", { key: "c", bubbles: true });
  vi.spyOn(typed, "composedPath").mockReturnValue([inner, host, document.body, window]);
  host.dispatchEvent(typed);
  host.remove();
  expect(confirm.run).toHaveBeenCalledTimes(1);

  fireEvent.keyDown(document.body, { key: "g" });
  fireEvent.keyDown(document.body, { key: "q" });
  expect(go.run).toHaveBeenCalledTimes(1);

  const overlay = document.createElement("div");
  overlay.setAttribute("data-overlay", "");
  document.body.append(overlay);
  fireEvent.keyDown(document.body, { key: "c" });
  overlay.remove();
  expect(confirm.run).toHaveBeenCalledTimes(1);

  rerender(<Screen actions={[{ ...confirm, disabled: true }]} />);
  fireEvent.keyDown(document.body, { key: "c" });
  expect(confirm.run).toHaveBeenCalledTimes(1);
});
