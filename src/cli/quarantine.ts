/** `sallyport quarantine list | show | release | discard | rescan`. */
import { writeSync } from "node:fs";
import { type Command, Option } from "commander";
import type { Query, Summary } from "../catalog/catalog.ts";
import type { Config } from "../config-schema.ts";
import { type GatewayError, isGatewayError } from "../core/errors.ts";
import type { QueueId } from "../core/message.ts";
import type { MessageView } from "../core/message-view.ts";
import { roughAge } from "../core/units.ts";
import type { Held } from "../review/review.ts";
import { withCatalog } from "./catalog.ts";
import { actor, orNotFound, queueId, withCustody } from "./custody.ts";
import { type Departed, departed, departedText, whatBecame } from "./departed.ts";
import { heldText } from "./held-text.ts";
import { fit, safe, table } from "./output.ts";
import { type QueryOptions, queryOf, withQueryOptions } from "./query-options.ts";
import { review } from "./review.ts";
import type { Context, ExitCode } from "./program.ts";
import { viewText } from "./view-text.ts";

interface ListOptions extends QueryOptions {
  readonly all?: true;
}

async function find(context: Context, options: ListOptions): Promise<readonly Summary[]> {
  const { query, page } = queryOf(options);
  const where: Query = { ...query, ...(options.all ? {} : { states: ["quarantine"] as const }) };
  return (await withCatalog(context.config().config, (catalog) => catalog.find(where, page))) ?? [];
}

const isUnread = (rule: string): boolean => rule.startsWith("incomplete.");

/** What the policy acted on first and how many more, else its words. What is of severity info is nobody's reason. */
export function why({ reason, rules, severity }: Pick<Summary, "reason" | "rules" | "severity">): string {
  const [first, ...more] = severity === "info" ? rules.filter(isUnread) : rules;
  return first === undefined ? reason : first + (more.length > 0 ? ` +${more.length}` : "");
}

async function list(context: Context, options: ListOptions): Promise<void> {
  const found = await find(context, options);
  const now = Date.now();
  const cell = (text: string, columns: number): string => fit(safe(text), columns);
  context.out.result(found, () =>
    found.length === 0
      ? "No message is held."
      : [
          table(
            ["ID", ...(options.all ? ["STATE"] : []), "AGE", "FROM", "TO", "SUBJECT", "WHY"],
            found.map((one) => [
              one.queueId,
              ...(options.all ? [one.state] : []),
              roughAge(now - Date.parse(one.arrivedAt)),
              cell(one.reversePath || "<>", 19),
              cell(
                (one.forwardPaths[0] ?? "") + (one.forwardPaths.length > 1 ? ` +${one.forwardPaths.length - 1}` : ""),
                19,
              ),
              cell(one.subject, options.all ? 12 : 14),
              cell(why(one), options.all ? 20 : 27),
            ]),
          ),
          "",
          ...(found.length === Number(options.limit) ? [`The newest ${options.limit}; --limit shows more.`] : []),
          "Why, what is in it, and what can be done: sallyport quarantine show ID",
        ].join("\n"),
  );
}

/** Of a message that has left: what is still known. Any other failure stays what it is. */
async function leftOr(error: unknown, config: Config, id: QueueId): Promise<Departed> {
  const gone = isGatewayError(error, "NOT_FOUND") ? await departed(config, id) : null;
  if (gone === null) throw error;
  return gone;
}

interface ShowOptions {
  readonly raw?: true;
  readonly text?: true;
  readonly headers?: true;
}

