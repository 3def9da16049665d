/** A program run once at start: prints the sources in the folders given without their types, as JSON by path, for preload.js. */
import { globSync, readFileSync, writeSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));
const files = globSync(
  process.argv.slice(2).map((folder) => `${folder}/**/*.ts`),
  { cwd: root },
);
const stripped = Object.fromEntries(
  files.map((file) => [file, stripTypeScriptTypes(readFileSync(root + file, "utf8"))]),
);
const octets = Buffer.from(JSON.stringify(stripped));
for (let at = 0; at < octets.length; ) at += writeSync(1, octets, at);
