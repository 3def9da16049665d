/** Looks at one part and reports. No network, no clock, no memory from one part to the next. Contract. */
import type { Externals } from "../../src/core/job.ts";
import type { Part } from "../../src/core/message.ts";
import type { Outcome } from "../../src/core/outcome.ts";

export interface Inspector {
  readonly name: string;
  /** Engine and rule versions; part of the cache key, so new rules mean new jobs. */
  readonly version: string;
  /** Looks at names only: it is also shown members whose content could not be opened. */
  readonly namesOnly?: true;
  /** `part.types` is what the octets are, not what the sender claims. */
  wants(part: Part): boolean;
  /** Must return an Outcome for any octets whatever. A thrown error is a bug and becomes "crashed". */
  inspect(part: Part, bytes: Uint8Array, externals: Externals): Outcome | Promise<Outcome>;
}
