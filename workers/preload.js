// Gives a child its program without types, made by the parent from the same sources: Node's own stripper would cost each
// child 17 MB. JavaScript, since it runs before there is anything that reads TypeScript.
import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";

// Meant for the whole group (Ctrl-C, a supervisor): the gateway ends its children itself, when their jobs are done.
for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => undefined);

const root = new URL("../", import.meta.url).href;

/** @returns {Record<string, string>} */
function readProgram() {
  try {
    return JSON.parse(readFileSync("program.json", "utf8"));
  } catch {
    return {};
  }
}

const program = readProgram();
registerHooks({
  load(url, context, next) {
    const source = url.startsWith(root) ? program[url.slice(root.length)] : undefined;
    return source === undefined ? next(url, context) : { format: "module", source, shortCircuit: true };
  },
});
