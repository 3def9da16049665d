/** `npm run bench`: Sallyport and a plain Postfix relay on the same messages, alternating, in one run; prints ratios. */
import { copyFileSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { freePort, startGateway } from "../test/support/gateway.ts";
import { startPostfix } from "../test/support/postfix.ts";
import { build, out, type Run, run, type Target, workload } from "./load.ts";
import { synthesiseRules } from "./rules.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "3" },
    count: { type: "string" },
    connections: { type: "string", default: "10" },
    rules: { type: "string" },
    engine: { type: "string", default: "auto" },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

if (values.help) {
  process.stdout.write(`npm run bench -- [tiny|text|office|campaign|big|dots|office-5000 …] [--rounds 3] [--count N] [--connections 10]
                [--rules FOLDER] [--engine auto|wasm|native] [--json]

Compiles the load generator and the sink (cc), makes the messages (python3), starts Postfix (Debian's package, as root) and Sallyport, and
sends the same messages through both, in turn. Every round has messages of its own: a gateway that remembers would look faster than mail is.
office-5000 is the office profile with 5,000 rules: those in --rules, else synthesised ones.
`);
  process.exit(0);
}

const counts: Readonly<Record<string, number>> = {
  tiny: 2000,
  text: 1000,
  office: 150,
  campaign: 150,
  big: 8,
  dots: 20,
  "office-5000": 120,
};
const profiles = positionals.length > 0 ? positionals : ["tiny", "text", "office", "campaign", "office-5000"];
const unknown = profiles.find((profile) => counts[profile] === undefined);
if (unknown !== undefined)
  throw new Error(`There is no profile ${unknown}; there are ${Object.keys(counts).join(", ")}.`);
const rounds = Number(values.rounds);

interface Row {
  readonly profile: string;
  readonly target: string;
  readonly runs: readonly Run[];
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
const sum = (runs: readonly Run[], pick: (run: Run) => number): number =>
  runs.reduce((total, run) => total + pick(run), 0);

async function measure(profile: string): Promise<readonly Row[]> {
  const real = profile.replace(/-5000$/, "");
  const count = values.count ? Number(values.count) : (counts[profile] ?? 200);
  const rules =
    profile === real
      ? [join(out, "marker-rules")]
      : [join(out, "marker-rules"), values.rules ?? synthesiseRules(join(out, "rules-5000"), 5000)];
  const sinkPort = await freePort();
  const postfix = await startPostfix({ port: await freePort(), relayTo: `127.0.0.1:${sinkPort}` });
  const gateway = await startGateway({
    nextHop: `127.0.0.1:${sinkPort}`,
    rules,
    more: `scan: { engine: ${values.engine} }\nsmtp: { message_size: 100MiB, max_messages: 100000 }`,
  });
  const targets: readonly Target[] = [
    { name: "postfix", port: postfix.port, sinkPort, pid: postfix.pid },
    { name: "sallyport", port: gateway.smtp, sinkPort, pid: gateway.pid, metric: gateway.metric },
  ];
  const found = new Map<string, Run[]>(targets.map((target) => [target.name, []]));
  try {
    // Both have their programs in memory and compiled before anything counts: a gateway runs for months.
    const warmUp = workload(real, Math.ceil(count / 2), 7);
    for (const target of targets)
      await run(target, warmUp, Number(values.connections), `${profile}-${target.name}-warm-up`);
    for (let round = 0; round < rounds; round++) {
      const dir = workload(real, count, 11 + round);
      for (const target of round % 2 === 0 ? targets : [...targets].reverse()) {
        const result = await run(target, dir, Number(values.connections), `${profile}-${target.name}-${round}`);
        found.get(target.name)?.push(result);
        if (!values.json)
          process.stderr.write(
            `  ${profile} round ${round + 1} ${target.name}: ${result.perSecond.toFixed(1)} msg/s, ${result.cpuMs.toFixed(2)} CPU ms\n`,
          );
      }
    }
  } finally {
    await gateway.stop();
    await postfix.stop();
    gateway.cleanUp();
  }
  return targets.map((target) => ({ profile, target: target.name, runs: found.get(target.name) ?? [] }));
}

function show(rows: readonly Row[]): string {
  const lines = [
    "profile      server      msg/s   MB/s  CPU ms scan ms PSS MB  reply p50/p95/p99 ms   arrival p50/p95/p99 ms  lost leaked/bad refused dup",
  ];
  for (const { profile, target, runs } of rows) {
    const mid = (pick: (run: Run) => number): number => median(runs.map(pick));
    const three = (pick: (run: Run) => readonly number[]): string =>
      [0, 1, 2].map((i) => mid((run) => pick(run)[i] ?? 0).toFixed(0)).join("/");
    lines.push(
      [
        profile.padEnd(12),
        target.padEnd(10),
        mid((run) => run.perSecond)
          .toFixed(1)
          .padStart(6),
        mid((run) => run.megabytesPerSecond)
          .toFixed(1)
          .padStart(6),
        mid((run) => run.cpuMs)
          .toFixed(2)
          .padStart(7),
        mid((run) => run.scanMs)
          .toFixed(2)
          .padStart(7),
        (Math.max(...runs.map((run) => run.pss)) / 1e6).toFixed(0).padStart(7),
        `  ${three((run) => run.reply)}`.padEnd(24),
        three((run) => run.arrival).padEnd(24),
        `${sum(runs, (run) => run.lost)}    ${sum(runs, (run) => run.leaked)}/${sum(runs, (run) => run.bad)}    ${sum(runs, (run) => run.refused)}    ${sum(runs, (run) => run.duplicates)}`,
      ].join(" "),
    );
  }
  for (const profile of new Set(rows.map((row) => row.profile))) {
    const of = (name: string): Row | undefined => rows.find((row) => row.profile === profile && row.target === name);
    const rate = (name: string): number => median(of(name)?.runs.map((run) => run.perSecond) ?? []);
    lines.push(`${profile}: ${(rate("sallyport") / rate("postfix")).toFixed(2)} × the rate of Postfix`);
  }
  return `${lines.join("\n")}\n`;
}

build();
rmSync(join(out, "rules-5000"), { recursive: true, force: true });
mkdirSync(join(out, "marker-rules"), { recursive: true });
copyFileSync(new URL("tools/marker.yar", import.meta.url), join(out, "marker-rules/marker.yar"));
const rows: Row[] = [];
for (const profile of profiles) rows.push(...(await measure(profile)));
process.stdout.write(values.json ? `${JSON.stringify(rows)}\n` : show(rows));
