/** The real SMTP edge over a real spool, with a next hop and a scanner that do what the addresses in a test say. */

import type { TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { AcceptDeps, AcceptEvent } from "../../src/accept/deps.ts";
import { type Listener, startListener } from "../../src/accept/listener.ts";
import { configSchema } from "../../src/config-schema.ts";
import type { Envelope } from "../../src/core/message.ts";
import { says } from "../../src/core/replies.ts";
import { type Reply, reply } from "../../src/core/status.ts";
import { createLog } from "../../src/observe/log.ts";
import type { DiskSpool } from "../../src/spool/disk-spool.ts";
import { temporaryFolder, temporarySpool } from "./spool.ts";

export interface Received {
  readonly envelope: Envelope;
  readonly octets: Buffer;
}

export interface RunningEdge {
  readonly port: number;
  readonly listener: Listener;
  readonly spool: DiskSpool;
  readonly received: readonly Received[];
  readonly events: readonly AcceptEvent[];
  readonly log: readonly Readonly<Record<string, unknown>>[];
  /** Messages whose client went away before the reply. */
  readonly abandoned: readonly string[];
  readonly verified: readonly string[];
}

type Json = { readonly [key: string]: unknown };
const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function merge(base: Json, over: Json): Json {
  const both = Object.entries(over).map(([key, value]) => {
    const old = base[key];
    return [key, isObject(old) && isObject(value) ? merge(old, value) : value] as const;
  });
  return { ...base, ...Object.fromEntries(both) };
}

const base = {
  hostname: "gateway.test",
  listen: { smtp: "127.0.0.1:0", web: null },
  routes: [
    { name: "site", domains: ["site.example", "*.site.example"], next_hop: "127.0.0.1:1" },
    { name: "busy", domains: ["busy.example"], next_hop: "127.0.0.1:1" },
    { name: "other", domains: ["other.example"], next_hop: "127.0.0.1:1", verify_recipients: false },
  ],
};

/** `nobody` does not exist, `later` cannot be asked now; everybody else is there. */
function opinion(address: string): Reply {
  if (address.startsWith("nobody@")) return reply(5, 50, "1.1", "No such user here");
  if (address.startsWith("later@")) return reply(4, 51, "4.1", "No answer");
  return reply(2, 50, "1.5", "Ok");
}

/** By the sender: `reject`, `defer`, `hang` (until the client is gone), `slow` (250 ms), `bug`; everybody else gets 250. */
async function judged(sender: string, gone: AbortSignal): Promise<Reply> {
  if (sender.startsWith("reject@")) return reply(5, 50, "7.1", "Refused by policy");
  if (sender.startsWith("defer@")) return reply(4, 51, "7.1", "Please come back");
  if (sender.startsWith("slow@")) await sleep(250);
  if (sender.startsWith("bug@")) throw new TypeError("a bug");
  if (sender.startsWith("hang@") && !gone.aborted)
    await new Promise((resolve) => gone.addEventListener("abort", resolve, { once: true }));
  return reply(2, 50, "0.0", "Ok: taken");
}

async function collect(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all);
}

export interface EdgeOptions {
  readonly config?: Json;
  readonly deps?: Partial<AcceptDeps>;
}

export async function startEdge(t: TestContext, { config = {}, deps = {} }: EdgeOptions = {}): Promise<RunningEdge> {
  const lines: Json[] = [];
  const log = createLog("debug", { write: (line) => void lines.push(JSON.parse(line) as Json) });
  const data_dir = await temporaryFolder(t);
  const spool = await temporarySpool(t);
  const received: Received[] = [];
  const events: AcceptEvent[] = [];
  const abandoned: string[] = [];
  const verified: string[] = [];
  const listener = await startListener({
    config: configSchema.parse(merge({ ...base, data_dir }, config)),
    spool,
    log,
    clock: { now: () => new Date(), monotonic: () => performance.now() },
    verify: (_route, _from, to) => {
      verified.push(to);
      return Promise.resolve(opinion(to));
    },
    async receive(entry, gone) {
      received.push({ envelope: entry.envelope, octets: await collect(entry.octets()) });
      const answer = await judged(entry.envelope.reversePath, gone);
      if (gone.aborted) abandoned.push(entry.id);
      await entry.remove();
      return answer;
    },
    admit: (route) => (route === "busy" ? says.routeBusy : null),
    refuses: ({ reversePath }, { address }) =>
      [reversePath, address].some((each) => each.startsWith("blocked@")) ? reply(5, 50, "7.1", "Blocked") : null,
    onEvent: (event) => void events.push(event),
    ...deps,
  });
  t.after(() => listener.close());
  const port = listener.addresses[0]?.port ?? 0;
  return { port, listener, spool, received, events, log: lines, abandoned, verified };
}
