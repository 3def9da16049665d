/** Every command, in the order of `--help`. To add one: a file that exports `register`, an import and an entry here. */
import * as config from "./config.ts";
import type { Register } from "./program.ts";

export const commands: readonly Register[] = [config.register];
