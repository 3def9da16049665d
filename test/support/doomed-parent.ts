/** A parent for tests that is to be killed: starts two children, one that waits and one that computes for ever, and prints their ids. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createSandbox } from "../../workers/sandbox.ts";
import { frameHead } from "../../workers/frames.ts";

const scratchDir = process.argv[2];
if (scratchDir === undefined) throw new TypeError("needs a scratch folder");
const alsoReadable = [fileURLToPath(new URL(".", import.meta.url)).slice(0, -1)];
const sandbox = await createSandbox({ scratchDir: join(scratchDir, "scratch"), memory: 128 * 2 ** 20, alsoReadable });
const pids: number[] = [];
for (const what of ["eval", "loop"]) {
  const { process: child } = sandbox.start("opener", "test/support/probe.ts", ["pipe", "pipe", "inherit"]);
  pids.push(child.pid ?? 0);
  child.stdin?.write(frameHead({ what: "eval" }, 0));
  await new Promise((resolve) => child.stdout?.once("data", resolve));
  child.stdin?.write(frameHead({ what }, 0));
}
console.log(JSON.stringify(pids));
