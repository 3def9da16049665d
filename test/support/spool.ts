/** A spool in a temporary folder, envelopes to put into it, and octets to compare. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { Envelope, QueueId } from "../../src/core/message.ts";
import { type Clock, systemClock } from "../../src/observe/clock.ts";
import { silent } from "../../src/observe/log.ts";
import { type DiskSpool, openSpool, type SpoolOptions } from "../../src/spool/disk-spool.ts";
import type { Entry, Spool } from "../../src/spool/spool.ts";

/** Removed when the test ends. */
export async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "sallyport-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export async function temporarySpool(t: TestContext, options: Partial<SpoolOptions> = {}): Promise<DiskSpool> {
  const dir = options.dir ?? join(await temporaryFolder(t), "spool");
  const spool = await openSpool({ dir, memoryLimit: 1024, minFree: 0, clock: systemClock, log: silent, ...options });
  t.after(() => spool.close());
  return spool;
}

export function envelopeOf(queueId: QueueId, recipients: readonly string[] = ["b@site.example"]): Envelope {
  return {
    queueId,
    sessionId: "s1",
    client: {
      address: "192.0.2.7",
      port: 40_025,
      name: null,
      helo: "client.example",
      protocol: "ESMTP",
      tls: null,
    },
    reversePath: "a@client.example",
    forwardPaths: recipients.map((address) => ({ address, route: "site.example" })),
    extensions: { eightBitMime: false, smtpUtf8: false },
    arrivedAt: "2026-11-22T10:00:00.000Z",
    trace: "Received: from client.example\r\n",
  };
}

export async function* pieces(octets: Uint8Array, size = 700): AsyncIterable<Uint8Array> {
  for (let at = 0; at < octets.length; at += size) yield octets.subarray(at, at + size);
}

export const arriveWith = (spool: Spool, octets: Uint8Array, queueId = spool.newId()): Promise<Entry> =>
  spool.arrive(envelopeOf(queueId), pieces(octets));

export async function octetsOf(entry: Entry): Promise<Buffer> {
  const got: Uint8Array[] = [];
  for await (const piece of entry.octets()) got.push(piece);
  return Buffer.concat(got);
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const got: T[] = [];
  for await (const item of items) got.push(item);
  return got;
}

/** A clock that stands where it was put. */
export function clockAt(time: string): Clock & { set(time: string): void; tick(ms: number): void } {
  let now = Date.parse(time);
  return {
    now: () => new Date(now),
    monotonic: () => now,
    set: (next) => {
      now = Date.parse(next);
    },
    tick: (ms) => {
      now += ms;
    },
  };
}
