/** Every command, in the order of `--help`. To add one: a file that exports `register`, an import and an entry here. */
import * as bypass from "./bypass.ts";
import * as config from "./config.ts";
import * as doctor from "./doctor.ts";
import * as lists from "./lists.ts";
import type { Register } from "./program.ts";
import * as quarantine from "./quarantine.ts";
import * as queue from "./queue.ts";
import * as rebuild from "./rebuild.ts";
import * as rules from "./rules.ts";
import * as run from "./run.ts";
import * as scan from "./scan.ts";

export const commands: readonly Register[] = [
  run.register,
  scan.register,
  quarantine.register,
  queue.register,
  lists.register,
  rules.register,
  bypass.register,
  config.register,
  doctor.register,
  rebuild.register,
];
