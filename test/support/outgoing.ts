/** Messages on their way out, and the sending side set up for one fake next hop. */
import { type RouteConfig, routeSchema } from "../../src/config-schema.ts";
import type { Envelope, QueueId } from "../../src/core/message.ts";
import { format } from "../../src/core/status.ts";
import type { Delivered, Mixed, NextHop, Outgoing } from "../../src/dispose/next-hop.ts";
import { createNextHops, type NextHopsOptions } from "../../src/dispose/next-hops.ts";
import { systemClock } from "../../src/observe/clock.ts";
import { silent } from "../../src/observe/log.ts";

export const siteEnvelope: Envelope = {
  queueId: "01KAAAAAAAAAAAAAAAAAAAAAAA" as QueueId,
  sessionId: "s1",
  client: { address: "192.0.2.7", port: 40_123, name: null, helo: "client.test", protocol: "ESMTP", tls: null },
  reversePath: "a@client.test",
  forwardPaths: [{ address: "b@site.test", route: "site.test" }],
  extensions: { eightBitMime: false, smtpUtf8: false },
  arrivedAt: "2026-11-22T01:02:03.000Z",
  trace: "Received: from client.test by mx.test; Sun, 22 Nov 2026 01:02:03 +0000\r\n",
};

export interface Message {
  readonly to?: readonly string[];
  readonly fields?: string;
  readonly octets?: string | Uint8Array | readonly Uint8Array[] | (() => AsyncIterable<Uint8Array>);
  readonly size?: number;
  readonly envelope?: Partial<Envelope>;
}

export function outgoing({
  to = ["b@site.test"],
  fields = "",
  octets = "Subject: x\r\n\r\nhi\r\n",
  ...rest
}: Message = {}): Outgoing {
  const pieces = typeof octets === "string" ? [Buffer.from(octets)] : octets instanceof Uint8Array ? [octets] : octets;
  async function* all(): AsyncIterable<Uint8Array> {
    for (const piece of pieces as readonly Uint8Array[]) yield piece;
  }
  return {
    envelope: {
      ...siteEnvelope,
      forwardPaths: to.map((address) => ({ address, route: "site.test" })),
      ...rest.envelope,
    },
    forwardPaths: to,
    fields,
    octets: typeof pieces === "function" ? pieces : all,
    ...(rest.size === undefined ? {} : { size: rest.size }),
  };
}

export type RouteText = Readonly<Record<string, unknown>>;
/** Time-outs that a test can wait for, where nothing is to come. */
export const impatient: RouteText = { timeouts: { connect: "300ms", command: "150ms", data: "150ms" } };

export const routeTo = (hops: string | readonly string[], more: RouteText = {}): RouteConfig =>
  routeSchema.parse({
    domains: ["site.test"],
    next_hop: hops,
    tls: "none",
    timeouts: { connect: "5s", command: "5s", data: "5s" },
    ...more,
  });

export interface Sender extends AsyncDisposable {
  readonly hops: NextHop;
  send(message?: Message, mixed?: Mixed, signal?: AbortSignal): Promise<Delivered>;
  /** "250 2.0.0 taken", of the only or the named forward-path. */
  reply(message?: Message, path?: string): Promise<string>;
  verify(path?: string, reversePath?: string): Promise<string>;
}

export function sendingTo(route: RouteConfig, more: Partial<NextHopsOptions> = {}): Sender {
  const hops = createNextHops({ routes: [route], hostname: "mx.test", log: silent, clock: systemClock, ...more });
  const never = new AbortController().signal;
  const send: Sender["send"] = (message, mixed = () => Promise.resolve(), signal = never) =>
    hops.send("site.test", outgoing(message), mixed, signal);
  return {
    hops,
    send,
    async reply(message, path) {
      const { replies } = await send(message);
      return said(replies, path);
    },
    verify: async (path = "b@site.test", reversePath = "a@client.test") =>
      format(await hops.verify("site.test", reversePath, path, never)),
    [Symbol.asyncDispose]: () => hops.close(),
  };
}

/** The reply to one forward-path as it would be said. */
export function said(replies: Delivered["replies"], path?: string): string {
  const reply = path === undefined ? replies.values().next().value : replies.get(path);
  return reply ? format(reply) : "nothing";
}
