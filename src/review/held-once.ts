/** Held messages of equal octets, such as what a client sends again and again, need one file. */
import type { QueueId } from "../core/message.ts";
import type { Dissection } from "../core/outcome.ts";
import type { Entry, Spool } from "../spool/spool.ts";
import type { Octets } from "./held-ledger.ts";

/** What a hash is remembered by: the octets themselves are compared before anything is done. */
const headOf = (sha256: string): number => Number.parseInt(sha256.slice(0, 12), 16);

export class HeldOnce {
  readonly #spool: Pick<Spool, "open">;
  readonly #seen = new Map<number, { readonly id: QueueId; readonly octets: Octets }>();

  constructor(spool: Pick<Spool, "open">) {
    this.#spool = spool;
  }

  /** The octets of a message, shared with one that was seen before if they are the same. */
  async of(entry: Entry, dissection: Dissection | null): Promise<Octets> {
    const own: Octets = { size: entry.size, holders: 1 };
    if (dissection === null) return own;
    const head = headOf(dissection.sha256);
    const before = this.#seen.get(head);
    if (before?.octets.size === entry.size) {
      const first = await this.#spool.open(before.id, "quarantine").catch(() => null);
      if (first && (await entry.shareOctets(first))) {
        before.octets.holders++;
        return before.octets;
      }
    }
    this.#seen.set(head, { id: entry.id, octets: own });
    return own;
  }
}
