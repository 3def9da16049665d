/** Compiles rules in children that may die, and names the file that kills them: 10 MB of garbage hurt nobody. */
import type { Externals } from "../src/core/job.ts";
import type { Millis } from "../src/core/message.ts";
import type { Log } from "../src/observe/log.ts";
import { Child, ChildGone } from "./child.ts";
import type { RuleProblem, RuleSource } from "./engines/engine.ts";
import { type Compile, type Compiled, isCompiled } from "./protocol.ts";
import type { Sandbox } from "./sandbox.ts";

export interface Checked {
  readonly engine: string;
  readonly ruleCount: number;
  readonly problems: readonly RuleProblem[];
  /** Files whose compilation ended, with problems or without; the others must be left out. */
  readonly harmless: readonly RuleSource[];
}

export interface CheckOptions {
  readonly sandbox: Sandbox;
  readonly externals: Externals;
  /** For all files together; a share of it, at least `leastMs`, for some of them. */
  readonly deadlineMs: Millis;
  readonly log: Log;
}

const leastMs: Millis = 5000;

/** In WASM, whichever engine will scan: what is checked is what people are about to trust. Rejects with ChildGone. */
async function compile(sources: readonly RuleSource[], deadlineMs: Millis, options: CheckOptions): Promise<Compiled> {
  const { sandbox, externals, log } = options;
  const { process, scratch } = sandbox.start("opener", "workers/opener.ts", ["pipe", "pipe", "pipe"]);
  const { stdin, stdout } = process;
  if (!stdin || !stdout) throw new TypeError("a child without pipes");
  const child = new Child(process, { name: "check", input: stdin, output: stdout, log });
  const order: Compile = { kind: "compile", engine: "wasm", externals };
  try {
    const { header } = await child.ask(order, Buffer.from(JSON.stringify(sources)), deadlineMs);
    if (!isCompiled(header)) throw new ChildGone("crashed", "its answer has the wrong shape");
    return header;
  } finally {
    child.kill("aborted", "has told what it knows");
    await child.gone;
    scratch.remove();
  }
}

const causes = {
  crashed: "The engine dies of this file",
  aborted: "The engine dies of this file",
  timeout: "The engine does not come to an end with this file",
  memory: "The engine takes more memory for this file than it may",
} as const;

const lethal = ({ pack, file }: RuleSource, { why }: ChildGone): RuleProblem => ({
  pack,
  file,
  line: 1,
  column: 1,
  code: "",
  message: causes[why],
  level: "error",
});

const weigh = (sources: readonly RuleSource[]): number => sources.reduce((sum, { text }) => sum + text.length + 1, 0);

export async function checkRules(sources: readonly RuleSource[], options: CheckOptions): Promise<Checked> {
  const all = weigh(sources);

  async function check(some: readonly RuleSource[]): Promise<Checked> {
    const deadlineMs = Math.max(leastMs, options.deadlineMs * (all === 0 ? 1 : weigh(some) / all));
    try {
      const { engine, ruleCount, problems } = await compile(some, deadlineMs, options);
      return { engine, ruleCount, problems, harmless: some };
    } catch (error) {
      const [only] = some;
      if (!(error instanceof ChildGone) || !only) throw error;
      if (some.length === 1) return { engine: "", ruleCount: 0, problems: [lethal(only, error)], harmless: [] };
      const half = Math.ceil(some.length / 2);
      const [first, second] = [await check(some.slice(0, half)), await check(some.slice(half))];
      return {
        engine: first.engine || second.engine,
        ruleCount: first.ruleCount + second.ruleCount,
        problems: [...first.problems, ...second.problems],
        harmless: [...first.harmless, ...second.harmless],
      };
    }
  }

  return check(sources);
}
