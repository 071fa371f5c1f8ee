// The editor: CodeMirror with YAML's colours, and the findings marked in the text.
"use strict";
import { defaultKeymap, history, historyKeymap } from "./editor/codemirror-commands.js";
import { yaml } from "./editor/codemirror-lang-yaml.js";
import { bracketMatching, indentOnInput, indentUnit, syntaxHighlighting } from "./editor/codemirror-language.js";
import { lintGutter, nextDiagnostic, previousDiagnostic, setDiagnostics } from "./editor/codemirror-lint.js";
import { EditorState } from "./editor/codemirror-state.js";
import { EditorView, highlightActiveLine, highlightSpecialChars, keymap, lineNumbers, placeholder } from "./editor/codemirror-view.js";
import { classHighlighter } from "./editor/lezer-highlight.js";

const SEVERITIES = { error: "error", warning: "warning", information: "info" };

const THEME = EditorView.theme({
  "&": { height: "100%", color: "var(--text)", backgroundColor: "var(--paper)", fontSize: "13px" },
  "&.cm-focused": { outline: "2px solid var(--accent)", outlineOffset: "1px" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.5" },
  ".cm-content": { caretColor: "var(--text)" },
  ".cm-gutters": { color: "var(--muted)", backgroundColor: "var(--code)", borderRight: "1px solid var(--line)" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "transparent" },
  "&.cm-focused .cm-activeLine": { boxShadow: "inset 2px 0 var(--accent)" },
  ".cm-placeholder": { color: "var(--muted)" },
  ".cm-tooltip": { color: "var(--text)", backgroundColor: "var(--panel)", border: "1px solid var(--edge)", maxWidth: "34rem" },
  ".cm-diagnostic": { fontFamily: "inherit", whiteSpace: "pre-wrap", overflowWrap: "anywhere" },
  ".cm-diagnosticAction": { color: "var(--paper)", backgroundColor: "var(--accent)", font: "inherit" },
  ".tok-propertyName": { color: "var(--accent)" },
  ".tok-string, .tok-string2": { color: "var(--good)" },
  ".tok-comment": { color: "var(--muted)", fontStyle: "italic" },
  ".tok-meta, .tok-labelName, .tok-typeName, .tok-keyword": { color: "var(--warn)" },
  ".tok-punctuation, .tok-separator": { color: "var(--muted)" },
});

// The browser would keep the style of the replaced text by inline styles, which the policy does not allow.
function typedOverSelection(event, view) {
  if (event.inputType !== "insertText" || event.isComposing || view.state.selection.main.empty) return false;
  event.preventDefault();
  const changes = view.state.replaceSelection(event.data ?? "");
  view.dispatch(view.state.update(changes, { userEvent: "input.type", scrollIntoView: true }));
  return true;
}

const host = document.getElementById("editor").attachShadow({ mode: "open" });
let changed = () => {};

const view = new EditorView({
  // In a shadow root the editor adopts its style sheets, which a policy without inline styles allows.
  root: host,
  parent: host,
  state: EditorState.create({
    extensions: [
      lineNumbers(), lintGutter(), history(), highlightSpecialChars(), highlightActiveLine(), bracketMatching(),
      indentOnInput(), indentUnit.of("  "), yaml(), syntaxHighlighting(classHighlighter),
      EditorView.lineWrapping, THEME, placeholder("Type a network, or choose one under Start from."),
      EditorView.contentAttributes.of({ "aria-label": "The file, in YAML", tabindex: "0" }),
      EditorView.domEventHandlers({ beforeinput: typedOverSelection }),
      keymap.of([
        { key: "F8", run: nextDiagnostic }, { key: "Shift-F8", run: previousDiagnostic },
        ...defaultKeymap, ...historyKeymap,
      ]),
      EditorView.updateListener.of((update) => { if (update.docChanged) changed(); }),
    ],
  }),
});

export function onChange(listener) {
  changed = listener;
}

export function text() {
  return view.state.doc.toString();
}

// One step that can be undone.
export function replaceText(insert) {
  view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert }, selection: { anchor: 0 }, scrollIntoView: true });
}

// The findings of a text, which is the one in the editor.
export function mark(diagnostics, checked) {
  const length = view.state.doc.length;
  const within = (offset) => Math.min(offset, length);
  view.dispatch(setDiagnostics(view.state, diagnostics.map((found) => ({
    from: within(found.from),
    to: within(found.to),
    severity: SEVERITIES[found.severity],
    source: found.code,
    message: found.help ? `${found.message}\nhelp: ${found.help}` : found.message,
    actions: found.edits.length ? [{ name: "Fix", apply: () => fix(found, checked) }] : [],
  }))));
}

export function goTo(found) {
  const anchor = Math.min(found.from, view.state.doc.length);
  view.dispatch({ selection: { anchor }, effects: EditorView.scrollIntoView(anchor, { y: "center" }) });
  view.focus();
}

// The edits have the offsets of the text that was checked.
export function fix(found, checked) {
  if (checked === text()) view.dispatch({ changes: found.edits.map(({ from, to, text: insert }) => ({ from, to, insert })) });
  view.focus();
}
