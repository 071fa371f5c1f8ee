"use strict";
// The rows of the network: pointer and focus choose the one whose receptive field the panel draws.
const rows = JSON.parse(document.getElementById("data").textContent);
const SVG = "http://www.w3.org/2000/svg";
const at = (name) => document.getElementById(name);

function svg(name, attributes, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function connected({ box, areas }) {
  if (!box) return [];
  if (!areas.length) return [svg("path", { d: `M${box[0]} ${box[1]}h${box[2]}v${box[3]}h-${box[2]}z` })];
  return areas.flatMap(([rows, columns], number) => [
    svg("clipPath", { id: `area-${number}` }, svg("path", { d: rows })),
    svg("path", { d: columns, "clip-path": `url(#area-${number})` }),
  ]);
}

function draw(row) {
  const [left, top, width, height] = row.box ?? [0, 0, 0, 0];
  for (const box of document.querySelectorAll("#view .outside, #view .field")) {
    for (const [key, value] of Object.entries({ x: left, y: top, width, height })) box.setAttribute(key, value);
  }
  if (row.view) {
    at("view").setAttribute("viewBox", row.view.join(" "));
    const scale = Math.max(row.view[2], row.view[3]) / 280;
    at("hatch").setAttribute("patternTransform", `scale(${scale.toPrecision(4)}) rotate(45)`);
  }
  at("seen").replaceChildren(...connected(row));
}

function describe(row) {
  at("row-label").textContent = row.label;
  at("row-kind").textContent = row.kind;
  at("row-text").textContent = row.text;
  const cells = at("row-readings").querySelectorAll("dd");
  row.readings.forEach((text, place) => { cells[place].textContent = text; });
  const link = document.createElement("a");
  if (row.line) {
    link.href = `#line-${row.line}`;
    link.textContent = `line ${row.line}`;
  }
  at("row-line").replaceChildren(link);
}

let active = null;

function activate(number) {
  if (number === active || !rows[number]) return;
  const row = rows[number];
  active = number;
  draw(row);
  describe(row);
  for (const old of document.querySelectorAll(".active")) old.classList.remove("active");
  for (const one of document.querySelectorAll(`[data-row="${number}"]`)) one.classList.add("active");
  for (const option of document.querySelectorAll("[aria-selected=true]")) option.setAttribute("aria-selected", "false");
  for (const option of document.querySelectorAll(`[role=option][data-row="${number}"]`)) option.setAttribute("aria-selected", "true");
  for (const chart of document.querySelectorAll(".chart")) {
    const cursor = chart.querySelector(".cursor");
    cursor.setAttribute("x", Number(chart.dataset.left) + number * Number(chart.dataset.step));
    cursor.classList.add("active");
  }
  at(`line-${row.line}`)?.classList.add("active");
  tellView();
}

function chosen(event) {
  const row = event.target.closest?.("[data-row]");
  if (row) return Number(row.dataset.row);
  const chart = event.target.closest?.(".chart");
  if (!chart || event.type === "focusin") return null;
  const box = chart.getBoundingClientRect();
  const x = ((event.clientX - box.left) / box.width) * Number(chart.dataset.width) - Number(chart.dataset.left);
  return Math.floor(x / Number(chart.dataset.step));
}

// A page that scrolls under a pointer at rest moves it too; if the keys have scrolled it, they choose the row.
let place = "";
let isKeyboard = false;
document.addEventListener("keydown", () => { isKeyboard = true; }, true);
document.addEventListener("wheel", () => { isKeyboard = false; }, { passive: true });

function isAtRest(event) {
  if (event.type !== "pointermove") return false;
  const before = place;
  place = `${event.screenX} ${event.screenY}`;
  isKeyboard = isKeyboard && place === before;
  return isKeyboard;
}

for (const type of ["pointermove", "focusin", "click"]) {
  document.addEventListener(type, (event) => {
    const number = isAtRest(event) ? null : chosen(event);
    if (number !== null) activate(number);
  });
}

// One stop of the Tab key for the diagram and for each table; the arrow keys move inside.
const STEPS = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity };

document.addEventListener("keydown", (event) => {
  const from = event.target;
  const step = STEPS[event.key];
  if (step === undefined || !from.matches("[role=option], tbody tr") || event.ctrlKey || event.altKey || event.metaKey) return;
  if (from.matches("tr") && /Left|Right/.test(event.key)) return;
  const all = [...from.closest("[role=listbox], tbody").querySelectorAll("[role=option], tr")];
  const to = all[Math.min(all.length - 1, Math.max(0, all.indexOf(from) + step))];
  event.preventDefault();
  from.setAttribute("tabindex", "-1");
  to.setAttribute("tabindex", "0");
  to.focus();
});

// The headers of a table sort it by their column.
const order = new Intl.Collator(undefined, { numeric: true }).compare;

function key(line, column) {
  const cell = line.cells[column];
  const text = cell.dataset.key ?? cell.textContent;
  return /^-?[\d.]+$/.test(text) ? Number(text) : text;
}

function compare(a, b) {
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
  return order(a, b);
}

for (const button of document.querySelectorAll(".table th button")) {
  const head = button.closest("th");
  head.setAttribute("aria-sort", "none");
  button.addEventListener("click", () => {
    const isDown = head.getAttribute("aria-sort") === "ascending";
    for (const other of head.parentElement.cells) other.setAttribute("aria-sort", "none");
    head.setAttribute("aria-sort", isDown ? "descending" : "ascending");
    const body = head.closest("table").tBodies[0];
    const lines = [...body.rows].map((line) => [key(line, head.cellIndex), line]);
    lines.sort(([a], [b]) => (isDown ? compare(b, a) : compare(a, b)));
    body.replaceChildren(...lines.map(([, line]) => line));
  });
}

// A character that is shown by its code is copied as it is.
function copied(code) {
  const copy = code.cloneNode(true);
  for (const shown of copy.querySelectorAll("[data-code]")) shown.textContent = String.fromCodePoint(shown.dataset.code);
  return `${copy.textContent}\n`;
}

async function write(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

for (const button of document.querySelectorAll(".copy")) {
  button.addEventListener("click", async () => {
    await write(copied(button.parentElement.querySelector("code")));
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
}

// In the playground, a newer page continues at the place of the older one, which is the name of its frame.
function tellView() {
  if (parent !== window) parent.postMessage(`${Math.max(0, Math.round(scrollY))} ${active ?? ""}`, "*");
}

if (parent !== window && /^\d+ \d*$/.test(name)) {
  const [top, row] = name.split(" ");
  if (row) activate(Number(row));
  scrollTo(0, Number(top));
}
addEventListener("scroll", tellView, { passive: true });
