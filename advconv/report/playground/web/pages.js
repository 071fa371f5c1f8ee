// The report beside the editor: a frame without an origin, whose own policy allows its one script.
"use strict";

const place = document.getElementById("pages");
let shown = null;
// Where the reader is on the page, as the page says: how far it is scrolled, and its active row.
let view = "";

export function show(html) {
  const frame = document.createElement("iframe");
  frame.setAttribute("sandbox", "allow-scripts");
  frame.setAttribute("allow", "clipboard-write");
  frame.title = "Report";
  frame.name = view;
  const address = URL.createObjectURL(new Blob([html], { type: "text/html" }));
  frame.src = address;
  // The older page stays until the newer one is drawn.
  frame.addEventListener("load", () => {
    URL.revokeObjectURL(address);
    if (frame !== place.lastElementChild) return;
    shown = frame;
    while (place.firstElementChild !== frame) place.firstElementChild.remove();
  }, { once: true });
  place.append(frame);
}

addEventListener("message", (event) => {
  if (event.source !== shown?.contentWindow || typeof event.data !== "string") return;
  if (/^\d{1,7} \d{0,4}$/.test(event.data)) view = event.data;
});
