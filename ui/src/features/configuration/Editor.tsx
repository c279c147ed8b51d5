/**
 * The text of a configuration: CodeMirror in a shadow root. In a shadow root it takes its styles as constructed sheets,
 * so the page's policy stays `style-src 'self'`.
 */

import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { json, jsonParseLinter } from "@codemirror/lang-json";
import { bracketMatching, foldGutter, foldKeymap, HighlightStyle, indentOnInput, syntaxHighlighting } from "@codemirror/language";
import { type Diagnostic, forEachDiagnostic, lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import { EditorState } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { useEffect, useRef } from "react";
import { text } from "../../texts/en";
import { complete, diagnostics, hover, type Mark } from "./assist";
import { rangeOf } from "./places";

const colours = HighlightStyle.define([
  { tag: tags.propertyName, color: "var(--accent-text)" },
  { tag: tags.string, color: "var(--text)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--caution)" },
  { tag: [tags.separator, tags.squareBracket, tags.brace], color: "var(--text-soft)" },
]);

const look = EditorView.theme({
  "&": { height: "100%", color: "var(--text)", backgroundColor: "var(--layer)", fontSize: "12.5px" },
  ".cm-scroller": { fontFamily: "var(--font-mono)", lineHeight: "19px" },
  "&.cm-focused": { outline: "none" },
  ".cm-gutters": { backgroundColor: "var(--layer)", color: "var(--text-faint)", border: "none" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "var(--hover)" },
  ".cm-content": { caretColor: "var(--text)" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": { background: "var(--selected-hover)" },
  ".cm-matchingBracket": { backgroundColor: "var(--selected)", outline: "1px solid var(--line-hard)" },
  ".cm-selectionMatch, .cm-searchMatch": { backgroundColor: "var(--caution-back)" },
  ".cm-foldPlaceholder": { backgroundColor: "var(--neutral-back)", border: "none", color: "var(--text-soft)", padding: "0 6px" },
  ".cm-tooltip": {
    backgroundColor: "var(--raised)",
    color: "var(--text)",
    border: "1px solid var(--line-hard)",
    borderRadius: "var(--radius)",
    boxShadow: "var(--shadow)",
    fontFamily: "var(--font)",
    maxWidth: "440px",
  },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: "var(--font-mono)", maxHeight: "16em" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]": { backgroundColor: "var(--accent)", color: "var(--on-accent)" },
  ".cm-completionInfo": { maxWidth: "320px", padding: "6px 8px" },
  ".cm-meaning": { padding: "6px 10px" },
  ".cm-meaning code": { color: "var(--text-soft)", fontFamily: "var(--font-mono)" },
  ".cm-diagnostic": { padding: "5px 10px" },
  ".cm-panels": { backgroundColor: "var(--sunken)", color: "var(--text)", borderColor: "var(--line-soft)" },
  ".cm-textfield, .cm-button": {
    backgroundColor: "var(--raised)",
    backgroundImage: "none",
    color: "var(--text)",
    border: "1px solid var(--line-hard)",
    borderRadius: "var(--radius)",
  },
});

/** What the JSON itself says is wrong, before anybody else looks. */
const broken = jsonParseLinter();

export interface EditorHandle {
  /** Selects the value of a JSON pointer and scrolls to it. */
  show(pointer: string): void;
}

interface Props {
  /** The first text; later changes come from the person, or with another `key`. */
  initial: string;
  marks: readonly Mark[];
  onChange: (text: string) => void;
  handle: { current: EditorHandle | undefined };
}

export function Editor({ initial, marks, onChange, handle }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | undefined>(undefined);
  const changed = useRef(onChange);
  useEffect(() => {
    changed.current = onChange;
  });

  useEffect(() => {
    const host = place.current;
    if (!host) return;
    const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
    const editor = new EditorView({
      root,
      parent: root,
      state: EditorState.create({
        doc: initial,
        extensions: [
          lineNumbers(),
          foldGutter(),
          lintGutter(),
          history(),
          drawSelection(),
          indentOnInput(),
          bracketMatching(),
          closeBrackets(),
          highlightActiveLine(),
          highlightActiveLineGutter(),
          highlightSelectionMatches(),
          search({ top: true }),
          json(),
          autocompletion({ override: [complete] }),
          hover,
          look,
          syntaxHighlighting(colours),
          // Tab leaves the editor: everything is reached by keys, and nobody is caught in here.
          keymap.of([...closeBracketsKeymap, ...completionKeymap, ...lintKeymap, ...searchKeymap, ...historyKeymap, ...foldKeymap, ...defaultKeymap]),
          EditorView.contentAttributes.of({ "aria-label": text.configuration.editor, "data-testid": "configuration-text" }),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) changed.current(update.state.doc.toString());
          }),
        ],
      }),
    });
    view.current = editor;
    handle.current = {
      show: (pointer) => {
        const range = rangeOf(editor.state, pointer);
        editor.dispatch({ selection: { anchor: range.from, head: range.to }, effects: EditorView.scrollIntoView(range.from, { y: "center" }) });
        editor.focus();
      },
    };
    return () => {
      editor.destroy();
      view.current = undefined;
      handle.current = undefined;
    };
  }, [initial, handle]);

  useEffect(() => {
    const editor = view.current;
    if (!editor) return;
    const syntax = broken(editor);
    const wanted: Diagnostic[] = syntax.length > 0 ? [...syntax] : diagnostics(editor.state, marks);
    let shown = 0;
    forEachDiagnostic(editor.state, () => shown++);
    if (wanted.length > 0 || shown > 0) editor.dispatch(setDiagnostics(editor.state, wanted));
  }, [marks, initial]);

  return <div className="configuration-editor" ref={place} data-testid="configuration-editor" />;
}
