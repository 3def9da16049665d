/** Verdict → what happens: forward, strip, quarantine, hold, reject, defer. Each kind knows two cases: the client still waits, or the message is ours. */
import { queuedAs, says } from "../core/replies.ts";
import type { Reply } from "../core/status.ts";
import type { Turn } from "../core/turn.ts";
import type { Disposition, Group, Verdict } from "../core/verdict.ts";
import type { Entry, Release } from "../spool/spool.ts";
import type { Custody } from "./custody.ts";
import { isPending } from "./settled.ts";
import type { Forwarder } from "./forward.ts";
import { createStrip, type StripGroup, type StripOptions } from "./strip.ts";

type Replies = ReadonlyMap<string, Reply>;

const same = (paths: readonly string[], answer: Reply): Replies => new Map(paths.map((path) => [path, answer]));

export interface Disposers {
  dispose(entry: Entry, verdict: Verdict, turn: Turn, signal: AbortSignal): Promise<Replies>;
  release(entry: Entry, release: Release, turn: Turn, signal: AbortSignal): Promise<Replies>;
  /** When nothing can be scanned: what each route asks for then. */
  unscanned(entry: Entry, turn: Turn, signal: AbortSignal): Promise<Replies>;
}

export type OnScannerFailure = "defer" | "hold" | "forward_tagged";

export interface DisposeOptions {
  readonly custody: Custody;
  readonly forwarder: Forwarder;
  /** `reply_after` of a route. */
  readonly proxies: (route: string) => boolean;
  readonly onScannerFailure: (route: string) => OnScannerFailure;
  /** Hands a freshly claimed message over to whoever owns `incoming`. */
  readonly handOver: (entry: Entry) => void;
  readonly makeCopy: StripOptions["makeCopy"];
  readonly derivedId: StripOptions["derivedId"];
}

