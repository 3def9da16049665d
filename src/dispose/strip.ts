/** Custody of a message that is stripped: its original is held, a copy without the parts goes on, and both are ours before the client hears 250 (R15). */
import { queuedAs } from "../core/replies.ts";
import type { QueueId } from "../core/message.ts";
import type { Reply } from "../core/status.ts";
import type { Turn } from "../core/turn.ts";
import type { Group, Strip } from "../core/verdict.ts";
import type { Entry } from "../spool/spool.ts";
import type { Custody } from "./custody.ts";
import { isPending } from "./settled.ts";

export type StripGroup = Group & { readonly disposition: Strip };
type Replies = ReadonlyMap<string, Reply>;

/** A copy under this id, in `arriving`, judged and to be forwarded; or, in words, why there can be none. */
export type MakeCopy = (
  entry: Entry,
  group: StripGroup,
  id: QueueId,
  signal: AbortSignal,
) => Promise<Entry | { readonly refusal: string }>;

export interface StripOptions {
  readonly custody: Custody;
  readonly makeCopy: MakeCopy;
  readonly derivedId: (from: QueueId, what: string) => QueueId;
  /** Hands a freshly claimed message over to whoever owns `incoming`. */
  readonly handOver: (entry: Entry) => void;
  /** What the policy wants where nothing can be stripped. */
  readonly otherwise: (
    entry: Entry,
    group: StripGroup,
    why: string,
    turn: Turn,
    signal: AbortSignal,
  ) => Promise<Replies>;
}

const answered = (entry: Pick<Entry, "id">, { forwardPaths }: Group): Replies =>
  new Map(forwardPaths.map((path) => [path, queuedAs(entry.id)]));

export function createStrip({ custody, makeCopy, derivedId, handOver, otherwise }: StripOptions) {
  /** The original first: if the gateway dies in between, the client sends again, and nobody has got half of it. */
  async function takeBoth(entry: Entry, group: StripGroup, copy: Entry, signal: AbortSignal): Promise<void> {
    try {
      await custody.claim(entry, "quarantine");
    } catch (error) {
      await copy.remove();
      throw error;
    }
    try {
      await custody.claim(copy, "incoming");
    } catch (error) {
      await custody.withdraw(entry);
      throw error;
    }
    if (signal.aborted) await custody.rememberUnheard(entry);
    await custody.quarantined(entry, group, group.disposition.reason);
  }

  /** It is ours: the copy first, and its id written down before, since after a crash it may leave before we are here again. */
  async function letGo(entry: Entry, group: StripGroup, copy: Entry): Promise<void> {
    await custody.record(entry, { ...(await custody.deliveryOf(entry)), stripped: copy.id });
    await custody.claim(copy, "incoming");
    await hold(entry, group);
  }

  async function hold(entry: Entry, group: Group): Promise<void> {
    await entry.move("quarantine");
    await custody.quarantined(entry, group, "reason" in group.disposition ? group.disposition.reason : "stripped");
  }

  return {
    async strip(entry: Entry, all: StripGroup, turn: Turn, signal: AbortSignal): Promise<Replies> {
      const delivery = await custody.deliveryOf(entry);
      const waiting = all.forwardPaths.filter((path) => isPending(delivery, path));
      // It left before it could be scanned: nobody is to get it again.
      if (waiting.length === 0) {
        await hold(entry, all);
        return answered(entry, all);
      }
      const group = { ...all, forwardPaths: waiting };
      const id = derivedId(entry.id, `strip ${JSON.stringify(group.forwardPaths)}`);
      // A rescan that comes to the same end, or a second try: who has the copy does not get it again.
      if (turn.taken && (await custody.isMade(entry, id))) {
        await hold(entry, group);
        return answered(entry, group);
      }
      const copy = await makeCopy(entry, group, id, signal);
      if ("refusal" in copy) return otherwise(entry, group, copy.refusal, turn, signal);
      if (await turn.takeOrWait()) {
        const twin = await custody.twin(entry);
        if (twin !== null) {
          await Promise.all([copy.remove(), entry.remove()]);
          return answered({ id: twin }, group);
        }
        await takeBoth(entry, group, copy, signal);
      } else await letGo(entry, group, copy);
      handOver(copy);
      return answered(entry, group);
    },

    /** Its copy was made when the gateway died: whatever it is judged to be by now, the original is held. False if it was not, or a person wants it judged anew. */
    async finish(entry: Entry): Promise<boolean> {
      const { stripped } = await custody.deliveryOf(entry);
      if (stripped === undefined || !(await custody.isMade(entry, stripped))) return false;
      if ((await entry.review()).some(({ what }) => what === "rescanned")) return false;
      const [first] = entry.envelope.forwardPaths;
      await hold(entry, {
        forwardPaths: entry.envelope.forwardPaths.map(({ address }) => address),
        route: first?.route ?? "",
        disposition: { kind: "quarantine", reason: `Stripped; the rest went on as ${stripped}` },
        because: [],
        policyLine: "strip",
      });
      return true;
    },
  };
}
