/** How much may still be written: free space above the watermark, looked up once a second at most. */
import { statfs } from "node:fs/promises";
import { GatewayError } from "../core/errors.ts";
import type { Bytes, Millis } from "../core/message.ts";
import type { Clock } from "../observe/clock.ts";

const lookEvery: Millis = 1_000;
/** An entry needs about eight inodes; below this many free ones the disk is as good as full. */
const leastInodes = 2_000;

export class Room {
  readonly #folder: string;
  readonly #minFree: Bytes;
  readonly #clock: Clock;
  #look: Promise<Bytes> | null = null;
  #lookedAt: Millis = 0;
  #written: Bytes = 0;
  #reserved: Bytes = 0;

  constructor(folder: string, minFree: Bytes, clock: Clock) {
    this.#folder = folder;
    this.#minFree = minFree;
    this.#clock = clock;
  }

  /** Above the watermark, without what is reserved. */
  async left(): Promise<Bytes> {
    return (await this.#aboveWatermark()) - this.#reserved;
  }

  /** For a new message: what others have reserved is not to be had. */
  async forNew(bytes: Bytes): Promise<void> {
    this.#refuse(bytes, await this.left());
  }

  /** For a claim, whose octets may be the very ones that were reserved. */
  async forClaim(bytes: Bytes): Promise<void> {
    this.#refuse(bytes, await this.#aboveWatermark());
  }

  async reserve(bytes: Bytes): Promise<Disposable> {
    await this.forNew(bytes);
    this.#reserved += bytes;
    let held = bytes;
    return {
      [Symbol.dispose]: () => {
        this.#reserved -= held;
        held = 0;
      },
    };
  }

  /** Between two looks we count ourselves. */
  wrote(bytes: Bytes): void {
    this.#written += bytes;
  }

  #refuse(bytes: Bytes, left: Bytes): void {
    if (left < bytes) throw new GatewayError("SPOOL_FULL", { wanted_bytes: bytes, left_bytes: left });
  }

  async #aboveWatermark(): Promise<Bytes> {
    const now = this.#clock.monotonic();
    if (this.#look === null || now - this.#lookedAt >= lookEvery) {
      this.#lookedAt = now;
      this.#written = 0;
      this.#look = this.#free();
    }
    return (await this.#look) - this.#minFree - this.#written;
  }

  async #free(): Promise<Bytes> {
    const { bavail, bsize, files, ffree } = await statfs(this.#folder);
    // File systems without a table of inodes report 0 of 0.
    return files > 0 && ffree < leastInodes ? 0 : bavail * bsize;
  }
}
