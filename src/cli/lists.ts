/** `sallyport allow | block add | remove | list`: what people let through or keep out, by hash, sender or recipient. */
import type { Command } from "commander";
import { GatewayError } from "../core/errors.ts";
import { parseDuration } from "../core/units.ts";
import { type Clock, systemClock } from "../observe/clock.ts";
import type { ListEntry, ListKind, ListSubject } from "../records/records.ts";
import { actor } from "./custody.ts";
import { safe, table } from "./output.ts";
import type { Context, ExitCode } from "./program.ts";
import { withRecords } from "./with-records.ts";

const subjects: readonly ListSubject[] = ["hash", "sender", "recipient"];

const wrong = (problem: string, remedy: string): GatewayError => new GatewayError("USAGE", { problem, remedy });

function subjectOf(text: string): ListSubject {
  const known = subjects.find((one) => one === text);
  if (known) return known;
  throw wrong(`${text} is no subject`, `write ${subjects.join(", ")}`);
}

/** "30d", or a date; null is for ever. */
export function expiry(text: string | undefined, clock: Clock): string | null {
  if (text === undefined) return null;
  const now = clock.now().getTime();
  const duration = parseDuration(text);
  const at = duration === null ? Date.parse(text) : now + duration;
  if (Number.isNaN(at)) throw wrong(`${text} is no time`, "write 12h, 30d or 2030-01-31");
  if (at <= now) throw wrong(`${text} is over already`, "write a time to come");
  return new Date(at).toISOString();
}

interface AddOptions {
  readonly reason: string;
  readonly expires?: string;
  readonly by?: string;
}

type Words = readonly [subject: string, value: string];

async function add(kind: ListKind, context: Context, [subject, value]: Words, options: AddOptions): Promise<void> {
  const entry = { kind, subject: subjectOf(subject), value, reason: options.reason, by: actor(options.by) };
  const expires = expiry(options.expires, systemClock);
  const made = await withRecords(context.config().config, (records) => records.add({ ...entry, expires }));
  context.out.result(made, () => `${kind} ${subject} ${safe(made.value)}${expires ? ` until ${expires}` : ""}`);
}

async function remove(kind: ListKind, context: Context, [subject, value]: Words): Promise<ExitCode> {
  const about = subjectOf(subject);
  const removed = await withRecords(context.config().config, (records) => records.remove(kind, about, value));
  context.out.result({ removed }, () => (removed ? "removed" : `there is no such entry: ${subject} ${safe(value)}`));
  return removed ? 0 : 1;
}

const row = ({ subject, value, expires, by, at, reason }: ListEntry) => [subject, value, expires, by, at, reason];

async function list(kind: ListKind, context: Context): Promise<void> {
  const entries = await withRecords(context.config().config, (records) => records.list(kind));
  context.out.result(entries, () => table(["SUBJECT", "VALUE", "EXPIRES", "BY", "AT", "REASON"], entries.map(row)));
}

const purpose: Readonly<Record<ListKind, string>> = {
  allow: "let through what policy or rules would hold",
  block: "keep out whatever else says",
};

const examples: Readonly<Record<ListKind, string>> = {
  allow: "allow add sender @partner.example --reason 'password archives, agreed with them' --expires 90d",
  block: "block add hash 275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f --reason 'seen today'",
};

function registerKind(program: Command, context: Context, kind: ListKind): void {
  const group = program.command(kind).description(purpose[kind]);
  group
    .command("add")
    .description("add an entry, or replace the one with this value")
    .argument("<subject>", subjects.join(", "))
    .argument("<value>", "SHA-256; user@example.com; or @example.com")
    .requiredOption("--reason <text>", "why; kept with every verdict that it changes")
    .option("--expires <time>", "12h, 30d or a date; without it, for ever")
    .option("--by <name>", "who; the user of this shell if not given")
    .addHelpText("after", `\nExample:\n  sallyport ${examples[kind]}`)
    .action(
      context.action((subject: string, value: string, options: AddOptions) =>
        add(kind, context, [subject, value], options),
      ),
    );
  group
    .command("remove")
    .description("remove an entry; exit 1 if there is none")
    .argument("<subject>")
    .argument("<value>")
    .action(context.action((subject: string, value: string) => remove(kind, context, [subject, value])));
  group
    .command("list")
    .description("list what is in force")
    .action(context.action(() => list(kind, context)));
}

export function register(program: Command, context: Context): void {
  registerKind(program, context, "allow");
  registerKind(program, context, "block");
}
