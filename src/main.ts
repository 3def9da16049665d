/** argv → command. */
import { readFileSync } from "node:fs";
import { commandsFor } from "./cli/commands.ts";
import { run } from "./cli/program.ts";

const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  version: string;
};

// `sallyport … | head` closes the pipe early; that is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit();
});

const argv = process.argv.slice(2);
process.exitCode = await run(
  argv,
  { cwd: process.cwd(), stdout: process.stdout, stderr: process.stderr },
  version,
  await commandsFor(argv),
);
