/** Takes the octets of one message in: small ones in memory, large ones in a file of `arriving`. Nothing is synced here. */
import { join } from "node:path";
import type { Bytes } from "../core/message.ts";
import type { Durable, WritableFile } from "./durable.ts";
import { asSpoolError } from "./faults.ts";
import { messageFile } from "./layout.ts";
import type { Room } from "./room.ts";

/** Pieces come in the size of a TCP read; they are written in larger ones. */
const pieceBytes: Bytes = 256 * 1024;

interface Ground {
  readonly folder: string;
  readonly memoryLimit: Bytes;
  readonly durable: Durable;
  readonly room: Room;
}

class Inflow {
  readonly #ground: Ground;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #file: WritableFile | null = null;
  #hasFolder = false;
  size = 0;

  constructor(ground: Ground) {
    this.#ground = ground;
  }

  async take(piece: Uint8Array): Promise<void> {
    this.#waiting.push(piece);
    this.#waitingBytes += piece.length;
    this.size += piece.length;
    if (this.#waitingBytes > (this.#file ? pieceBytes : this.#ground.memoryLimit)) await this.#write();
  }

  async #write(): Promise<void> {
    const { folder, durable, room } = this.#ground;
    await room.forNew(this.#waitingBytes);
    const bytes = Buffer.concat(this.#waiting);
    try {
      if (!this.#file) {
        await durable.makeFolder(folder);
        this.#hasFolder = true;
        this.#file = await durable.open(join(folder, messageFile), "new");
      }
      await this.#file.write(bytes);
    } catch (error) {
      throw asSpoolError(error, { file: messageFile });
    }
    room.wrote(bytes.length);
    this.#waiting = [];
    this.#waitingBytes = 0;
  }

  /** The octets if they are in memory, else null. */
  async end(): Promise<Buffer | null> {
    if (!this.#file) return Buffer.concat(this.#waiting);
    await this.#write();
    const file = this.#file;
    this.#file = null;
    await file.close();
    return null;
  }

  /** Best effort: what stays is swept at the next start. */
  async abandon(): Promise<void> {
    await this.#file?.close().catch(() => undefined);
    if (this.#hasFolder) await this.#ground.durable.discard(this.#ground.folder).catch(() => undefined);
  }
}

/** Throws SPOOL_FULL, SPOOL_UNWRITABLE, and what `content` throws; then nothing is left behind. */
export async function receive(
  content: AsyncIterable<Uint8Array>,
  ground: Ground,
): Promise<{ readonly size: Bytes; readonly bytes: Buffer | null }> {
  const inflow = new Inflow(ground);
  try {
    await ground.room.forNew(0);
    for await (const piece of content) await inflow.take(piece);
    const bytes = await inflow.end();
    return { size: inflow.size, bytes };
  } catch (error) {
    await inflow.abandon();
    throw error;
  }
}
