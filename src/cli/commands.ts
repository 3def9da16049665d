/** Every command, in the order of `--help`. To add one: a file that exports `register`, and a line here. */
import type { Register } from "./program.ts";

interface CommandFile {
  readonly names: readonly string[];
  readonly load: () => Promise<{ readonly register: Register }>;
}

export const files: readonly CommandFile[] = [
  { names: ["run", "serve"], load: () => import("./run.ts") },
  { names: ["work"], load: () => import("./work.ts") },
  { names: ["web"], load: () => import("./web.ts") },
  { names: ["scan"], load: () => import("./scan.ts") },
  { names: ["explain"], load: () => import("./explain.ts") },
  { names: ["quarantine"], load: () => import("./quarantine.ts") },
  { names: ["adopt"], load: () => import("./adopt.ts") },
  { names: ["queue"], load: () => import("./queue.ts") },
  { names: ["allow", "block"], load: () => import("./lists.ts") },
  { names: ["rules"], load: () => import("./rules.ts") },
  { names: ["users"], load: () => import("./users.ts") },
  { names: ["bypass"], load: () => import("./bypass.ts") },
  { names: ["config"], load: () => import("./config.ts") },
  { names: ["doctor"], load: () => import("./doctor.ts") },
  { names: ["rebuild"], load: () => import("./rebuild.ts") },
];

/** Only what the words of a command line may mean: loading all of them would take most of the time of a short command. */
export async function commandsFor(argv: readonly string[]): Promise<readonly Register[]> {
  const meant = files.filter(({ names }) => names.some((name) => argv.includes(name)));
  const loaded = await Promise.all((meant.length > 0 ? meant : files).map(({ load }) => load()));
  return loaded.map(({ register }) => register);
}
