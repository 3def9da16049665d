/** Frames between the gateway and its children: two lengths, a JSON header, a body. Bounded before anything is allocated. */
import { closeSync, fstatSync, openSync, readSync, writeSync } from "node:fs";
import type { Bytes } from "../src/core/message.ts";

export interface Frame {
  readonly header: Readonly<Record<string, unknown>>;
  readonly body: Buffer;
}

export interface FrameLimits {
  readonly header: Bytes;
  readonly body: Bytes;
}

/** What the other side sent is no frame, or one over the limits. */
export class FrameError extends Error {
  override readonly name = "FrameError";
}

const prefixBytes = 8;
const nothing = Buffer.alloc(0);

/** Lengths and header in one buffer; the body goes out after it, uncopied. */
export function frameHead(header: object, bodyBytes: Bytes): Buffer {
  const json = JSON.stringify(header);
  const head = Buffer.allocUnsafe(prefixBytes + Buffer.byteLength(json));
  head.writeUInt32BE(head.length - prefixBytes, 0);
  head.writeUInt32BE(bodyBytes, 4);
  head.write(json, prefixBytes);
  return head;
}

function parseHeader(json: Buffer): Frame["header"] {
  let value: unknown;
  try {
    value = JSON.parse(json.toString("utf8"));
  } catch (cause) {
    throw new FrameError("the header is not JSON", { cause });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new FrameError("the header is no object");
  return value as Frame["header"];
}

function lengths(prefix: Buffer, limits: FrameLimits): { readonly header: Bytes; readonly body: Bytes } {
  const header = prefix.readUInt32BE(0);
  const body = prefix.readUInt32BE(4);
  if (header > limits.header) throw new FrameError(`a header of ${header} bytes`);
  if (body > limits.body) throw new FrameError(`a body of ${body} bytes`);
  return { header, body };
}

/** Takes octets in pieces of any size and gives back whole frames; throws FrameError. */
export class FrameReader {
  readonly #limits: FrameLimits;
  #stage: "prefix" | "header" | "body" = "prefix";
  #target = Buffer.allocUnsafeSlow(prefixBytes);
  #filled = 0;
  #bodyBytes = 0;
  #header: Frame["header"] = {};

  constructor(limits: FrameLimits) {
    this.#limits = limits;
  }

  push(chunk: Uint8Array): Frame[] {
    const frames: Frame[] = [];
    for (let at = 0; at < chunk.length; ) {
      const take = Math.min(chunk.length - at, this.#target.length - this.#filled);
      this.#target.set(chunk.subarray(at, at + take), this.#filled);
      this.#filled += take;
      at += take;
      while (this.#filled === this.#target.length) {
        const frame = this.#next();
        if (frame) frames.push(frame);
        else if (this.#target.length > 0) break;
      }
    }
    return frames;
  }

  #await(stage: "prefix" | "header" | "body", bytes: Bytes): null {
    this.#stage = stage;
    this.#filled = 0;
    this.#target = bytes === 0 ? nothing : Buffer.allocUnsafeSlow(bytes);
    return null;
  }

  /** The present target is full: on to the next stage. */
  #next(): Frame | null {
    const full = this.#target;
    switch (this.#stage) {
      case "prefix": {
        const { header, body } = lengths(full, this.#limits);
        this.#bodyBytes = body;
        return this.#await("header", header);
      }
      case "header":
        this.#header = parseHeader(full);
        return this.#await("body", this.#bodyBytes);
      case "body": {
        const frame = { header: this.#header, body: full };
        this.#await("prefix", prefixBytes);
        return frame;
      }
    }
  }
}

/** Blocks until `target` is full. False if the other side closed before its first octet. */
function fill(fd: number, target: Buffer): boolean {
  for (let at = 0; at < target.length; ) {
    const got = readSync(fd, target, at, target.length - at, null);
    if (got === 0) {
      if (at === 0) return false;
      throw new FrameError("the stream ended inside a frame");
    }
    at += got;
  }
  return true;
}

/** Frames of a descriptor, one after the other, waited for without an event loop: a child has nothing else to do. */
export class FrameSource {
  readonly #fd: number;
  readonly #limits: FrameLimits;
  /** The same for each body up to `keptBytes`: new memory for each costs more than reading does. */
  readonly #keptBytes: Bytes;
  #kept = nothing;

  constructor(fd: number, limits: FrameLimits, keptBytes: Bytes = 0) {
    this.#fd = fd;
    this.#limits = limits;
    this.#keptBytes = keptBytes;
  }

  /** Null at the end of the stream. Its body may be overwritten by whatever is read next that has octets of its own. */
  next(): Frame | null {
    const prefix = Buffer.allocUnsafe(prefixBytes);
    if (!fill(this.#fd, prefix)) return null;
    const { header, body } = lengths(prefix, this.#limits);
    const json = Buffer.allocUnsafe(header);
    const octets = this.#room(body);
    if (!fill(this.#fd, json) || (body > 0 && !fill(this.#fd, octets)))
      throw new FrameError("the stream ended inside a frame");
    return { header: parseHeader(json), body: octets };
  }

  /** What a file holds, in the memory of bodies. */
  file(name: string): Buffer {
    const fd = openSync(name, "r");
    try {
      const octets = this.#room(fstatSync(fd).size);
      if (octets.length > 0 && !fill(fd, octets)) throw new FrameError("the file is empty");
      return octets;
    } finally {
      closeSync(fd);
    }
  }

  #room(bytes: Bytes): Buffer {
    if (bytes === 0) return nothing;
    if (bytes > this.#keptBytes) return Buffer.allocUnsafeSlow(bytes);
    if (this.#kept.length < bytes)
      this.#kept = Buffer.allocUnsafeSlow(Math.min(this.#keptBytes, 2 ** Math.ceil(Math.log2(bytes))));
    return this.#kept.subarray(0, bytes);
  }
}

function writeAll(fd: number, octets: Uint8Array): void {
  for (let at = 0; at < octets.length; ) at += writeSync(fd, octets, at, octets.length - at);
}

export function writeFrame(fd: number, header: object, body: Uint8Array = nothing): void {
  writeAll(fd, frameHead(header, body.length));
  writeAll(fd, body);
}
