/** Messages that can be told apart wherever they end: sent as an MTA sends them, looked for at the next hop and in quarantine. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { eicar, zip } from "../../fixtures/make.ts";
import type { Millis } from "../../src/core/message.ts";
import type { FakeNextHop } from "./fake-next-hop.ts";
import { mail } from "./mail.ts";
import { send } from "./send.ts";

export interface Tracked {
  readonly id: string;
  readonly to: string;
  readonly isBad: boolean;
  readonly octets: Buffer;
  /** Of each sending whose recipient was taken; null if the connection ended before it. */
  readonly replies: (string | null)[];
}

export const marker =
  'rule marker { meta: severity = "critical" strings: $a = "$EICAR-STANDARD-ANTI" condition: $a }\n';

/** Every fourth is hostile; one in ten is too large for memory, in its text or in its attachment. */
export function trackedMail(index: number, to: string): Tracked {
  const id = `m${index}`;
  const isBad = index % 4 === 3;
  const text = `${"0123456789".repeat(7)}\r\n`.repeat(index % 10 === 7 ? 8_000 : 20);
  const file = index % 10 === 2 ? `a large file of ${id} `.repeat(12_000) : `a file of ${id}`;
  const bytes = isBad ? zip([{ name: "eicar.com", data: eicar() }]) : Buffer.from(file);
  const octets = mail({ fields: [`X-Test-Id: ${id}.`], text, bytes, name: isBad ? "a.zip" : "a.txt" });
  return { id, to, isBad, octets, replies: [] };
}

export interface Attempt {
  readonly reply: string | null;
  readonly tookMs: Millis;
}

/** As a sender's MTA does: again and again, here and there, until it hears 2yz, or 5yz after the final dot. */
export async function deliver(
  port: () => number,
  one: Tracked,
  signal: AbortSignal,
  heard: (attempt: Attempt) => void = () => undefined,
): Promise<void> {
  const until = Date.now() + 900_000;
  while (Date.now() < until && !signal.aborted) {
    const began = performance.now();
    const { reply, rcpt } = await send(port(), one.octets, { to: [one.to], patienceMs: 60_000 });
    const said = rcpt[0]?.startsWith("4") ? rcpt[0] : reply;
    heard({ reply: said, tookMs: performance.now() - began });
    if (rcpt[0]?.startsWith("2")) {
      one.replies.push(reply);
      if (reply?.startsWith("2") || reply?.startsWith("5")) return;
    }
    await sleep(300);
  }
}

/** What lies in quarantine below these folders, by the message's own id; and whether it was judged incomplete. */
export function heldIn(...dataDirs: readonly string[]): ReadonlyMap<string, boolean> {
  const days = dataDirs
    .map((data) => join(data, "spool/quarantine"))
    .filter(existsSync)
    .flatMap((top) => readdirSync(top).map((day) => join(top, day)));
  const folders = days.flatMap((day) => readdirSync(day).map((id) => join(day, id)));
  return new Map(
    folders.map((folder) => {
      const id = /^X-Test-Id: (\w+)/m.exec(readFileSync(join(folder, "message.eml"), "latin1"))?.[1] ?? "";
      return [id, readFileSync(join(folder, "verdict.json"), "utf8").includes('"incomplete"')];
    }),
  );
}

/** How many messages of a data directory are still to go somewhere. */
export const waitingIn = (data: string): number =>
  ["incoming", "active", "deferred"].reduce((sum, each) => sum + readdirSync(join(data, "spool", each)).length, 0);

export interface Ends {
  /** More than one copy: our reply did not reach the sender, which sent again. */
  readonly unheard: number;
  /** More than one copy under one id: the next hop's reply was not written down before a death. */
  readonly unwritten: number;
  /** Held as incomplete, since processes died over it three times. */
  readonly crashed: number;
}

/** Nothing lost, nothing leaked, no copy but what RFC 1047 leaves no way out of. */
export function requireEnds(all: readonly Tracked[], hop: FakeNextHop, held: ReadonlyMap<string, boolean>): Ends {
  const arrivals = new Map<string, string[]>();
  for (const { octets } of hop.messages) {
    const text = octets.toString("latin1");
    const id = /^X-Test-Id: (\w+)\./m.exec(text)?.[1] ?? "";
    const queueId = /^\tby \S+ with \S+ id (\w+)/m.exec(text)?.[1] ?? "";
    arrivals.set(id, [...(arrivals.get(id) ?? []), queueId]);
  }
  let [unheard, unwritten, crashed] = [0, 0, 0];
  for (const { id, isBad, replies } of all) {
    assert.match(replies.at(-1) ?? "", /^2/, `${id} was never taken: ${replies.slice(-5).join(", ")}`);
    const arrived = arrivals.get(id) ?? [];
    const ids = new Set(arrived);
    if (isBad) {
      assert.equal(arrived.length, 0, `${id} is hostile and has arrived`);
      assert.ok(held.has(id), `${id} is lost`);
      continue;
    }
    if (arrived.length === 0) {
      assert.ok(held.get(id), `${id} is lost: ${replies.join(", ")}`);
      crashed++;
      continue;
    }
    const broken = replies.filter((reply) => reply === null).length;
    assert.ok(ids.size <= 1 + broken, `${id} arrived under ${ids.size} ids after ${replies.join(", ")}`);
    unheard += ids.size - 1;
    unwritten += arrived.length - ids.size;
  }
  return { unheard, unwritten, crashed };
}
