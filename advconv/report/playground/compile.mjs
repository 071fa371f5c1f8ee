// Replaces the modules in zips by their bytecode: node compile.mjs FILE.zip...
import { readFileSync, writeFileSync } from "node:fs";
import { loadPyodide } from "./pyodide.mjs";

const COMPILE = `
import zipfile
from importlib._bootstrap_external import _code_to_timestamp_pyc

with zipfile.ZipFile("/in.zip") as old, zipfile.ZipFile("/out.zip", "w") as new:
    for name in old.namelist():
        data = old.read(name)
        if name.endswith(".py"):
            name, data = f"{name}c", _code_to_timestamp_pyc(compile(data, f"/{name}", "exec", dont_inherit=True))
        new.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED, 9)
`;

try {
  const python = await loadPyodide();
  for (const file of process.argv.slice(2)) {
    python.FS.writeFile("/in.zip", new Uint8Array(readFileSync(file)));
    python.runPython(COMPILE);
    writeFileSync(file, python.FS.readFile("/out.zip"));
  }
} catch (problem) {
  // Not the uncaught exception: node would print the line of the minified script before it.
  console.error(`Error: ${String(problem.message ?? problem).trim().split("\n").pop()}`);
  process.exit(1);
}
