/** `sallyport explain ID`: all that is known of a message, part by part, and which line of the policy decided; of one that has left, what became of it. */
import type { Command } from "commander";
import { type GatewayError, isGatewayError } from "../core/errors.ts";
import { roughSize } from "../core/units.ts";
import type { Held } from "../review/review.ts";
import { queueId } from "./custody.ts";
import { departed, departedText } from "./departed.ts";
import { judgementText, type Look } from "./judgement-text.ts";
import { safe, wrap } from "./output.ts";
import type { Context, ExitCode } from "./program.ts";
import { review } from "./review.ts";

const words: Readonly<Record<Held["state"], string>> = {
  arriving: "arriving",
  incoming: "waiting for its turn",
  active: "being judged or forwarded",
  deferred: "waiting for its next attempt",
  quarantine: "held",
  corrupt: "set aside, a file of it cannot be read",
  gone: "leaving",
};

function head(held: Held, columns: number): readonly string[] {
  const { envelope, delivery, stripped } = held;
  const labelled = (name: string, text: string): readonly string[] =>
    wrap(text, 12, columns).map((each, i) => (i === 0 ? name.padEnd(12) + each.trimStart() : each));
  const paths = Object.entries(delivery?.paths ?? {}).map(([path, { state, reply }]) => `<${path}> ${state}: ${reply}`);
  const next = delivery?.nextAttempt ? [`next attempt ${delivery.nextAttempt}`] : [];
  const acts = held.review.map(({ at, what, by, why }) => `${what} by ${by} at ${at}: ${why}`);
  return [
    ...labelled("Message", `${held.id}, ${roughSize(held.size)}, ${words[held.state]}, arrived ${envelope.arrivedAt}`),
    ...labelled("From", `<${envelope.reversePath}>, client ${envelope.client.address} (${envelope.client.helo})`),
    ...labelled("To", envelope.forwardPaths.map(({ address, route }) => `<${address}> by ${route}`).join(", ")),
    ...(held.dissection ? labelled("Subject", held.dissection.header.subject) : []),
    ...(stripped
      ? labelled("Copy of", `${stripped.from}, which is held; stripped by line "${stripped.policyLine}"`)
      : []),
    ...(delivery?.stripped ? labelled("Copy", `${delivery.stripped} went on without what was found`) : []),
    ...[...paths, ...next].flatMap((text, i) => labelled(i === 0 ? "Forwarding" : "", text)),
    ...acts.flatMap((text, i) => labelled(i === 0 ? "Decisions" : "", text)),
  ].map(safe);
}

function text(held: Held, look: Look): string {
  const { dissection, inspection, verdict } = held;
  const tree = dissection
    ? judgementText({ dissection, inspection, verdict }, look)
    : "It has not been taken apart yet.";
  return [...head(held, look.columns), "", tree].join("\n");
}

/** Of what has left the parts are not kept: only the row of the catalog, and the lines of the journal. */
async function explainDeparted({ config, out }: Context, id: Held["id"], error: GatewayError): Promise<void> {
  const gone = await departed(config().config, id);
  if (gone === null) throw error;
  out.result(gone, () =>
    [departedText(gone), "", "It has left: its parts are not kept. This is what catalog and journal know of it."].join(
      "\n",
    ),
  );
}

async function explain(context: Context, given: string | undefined, options: { readonly schema?: true }) {
  if (options.schema || given === undefined) {
    const { schemaText } = await import("./judgement-schema.ts");
    const schema = schemaText("explain");
    context.out.result(JSON.parse(schema), () => schema);
    return;
  }
  const id = queueId(given);
  try {
    const held = (await review(context.config().config, "show", { id })) as Held;
    context.out.result(held, () => text(held, context.out));
  } catch (error) {
    if (!isGatewayError(error, "NOT_FOUND")) throw error;
    await explainDeparted(context, id, error);
  }
}

export function register(program: Command, context: Context): void {
  program
    .command("explain")
    .argument("[id]", "of a message that is held, waits, or has left")
    .description(
      "the tree of its parts, what was said of each, what was not looked at, which line of the policy decided",
    )
    .option("--schema", "print the JSON Schema of what --json says")
    .addHelpText(
      "after",
      "\nExamples:\n  sallyport explain 01KA…\n  sallyport explain 01KA… --json | jq .verdict.groups",
    )
    .action(
      context.action(async (id: string | undefined, options: { schema?: true }): Promise<ExitCode> => {
        if (id === undefined && !options.schema) queueId("");
        await explain(context, id, options);
        return 0;
      }),
    );
}
