/** `sallyport quarantine list | show | release | discard | rescan`. */
import { writeSync } from "node:fs";
import type { Command } from "commander";
import type { Query, Summary } from "../catalog/catalog.ts";
import type { QueueId } from "../core/message.ts";
import { roughSize } from "../core/units.ts";
import type { Held } from "../review/review.ts";
import { withCatalog } from "./catalog.ts";
import { actor, orNotFound, queueId, withCustody } from "./custody.ts";
import { heldText } from "./held-text.ts";
import { timePast, wholeNumber } from "./options.ts";
import { safe, table } from "./output.ts";
import { review } from "./review.ts";
import type { Context } from "./program.ts";

interface ListOptions {
  readonly text?: string;
  readonly rule?: string;
  readonly sha256?: string;
  readonly since?: string;
  readonly limit: string;
  readonly all?: true;
}

async function find(context: Context, options: ListOptions): Promise<readonly Summary[]> {
  const { text, rule, sha256, since } = options;
  const query: Query = {
    ...(options.all ? {} : { states: ["quarantine"] as const }),
    ...(text === undefined ? {} : { text }),
    ...(rule === undefined ? {} : { rule }),
    ...(sha256 === undefined ? {} : { sha256 }),
    ...(since === undefined ? {} : { since: timePast("--since", since) }),
  };
  const limit = wholeNumber("--limit", options.limit, 10_000);
  return (await withCatalog(context.config().config, (catalog) => catalog.find(query, { limit }))) ?? [];
}

/** The words of the policy, and what they rest on. */
function why({ reason, rules }: Summary): string {
  const shown = rules.slice(0, 2).join(", ") + (rules.length > 2 ? ` +${rules.length - 2}` : "");
  return shown === "" ? reason : reason === "" ? shown : `${reason}: ${shown}`;
}

async function list(context: Context, options: ListOptions): Promise<void> {
  const found = await find(context, options);
  context.out.result(found, () =>
    found.length === 0
      ? "No message is held."
      : table(
          ["ID", ...(options.all ? ["STATE"] : []), "ARRIVED", "SIZE", "FROM", "TO", "SUBJECT", "WHY"],
          found.map((one) => [
            one.queueId,
            ...(options.all ? [one.state] : []),
            one.arrivedAt,
            roughSize(one.size),
            one.reversePath || "<>",
            one.forwardPaths.slice(0, 3).join(" ") +
              (one.forwardPaths.length > 3 ? ` +${one.forwardPaths.length - 3}` : ""),
            one.subject.slice(0, 40),
            why(one),
          ]),
        ),
  );
}

async function show(context: Context, text: string, raw: boolean): Promise<void> {
  const id = queueId(text);
  const { config } = context.config();
  if (raw) {
    await withCustody(config, true, async ({ spool }) => {
      const entry = await orNotFound(id, () => spool.find(id));
      for await (const chunk of entry.octets()) for (let at = 0; at < chunk.length; ) at += writeSync(1, chunk, at);
    });
    return;
  }
  const held = (await review(config, "show", { id })) as Held;
  context.out.result(held, () => heldText(held));
}

interface ActOptions {
  readonly reason: string;
  readonly by?: string;
  readonly to?: readonly string[];
}

async function release(context: Context, text: string, options: ActOptions): Promise<void> {
  const id = queueId(text);
  const { config } = context.config();
  const made = (await review(config, "release", {
    id,
    by: actor(options.by),
    why: options.reason,
    to: options.to ?? null,
  })) as { released: QueueId; forwardPaths: readonly string[] };
  context.out.result(made, () =>
    safe(
      `Released as ${made.released} to ${made.forwardPaths.join(", ")}. The held message stays until it is discarded or expires.`,
    ),
  );
}

async function act(
  context: Context,
  what: "discard" | "rescan",
  ids: readonly string[],
  options: ActOptions,
): Promise<void> {
  const { config } = context.config();
  const all = ids.map(queueId);
  for (const id of all) await review(config, what, { id, by: actor(options.by), why: options.reason });
  context.out.result(
    what === "discard" ? { discarded: all } : { rescanned: all },
    () => `${what === "discard" ? "Discarded" : "To be judged again"}: ${all.join(", ")}`,
  );
}

export function register(program: Command, context: Context): void {
  const quarantine = program.command("quarantine").description("messages that are held for a person");
  quarantine
    .command("list")
    .description("newest first")
    .option("--text <words>", "all words occur in sender, recipients, subject, file names or rules")
    .option("--rule <id>", "a rule that matched")
    .option("--sha256 <hash>", "of a part or a file inside one")
    .option("--since <time>", "arrived since: 24h, 7d or 2030-01-31")
    .option("--limit <count>", "at most", "50")
    .option("--all", "also messages that are not held")
    .addHelpText(
      "after",
      "\nExamples:\n  sallyport quarantine list --rule own.rtlo-program\n  sallyport quarantine list --text 'invoice zip' --json",
    )
    .action(context.action((options: ListOptions) => list(context, options)));
  quarantine
    .command("show")
    .argument("<id>")
    .description("why it is held: the tree of its parts, findings, what was not looked at")
    .option("--raw", "the octets as received; they are hostile, mind your terminal")
    .action(context.action((id: string, options: { raw?: true }) => show(context, id, options.raw === true)));
  const acting = (name: string, argument: string, description: string): Command =>
    quarantine
      .command(name)
      .argument(argument)
      .description(description)
      .requiredOption("--reason <text>", "kept with the message")
      .option("--by <name>", "who decides; default: you");
  acting("release", "<id>", "send the original on, as it came, to all or some recipients, once")
    .option("--to <addresses...>", "only to these of its recipients")
    .action(context.action((id: string, options: ActOptions) => release(context, id, options)));
  acting("discard", "<ids...>", "remove for good").action(
    context.action((ids: string[], options: ActOptions) => act(context, "discard", ids, options)),
  );
  acting("rescan", "<ids...>", "judge again with the rules and the policy of now").action(
    context.action((ids: string[], options: ActOptions) => act(context, "rescan", ids, options)),
  );
}
