/** What a gateway does among others: copies of held messages, adoption, commands of other nodes. One that stands alone loads nothing of it. */
import type { Copies, CopiesOptions } from "./compose-copies.ts";
import { reviewHandlers } from "./control/review-handlers.ts";
import type { Handler } from "./control/server.ts";
import { GatewayError } from "./core/errors.ts";
import type { Custody } from "./dispose/custody.ts";
import type { Review } from "./review/review.ts";
import type { SpoolEvent } from "./spool/disk-spool.ts";

type Handlers = ReadonlyMap<string, Handler>;

export interface Parts {
  readonly review: Review;
  readonly custody: Pick<Custody, "quarantined">;
}

export interface Among {
  onMove(event: SpoolEvent): void;
  /** Copies are made from now on. */
  start(): void;
  /** What this gateway does on request; it answers other nodes until `close`. */
  answer(parts: Parts): Promise<{ readonly handlers: Handlers; close(): Promise<void> }>;
  close(): Promise<void>;
}

const withoutBlobs: Handlers = new Map<string, Handler>([
  [
    "adopt",
    () => {
      throw new GatewayError("CONFIG_INVALID", { problem: "blobs is not set: copies of held messages lie there" });
    },
  ],
]);

/** To be called before rows of the catalog are filled in: what others have adopted is given up first. */
export async function joinOthers(options: CopiesOptions): Promise<Among> {
  const { config, log } = options;
  const copies: Copies | null = config.blobs ? await (await import("./compose-copies.ts")).keepCopies(options) : null;
  return {
    onMove: (event) => copies?.onMove(event),
    start: () => copies?.start(),
    async answer({ review, custody }) {
      const reviewing = copies?.guarded(reviewHandlers(review)) ?? reviewHandlers(review);
      const remote = config.queue && (await import("./compose-remote.ts"));
      const answering = remote?.answerOthers(config, reviewing, log);
      return {
        handlers: new Map([...reviewing, ...(copies?.handlers(custody) ?? withoutBlobs)]),
        close: async () => answering?.close(),
      };
    },
    close: async () => copies?.close(),
  };
}