export function createDispose(options: DisposeOptions): Disposers {
  const { custody, forwarder, proxies, onScannerFailure, handOver } = options;
  const stripper = createStrip({ ...options, otherwise });

  async function quarantine(
    entry: Entry,
    group: Group,
    reason: string,
    turn: Turn,
    signal: AbortSignal,
  ): Promise<Replies> {
    if (await turn.takeOrWait()) {
      const twin = await custody.twin(entry);
      if (twin !== null) {
        await entry.remove();
        return same(group.forwardPaths, queuedAs(twin));
      }
      await custody.claim(entry, "quarantine");
      if (signal.aborted) await custody.rememberUnheard(entry);
    } else await entry.move("quarantine");
    await custody.quarantined(entry, group, reason);
    return same(group.forwardPaths, queuedAs(entry.id));
  }

  async function hold(entry: Entry, group: Group, forMs: number, turn: Turn): Promise<Replies> {
    const mine = await turn.takeOrWait();
    await custody.postpone(entry, forMs);
    // Before it goes: whoever finds it there, perhaps after a crash, judges it again.
    await entry.forget("inspection.json");
    if (mine) await custody.claim(entry, "deferred");
    else await entry.move("deferred");
    await custody.waiting(entry);
    return same(group.forwardPaths, queuedAs(entry.id));
  }

  /** After the claim a refusal would be backscatter (RFC 5321 §6.2): hold the message for a person instead. */
  async function reject(
    entry: Entry,
    group: Group,
    refusal: Reply<5>,
    turn: Turn,
    signal: AbortSignal,
  ): Promise<Replies> {
    if (!(await turn.takeOrWait()))
      return quarantine(entry, group, `would have been rejected: ${refusal.text}`, turn, signal);
    await custody.rejected(entry, group, refusal);
    await entry.remove();
    return same(group.forwardPaths, refusal);
  }

  /** After the claim: judged again later (R4), and shown to a person when its time is up, since it could not be forwarded and need not be harmless. */
  async function defer(
    entry: Entry,
    group: Group,
    answer: Reply<4>,
    turn: Turn,
    signal: AbortSignal,
  ): Promise<Replies> {
    if (await turn.takeOrWait()) {
      custody.deferred(entry, group, answer);
      await entry.remove();
      return same(group.forwardPaths, answer);
    }
    if (await custody.isExpired(entry)) return quarantine(entry, group, outOfTime(answer.text), turn, signal);
    await entry.forget("inspection.json");
    await custody.later(entry, answer.text);
    return same(group.forwardPaths, answer);
  }

  async function forward(
    entry: Entry,
    group: Group,
    verdict: Verdict | null,
    turn: Turn,
    signal: AbortSignal,
  ): Promise<Replies> {
    if (!turn.taken && !proxies(group.route)) {
      if (await turn.takeOrWait()) {
        await custody.claim(entry, "incoming");
        handOver(entry);
        return same(group.forwardPaths, queuedAs(entry.id));
      }
    }
    return forwarder.forward(entry, verdict ? { group, verdict } : { unscanned: group }, turn, signal);
  }

  function otherwise(entry: Entry, group: StripGroup, why: string, turn: Turn, signal: AbortSignal): Promise<Replies> {
    const { otherwise: instead } = group.disposition;
    if (instead.kind === "reject") return reject(entry, group, instead.reply, turn, signal);
    return quarantine(entry, group, `${instead.reason} (not stripped: ${why})`, turn, signal);
  }

  function one(entry: Entry, group: Group, verdict: Verdict | null, turn: Turn, signal: AbortSignal): Promise<Replies> {
    const { disposition } = group;
    switch (disposition.kind) {
      case "forward":
        return forward(entry, group, verdict, turn, signal);
      case "strip":
        return stripper.strip(entry, { ...group, disposition }, turn, signal);
      case "quarantine":
        return quarantine(entry, group, disposition.reason, turn, signal);
      case "hold":
        return hold(entry, group, disposition.forMs, turn);
      case "reject":
        return reject(entry, group, disposition.reply, turn, signal);
      case "defer":
        return defer(entry, group, disposition.reply, turn, signal);
    }
  }

  /** One derived entry per group, all of them ours before the original goes and the client hears 250 (R3). */
  async function split(entry: Entry, groups: readonly Group[], verdict: Verdict | null, turn: Turn): Promise<Replies> {
    const refusals = groups.map((group) => refusal(group.disposition));
    const paths = groups.flatMap((group) => group.forwardPaths);
    const mine = await turn.takeOrWait();
    if (mine && refusals.every((answer) => answer !== null)) {
      const worst = refusals.find((answer) => answer?.status.class === 4) ?? refusals[0] ?? says.refused;
      if (worst.status.class === 4) custody.deferred(entry, null, worst);
      else await custody.rejected(entry, null, worst);
      await entry.remove();
      return same(paths, worst);
    }
    const derived = await custody.split(entry, groups, verdict);
    await entry.remove();
    for (const each of derived) handOver(each);
    return same(paths, queuedAs(entry.id));
  }

  /** Its time is up, and it still waits for its scan: to leave at all, or after it has left. */
  async function isStuck(entry: Entry, disposition: Disposition): Promise<boolean> {
    if (!(await custody.isExpired(entry))) return false;
    const delivery = await custody.deliveryOf(entry);
    const hasLeft = entry.envelope.forwardPaths.every((path) => !isPending(delivery, path.address));
    return hasLeft || disposition.kind !== "forward";
  }

  /** Ours: a former life of the gateway may have begun with it. */
  const isLeftActive = (entry: Entry, turn: Turn): boolean => turn.taken && entry.state === "active";
  const isHalfSplit = async (entry: Entry, turn: Turn): Promise<boolean> =>
    isLeftActive(entry, turn) && (await custody.isSplit(entry));

  return {
    async dispose(entry, verdict, turn, signal) {
      const [group, another] = verdict.groups;
      if (!group) throw new TypeError(`verdict of ${entry.id} has no group`);
      if (isLeftActive(entry, turn) && (await stripper.finish(entry)))
        return same(
          verdict.groups.flatMap((each) => each.forwardPaths),
          queuedAs(entry.id),
        );
      return another || (await isHalfSplit(entry, turn))
        ? split(entry, verdict.groups, verdict, turn)
        : one(entry, group, verdict, turn, signal);
    },
    release: (entry, release, turn, signal) => forwarder.forward(entry, { release }, turn, signal),
    async unscanned(entry, turn, signal) {
      const groups = unscannedGroups(entry, onScannerFailure);
      const [group, another] = groups;
      if (!group) throw new TypeError(`message ${entry.id} has no forward-path`);
      if (isLeftActive(entry, turn) && (await stripper.finish(entry)))
        return same(group.forwardPaths, queuedAs(entry.id));
      if (another || (await isHalfSplit(entry, turn))) return split(entry, groups, null, turn);
      const { disposition } = group;
      if (turn.taken && (await isStuck(entry, disposition)))
        return quarantine(entry, group, outOfTime(says.scannerDown.text), turn, signal);
      if (disposition.kind !== "forward") return one(entry, group, null, turn, signal);
      if (await turn.takeOrWait()) await custody.claim(entry, "active");
      return forwarder.forward(entry, { unscanned: group }, turn, signal);
    },
  };
}

const refusal = (disposition: Disposition): Reply | null =>
  disposition.kind === "reject" || disposition.kind === "defer" ? disposition.reply : null;

const outOfTime = (why: string): string => `waited until its time was up: ${why}`;
const scannerRetryMs = 60_000;

function withoutScanner(setting: OnScannerFailure): Disposition {
  switch (setting) {
    case "defer":
      return { kind: "defer", reply: says.scannerDown };
    case "hold":
      return { kind: "hold", reason: "The scanner is not available", forMs: scannerRetryMs };
    case "forward_tagged":
      return { kind: "forward", tags: ["unscanned"] };
  }
}

function unscannedGroups(entry: Entry, setting: (route: string) => OnScannerFailure): readonly Group[] {
  const routes = [...new Set(entry.envelope.forwardPaths.map((path) => path.route))];
  return routes.map((route) => ({
    forwardPaths: entry.envelope.forwardPaths.filter((path) => path.route === route).map((path) => path.address),
    route,
    disposition: withoutScanner(setting(route)),
    because: [],
    policyLine: "on_scanner_failure",
  }));
}
