/** The purse of one job: members, octets and ratio, counted on octets really produced. One per container, all drawing on the same job's. */
import type { InspectLimits } from "../src/core/job.ts";
import type { Bytes } from "../src/core/message.ts";
import { roughSize } from "../src/core/units.ts";
import { type Budget, Stop } from "./extractors/extractor.ts";

/** Below this a high ratio harms nobody. */
const freeBytes: Bytes = 1024 * 1024;

export interface Purse extends Budget {
  /** The same purse for one container: it may produce so many times its own size. */
  container(given: Bytes): Budget;
}

interface Spent {
  members: number;
  bytes: Bytes;
}

export function createPurse(limits: InspectLimits): Purse {
  const spent: Spent = { members: 0, bytes: 0 };

  function spendFrom(
    produced: { bytes: Bytes },
    most: Bytes,
    cost: { readonly members?: number; readonly bytes?: Bytes },
  ): void {
    const members = spent.members + (cost.members ?? 0);
    const bytes = cost.bytes ?? 0;
    if (members > limits.members) throw new Stop("limit", `More than ${limits.members} files within the part`);
    if (spent.bytes + bytes > limits.bytes)
      throw new Stop("limit", `More than ${roughSize(limits.bytes)} within the part`);
    if (produced.bytes + bytes > most)
      throw new Stop("limit", `More than ${limits.ratio} times the size of the container`);
    spent.members = members;
    spent.bytes += bytes;
    produced.bytes += bytes;
  }

  function container(given: Bytes): Budget {
    const most = Math.max(freeBytes, given * limits.ratio);
    const produced = { bytes: 0 };
    return {
      spend: (cost) => spendFrom(produced, most, cost),
      get memberRoom() {
        return Math.min(limits.memberBytes, limits.bytes - spent.bytes, most - produced.bytes);
      },
      spent,
    };
  }

  return {
    ...container(Number.MAX_SAFE_INTEGER),
    container,
    spent,
    get memberRoom() {
      return Math.min(limits.memberBytes, limits.bytes - spent.bytes);
    },
  };
}

/** A member did not fit into its room: what was produced in vain is paid for. Throws Stop if nothing is left for others. */
export function payForOverflow(budget: Budget): void {
  budget.spend({ bytes: Math.max(0, budget.memberRoom) });
  if (budget.memberRoom < 1) budget.spend({ bytes: 1 });
}

/** Octets that came out in vain before a stream turned out to be damaged are not known; this many times its size is a fair price. */
const damageRatio = 64;

export function payForDamage(budget: Budget, given: Bytes): void {
  budget.spend({ bytes: Math.max(0, Math.min(budget.memberRoom, given * damageRatio)) });
}