async function show(context: Context, text: string, options: ShowOptions): Promise<ExitCode> {
  const id = queueId(text);
  const { config } = context.config();
  if (options.raw) {
    await withCustody(config, true, async ({ spool }) => {
      const entry = await orNotFound(id, () => spool.find(id));
      for await (const chunk of entry.octets()) for (let at = 0; at < chunk.length; ) at += writeSync(1, chunk, at);
    });
    return 0;
  }
  if (options.text || options.headers) {
    const view = (await review(config, "view", { id })) as MessageView;
    const what = { text: options.text === true, all: options.headers === true };
    context.out.result({ id, ...view }, () => viewText(id, view, what));
    return view.incomplete ? 1 : 0;
  }
  try {
    const held = (await review(config, "show", { id })) as Held;
    context.out.result(held, () => heldText(held, new Date()));
  } catch (error) {
    const gone = await leftOr(error, config, id);
    context.out.result(gone, () => departedText(gone));
  }
  return 0;
}

interface ActOptions {
  readonly reason: string;
  readonly by?: string;
  readonly to?: readonly string[];
}

/** Nothing is wrong with the question; the answer is no. Any other failure stays what it is. */
async function refused(context: Context, config: Config, id: QueueId, error: unknown): Promise<ExitCode> {
  if (isGatewayError(error, "SENT_BEFORE")) return sentBefore(context, error);
  const gone = await leftOr(error, config, id);
  context.out.result({ released: null, before: gone }, () =>
    safe(`${id} is not held: ${whatBecame(gone)}. Nothing was done.`),
  );
  return 1;
}

function sentBefore(context: Context, { detail }: GatewayError): ExitCode {
  const { message, to, by, at, reason } = detail;
  const told =
    by === undefined
      ? `Every recipient of ${message} has got it already.`
      : `${message} was released before, to ${to}, by ${by} at ${at} (${reason}).`;
  context.out.result({ released: null, before: detail }, () => safe(`${told} Nothing was done.`));
  return 1;
}

async function release(context: Context, text: string, options: ActOptions): Promise<ExitCode> {
  const id = queueId(text);
  const { config } = context.config();
  const asked = { id, by: actor(options.by), why: options.reason, to: options.to ?? null };
  try {
    const made = (await review(config, "release", asked)) as { released: QueueId; forwardPaths: readonly string[] };
    context.out.result(made, () =>
      safe(
        `Released as ${made.released} to ${made.forwardPaths.join(", ")}. The held message stays until it is discarded or expires.`,
      ),
    );
    return 0;
  } catch (error) {
    return refused(context, config, id, error);
  }
}

async function act(
  context: Context,
  what: "discard" | "rescan",
  ids: readonly string[],
  options: ActOptions,
): Promise<ExitCode> {
  const { config } = context.config();
  const all = ids.map(queueId);
  for (const id of all) {
    try {
      await review(config, what, { id, by: actor(options.by), why: options.reason });
    } catch (error) {
      return refused(context, config, id, error);
    }
  }
  context.out.result(
    what === "discard" ? { discarded: all } : { rescanned: all },
    () => `${what === "discard" ? "Discarded" : "To be judged again"}: ${all.join(", ")}`,
  );
  return 0;
}

export function register(program: Command, context: Context): void {
  const quarantine = program.command("quarantine").description("messages that are held for a person");
  withQueryOptions(quarantine.command("list").description("newest first"))
    .option("--all", "also messages that are not held")
    .addHelpText(
      "after",
      "\nExamples:\n  sallyport quarantine list --rule own.rtlo-program\n  sallyport quarantine list --text 'invoice zip' --json\n  sallyport quarantine list --sender @client.example --severity high critical --since 7d",
    )
    .action(context.action((options: ListOptions) => list(context, options)));
  quarantine
    .command("show")
    .argument("<id>")
    .description("why it is held, what is in it, what can be done")
    .option("--text", "what a mail program would show: text, HTML as text, attachments; harmless on a terminal")
    .option("--headers", "every header field, in order, decoded; harmless on a terminal")
    .addOption(
      new Option("--raw", "the octets as received; they are hostile, mind your terminal").conflicts([
        "text",
        "headers",
      ]),
    )
    .addHelpText("after", "\nExit code with --text or --headers: 1 if the message could not be read to its end.")
    .action(context.action((id: string, options: ShowOptions) => show(context, id, options)));
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
