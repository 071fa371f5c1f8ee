// Connects the editor, the checker, the report and the tools of the page.
"use strict";
import { ask, on } from "./checker.js";
import { fix, goTo, mark, onChange, replaceText, text } from "./editor.js";
import { linked, MAX_LINK, textIn } from "./link.js";
import { show } from "./pages.js";

const at = (name) => document.getElementById(name);
const PAUSE = { check: 40, report: 350, spoken: 1200 };
const KEPT = "advconv-playground";

const timers = {};

function later(kind, action) {
  clearTimeout(timers[kind]);
  timers[kind] = setTimeout(action, PAUSE[kind]);
}

function say(message) {
  at("notice").textContent = message;
  at("notice").hidden = !message;
}

function made(name, properties, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

// As a file would hold it: half of a pair of code units is not written.
const current = () => text().toWellFormed?.() ?? text();

// The check of the newest text.
let last = { name: null, is_measured: false };
let hasNetwork = false;
let isSaving = false;
// To start from, by name.
const files = {};

onChange(() => {
  keep();
  if (text() !== files[at("start").value]) at("start").value = "";
  later("check", () => ask("check", current()));
});

on("check", ({ text: checked, found, milliseconds }) => {
  if (checked !== current()) return;
  last = found;
  mark(found.diagnostics, checked);
  list(found.diagnostics, checked);
  state(found, milliseconds);
  // A page without a network does not replace one that has it: what is half typed is an error for a moment.
  at("stale").hidden = found.is_measured || !hasNetwork;
  if (found.is_measured || !hasNetwork) later("report", () => ask("report", checked));
});

on("report", ({ text: checked, found }) => {
  if (isSaving) save(`${fileName()}.html`, found, "text/html");
  isSaving = false;
  if (checked !== current() || (hasNetwork && !last.is_measured)) return;
  hasNetwork = last.is_measured;
  show(found);
});

on("stopped", ({ message }) => {
  at("state").textContent = "Stopped";
  at("state").className = "bad";
  at("note").textContent = "";
  say(`The check has stopped: ${message}. It starts again with the next change of the text.`);
});

function state(found, milliseconds) {
  const [kept, judged] = found.constraints;
  const constraints = judged ? `${kept} of ${judged} constraints kept` : "";
  at("state").textContent = found.state;
  at("state").className = found.ok ? "good" : "bad";
  at("note").textContent = `${constraints} (checked in ${Math.round(milliseconds)} ms)`;
  // A screen reader is told after a pause, not at each key.
  later("spoken", () => { at("spoken").textContent = [found.state, constraints].filter(Boolean).join(", "); });
}

function list(diagnostics, checked) {
  at("findings").replaceChildren(...diagnostics.map((found) => {
    const place = made("button", { type: "button", className: "place" }, `line ${found.line}, column ${found.column}`);
    place.addEventListener("click", () => goTo(found));
    const kind = made("span", { className: `severity ${found.severity}` }, `${found.severity} ${found.code}`);
    const parts = [place, " ", kind, " ", made("span", {}, found.message)];
    if (found.help) parts.push(made("span", { className: "help" }, `help: ${found.help}`));
    if (found.edits.length) {
      const button = made("button", { type: "button", className: "fix" }, "Fix");
      button.setAttribute("aria-label", `Fix ${found.code} in line ${found.line}`);
      button.addEventListener("click", () => fix(found, checked));
      parts.push(button);
    }
    return made("li", {}, ...parts);
  }));
}

// Files to start from, links, and the text of this tab before it was loaded again.

function open(content) {
  hasNetwork = false;
  replaceText(content);
  // Also if it was the text of the editor before.
  later("check", () => ask("check", current()));
}

async function choices() {
  const groups = await (await fetch("starts.json")).json();
  for (const { title, files: inside } of groups) {
    const group = made("optgroup", { label: title }, ...Object.keys(inside).map((name) => made("option", { value: name }, name)));
    at("start").append(group);
    Object.assign(files, inside);
  }
  at("start").addEventListener("change", () => {
    if (!at("start").value) return;
    open(files[at("start").value]);
    history.replaceState(null, "", location.pathname);
    say("");
  });
  return Object.values(files)[0];
}

function keep() {
  try {
    sessionStorage.setItem(KEPT, text());
  } catch {
    // Where a browser keeps nothing, the text is gone when the page is.
  }
}

function kept() {
  try {
    return sessionStorage.getItem(KEPT);
  } catch {
    return null;
  }
}

// The text of a link; an empty one, and the reason, if the link has none.
async function fromLink() {
  try {
    return await textIn(location.hash);
  } catch (problem) {
    say(`The file of this address cannot be opened: ${problem.message}.`);
    return "";
  }
}

addEventListener("hashchange", async () => {
  const content = await fromLink();
  if (content === null) return;
  if (content) say("");
  open(content);
});

at("link").addEventListener("click", async () => {
  const hash = await linked(text());
  if (hash.length > MAX_LINK) {
    const sizes = [hash.length, MAX_LINK].map((size) => size.toLocaleString("en"));
    return say(`The file has ${sizes[0]} characters in a link, which holds at most ${sizes[1]}. Download the file instead.`);
  }
  history.replaceState(null, "", hash);
  try {
    await navigator.clipboard.writeText(location.href);
    say(`Copied: a link of ${location.href.length.toLocaleString("en")} characters, which holds the whole file.`);
  } catch {
    say("The address of this page is now the link; copy it from there.");
  }
});

function fileName() {
  return /^[\w-]{1,60}$/.test(last.name ?? "") ? last.name : "network";
}

function save(name, content, type) {
  const address = URL.createObjectURL(new Blob([content], { type }));
  made("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

at("save-yaml").addEventListener("click", () => save(`${fileName()}.yaml`, text(), "text/yaml"));
at("save-page").addEventListener("click", () => {
  isSaving = true;
  ask("report", current());
});

const first = await choices();
open((await fromLink()) ?? kept() ?? first);
