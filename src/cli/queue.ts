/** `sallyport queue list | show | flush`: messages that are ours and on their way. */
import type { Command } from "commander";
import { GatewayError } from "../core/errors.ts";
import type { State } from "../core/state.ts";
import { roughSize } from "../core/units.ts";
import type { Delivery, Entry, Spool } from "../spool/spool.ts";
import { askGateway, orNotFound, queueId, withCustody } from "./custody.ts";
import { safe, table } from "./output.ts";
import type { Context } from "./program.ts";

interface Row {
  readonly id: string;
  readonly state: State | "gone";
  readonly arrivedAt: string;
  readonly size: number;
  readonly from: string;
  readonly to: readonly string[];
  readonly attempts: number;
  readonly nextAttempt: string | null;
  readonly lastReply: string;
}

const waiting = ["incoming", "active", "deferred", "corrupt"] as const;

async function rowOf(entry: Entry): Promise<Row> {
  const delivery = await entry.read<Delivery>("delivery.json");
  const pending = entry.envelope.forwardPaths
    .map((path) => path.address)
    .filter((path) => (delivery?.paths[path]?.state ?? "pending") === "pending");
  return {
    id: entry.id,
    state: entry.state,
    arrivedAt: entry.envelope.arrivedAt,
    size: entry.size,
    from: entry.envelope.reversePath || "<>",
    to: pending,
    attempts: delivery?.attempts ?? 0,
    nextAttempt: delivery?.nextAttempt ?? null,
    lastReply: Object.values(delivery?.paths ?? {}).at(-1)?.reply ?? "",
  };
}

async function rows(spool: Spool): Promise<readonly Row[]> {
  const found: Row[] = [];
  for (const state of waiting)
    for await (const id of spool.list(state)) {
      const entry = await spool.open(id, state).catch(() => null);
      if (entry) found.push(await rowOf(entry));
    }
  return found;
}

async function list({ config, out }: Context): Promise<void> {
  const found = await withCustody(config().config, true, ({ spool }) => rows(spool));
  out.result(found, () =>
    found.length === 0
      ? "No message waits."
      : table(
          ["ID", "STATE", "ARRIVED", "SIZE", "FROM", "TO", "TRIES", "NEXT", "LAST REPLY"],
          found.map((row) => [
            row.id,
            row.state,
            row.arrivedAt,
            roughSize(row.size),
            row.from,
            row.to.join(" "),
            row.attempts,
            row.nextAttempt,
            row.lastReply,
          ]),
        ),
  );
}

async function show({ config, out }: Context, text: string): Promise<void> {
  const id = queueId(text);
  const found = await withCustody(config().config, true, async ({ spool }) => {
    const entry = await orNotFound(id, () => spool.find(id));
    return { ...(await rowOf(entry)), envelope: entry.envelope, delivery: await entry.read<Delivery>("delivery.json") };
  });
  out.result(found, () => safe(JSON.stringify(found, null, 2)).replaceAll("\\u{a}", "\n"));
}

async function flush({ config, out }: Context, text: string | undefined): Promise<void> {
  const id = text === undefined ? null : queueId(text);
  const count = await askGateway(config().config, "flush", { id });
  if (id !== null && count === 0)
    throw new GatewayError("NOT_FOUND", {
      id,
      remedy: "only deferred messages can be flushed; see `sallyport queue list`",
    });
  out.result(
    { flushed: count },
    () => `${String(count)} deferred ${count === 1 ? "message is" : "messages are"} tried now.`,
  );
}

export function register(program: Command, context: Context): void {
  const queue = program.command("queue").description("messages in custody that are on their way");
  queue
    .command("list")
    .description("what waits, and why")
    .action(context.action(() => list(context)));
  queue
    .command("show")
    .argument("<id>")
    .description("envelope and delivery attempts of one message")
    .action(context.action((id: string) => show(context, id)));
  queue
    .command("flush")
    .argument("[id]")
    .description("try deferred messages now, all or one")
    .action(context.action((id?: string) => flush(context, id)));
}
