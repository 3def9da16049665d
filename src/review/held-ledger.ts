/** What is held, in a few octets for each message: what each class and each reason takes, and what has to go when it is too much. */
import { hash } from "node:crypto";
import type { Bytes, Millis, QueueId } from "../core/message.ts";
import { fairShares } from "./fair-share.ts";
import { type HeldClass, heldClasses, type Why } from "./held-class.ts";

/** Octets on the disk, which several messages may have in common. */
export interface Octets {
  readonly size: Bytes;
  holders: number;
}

export interface Aged {
  readonly id: QueueId;
  readonly arrived: number;
}

interface Held extends Aged {
  readonly octets: Octets;
  /** Of its attachments; 48 bits, and nothing but an order hangs on them. */
  readonly content: number;
}

export interface ClassRules {
  readonly keepMs: Millis;
  /** Of the quota, compared with the other classes. */
  readonly share: number;
}

export interface ClassTotal {
  readonly count: number;
  readonly size: Bytes;
  /** What it may keep now: its share, and what others leave unused. */
  readonly allowed: Bytes;
}

const sum = (sizes: readonly number[]): number => sizes.reduce((all, one) => all + one, 0);
const sizeOf = ({ octets }: Held): number => octets.size / octets.holders;
const sizeOfAll = (heap: readonly Held[]): number => sum(heap.map(sizeOf));

export class HeldLedger {
  readonly #heaps = new Map<HeldClass, Map<string, Held[]>>(heldClasses.map((name) => [name, new Map()]));

  add(id: QueueId, arrived: number, octets: Octets, why: Why, content: string): void {
    const heaps = this.#heaps.get(why.class);
    const heap = heaps?.get(why.reason) ?? [];
    heaps?.set(why.reason, heap);
    heap.push({ id, arrived, octets, content: Number.parseInt(hash("sha256", content, "hex").slice(0, 12), 16) });
  }

  totals(quota: Bytes, rules: Readonly<Record<HeldClass, ClassRules>>): Readonly<Record<HeldClass, ClassTotal>> {
    const sizes = heldClasses.map((name) => sum(this.#all(name).map(sizeOfAll)));
    const wishes = heldClasses.map((name, i) => ({ size: sizes[i] ?? 0, weight: rules[name].share }));
    const shares = fairShares(wishes, quota);
    const total = (name: HeldClass, i: number): ClassTotal => ({
      count: sum(this.#all(name).map((heap) => heap.length)),
      size: Math.round(sizes[i] ?? 0),
      allowed: Math.floor(shares[i] ?? 0),
    });
    return Object.fromEntries(heldClasses.map((name, i) => [name, total(name, i)])) as Record<HeldClass, ClassTotal>;
  }

  /** Those that arrived before a time, the oldest first. */
  older(name: HeldClass, than: number): readonly Aged[] {
    return this.#all(name)
      .flatMap((heap) => heap.filter(({ arrived }) => arrived < than))
      .sort((a, b) => a.arrived - b.arrived);
  }

  forgetOlder(name: HeldClass, than: number): void {
    for (const [reason, heap] of this.#heaps.get(name) ?? []) {
      for (const { arrived, octets } of heap) if (arrived < than) octets.holders--;
      this.#heaps.get(name)?.set(
        reason,
        heap.filter(({ arrived }) => arrived >= than),
      );
    }
  }

  /**
   * Within a class, reasons share its room alike, so that a flood that always trips the same rule costs nothing but its own kind.
   * Young ones stay, and nothing else goes in their stead.
   */
  surplus(name: HeldClass, allowed: Bytes, youngest: number): readonly QueueId[] {
    const heaps = this.#all(name);
    const sizes = heaps.map(sizeOfAll);
    const shares = fairShares(
      sizes.map((size) => ({ size, weight: 1 })),
      allowed,
    );
    return heaps.flatMap((heap, i) => leaving(heap, (sizes[i] ?? 0) - (shares[i] ?? 0), youngest));
  }

  #all(name: HeldClass): readonly (readonly Held[])[] {
    return [...(this.#heaps.get(name)?.values() ?? [])];
  }
}

/** Those of which a newer one has the same content. */
function repeatsIn(newestFirst: readonly Held[]): ReadonlySet<Held> {
  const seen = new Set<number>();
  const repeats = new Set<Held>();
  for (const one of newestFirst)
    if (seen.has(one.content)) repeats.add(one);
    else seen.add(one.content);
  return repeats;
}

/** Repeats first: of each content the newest stays longest. Then the oldest. */
function leaving(heap: readonly Held[], tooMuch: Bytes, youngest: number): readonly QueueId[] {
  // Less than an octet is what fractions leave.
  if (tooMuch < 1) return [];
  const newestFirst = heap.toSorted((a, b) => b.arrived - a.arrived);
  const repeats = repeatsIn(newestFirst);
  const old = newestFirst.filter(({ arrived }) => arrived < youngest).reverse();
  const order = [...old.filter((one) => repeats.has(one)), ...old.filter((one) => !repeats.has(one))];
  const ids: QueueId[] = [];
  let left = tooMuch;
  for (const one of order) {
    if (left < 1) break;
    ids.push(one.id);
    left -= sizeOf(one);
  }
  return ids;
}
