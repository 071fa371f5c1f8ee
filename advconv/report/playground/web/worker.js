// Runs advconv in Pyodide. Its only input is the text of the editor, which is never run.
import { loadPyodide } from "./pyodide/pyodide.mjs";

const address = (path) => new URL(path, import.meta.url).href;
const queue = [];
let answer = (message) => queue.push(message);

addEventListener("message", ({ data }) => answer(data));

async function loaded(name) {
  const response = await fetch(address(name));
  if (!response.ok) throw new Error(`${name}: ${response.status} ${response.statusText}`);
  return response;
}

async function firstStart() {
  const [{ files }] = await (await loaded("starts.json")).json();
  return Object.values(files)[0];
}

async function started() {
  const content = loaded("packages.zip");
  const python = await loadPyodide({
    indexURL: address("pyodide/"),
    stdLibURL: address("python.zip"),
    lockFileContents: { info: INFO, packages: {} },
    packageBaseUrl: address("pyodide/"),
  });
  python.unpackArchive(await (await content).arrayBuffer(), "zip", { extractDir: "/lib/python3.14/site-packages" });
  return python.pyimport("advconv.report.playground.browser");
}

// Of no package: nothing is installed when the page is open.
const INFO = { abi_version: "2026_0", arch: "wasm32", platform: "emscripten_5_0_3", python: "3.14.2", version: "314.0.7" };

try {
  const network = firstStart();
  const browser = await started();
  answer = ({ kind, text }) => {
    const begin = performance.now();
    try {
      const found = kind === "check" ? JSON.parse(browser.answer(text)) : browser.report(text);
      postMessage({ kind, text, found, milliseconds: performance.now() - begin });
    } catch (problem) {
      postMessage({ kind: "stopped", message: lastLine(problem) });
    }
  };
  // What only the first check of a network does is done before someone waits for one.
  browser.answer(await network);
  answer({ kind: "check", text: "advconv: 1\n" });
  queue.forEach(answer);
} catch (problem) {
  postMessage({ kind: "stopped", message: lastLine(problem) });
}

// Of a traceback of Python.
function lastLine(problem) {
  return String(problem.message ?? problem).trim().split("\n").pop();
}
