// The worker in which Python runs, and the questions to it: a check of the newest text, then its page.
"use strict";

const listeners = new Map();
let worker = null;
let isReady = false;
let isBusy = false;
const wanted = { check: null, report: null };

export function on(kind, listener) {
  listeners.set(kind, listener);
  // What came before the listener did.
  for (const message of early.splice(0)) tell(message);
}

const early = [];

function tell(message) {
  const listener = listeners.get(message.kind);
  if (listener) listener(message);
  else early.push(message);
}

export function ask(kind, text) {
  wanted[kind] = text;
  send();
}

// Only the newest text of each kind is asked for; a check comes before a page.
function send() {
  if (!worker) start();
  if (!isReady || isBusy) return;
  const kind = wanted.check !== null ? "check" : "report";
  if (wanted[kind] === null) return;
  isBusy = true;
  worker.postMessage({ kind, text: wanted[kind] });
  wanted[kind] = null;
}

// From a blob, a worker has the policy of this page: it can ask nothing of another server.
function start() {
  const address = new URL("worker.js", import.meta.url).href;
  const blob = new Blob([`import ${JSON.stringify(address)};`], { type: "text/javascript" });
  worker = new Worker(URL.createObjectURL(blob), { type: "module" });
  worker.addEventListener("error", (event) => stop(event.message || "its worker could not be started"));
  worker.addEventListener("message", ({ data }) => {
    if (data.kind === "stopped") return stop(data.message);
    isReady = true;
    isBusy = false;
    tell(data);
    send();
  });
}

// The next question starts another worker.
function stop(message) {
  worker?.terminate();
  worker = null;
  isReady = isBusy = false;
  wanted.check = wanted.report = null;
  tell({ kind: "stopped", message });
}

if (typeof WebAssembly === "object") {
  document.getElementById("needs").hidden = true;
  start();
}
