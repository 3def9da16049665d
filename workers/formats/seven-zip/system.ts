/**
 * The operating system that 7-Zip sees inside its WASM: one file to read, a folder into which everything can be written and
 * nothing can be read back, two streams for text. No path leads anywhere; the clock stands still.
 */
import type { Imports } from "../../engines/web-assembly.ts";

/** One file that comes into being. Octets are lent for the time of the call. */
export interface Output {
  write(at: number, octets: Buffer): void;
  close(): void;
}

/** Who watches what 7-Zip does. Whatever these throw ends the program. */
export interface Watcher {
  /** A piece of what it prints, on either stream. */
  say(text: Buffer): void;
  /** `path` as octets, below the folder for output. */
  create(path: Buffer): Output;
  /** A symbolic link, which is not made. */
  link(path: Buffer, target: Buffer): void;
}

/** Both as 7-Zip is told on its command line. */
export const outputFolder = "/out";
export const inputFile = "/in/archive";

/** Everything, by the reader of that name (by the one it finds fit for ""), and a line about each file. An empty password keeps it from asking. */
export const extractCommand = (as: string, password = ""): readonly string[] => [
  ...["x", "-y", "-aoa", "-bb1", "-bd", `-p${password}`, `-o${outputFolder}`],
  ...(as === "" ? [] : [`-t${as}`]),
];

/** It ended by itself. */
export class Ended extends Error {
  readonly code: number;
  constructor(code: number) {
    super(`ended with ${code}`);
    this.code = code;
  }
}

/** A C++ exception that nothing in the program catches: its way to give up on damaged files. */
export class GaveUp extends Error {}

interface Stream {
  readonly input: Buffer | null;
  readonly output: Output | null;
  /** Grows only by what is really written; a length set in advance is nothing. */
  at: number;
  size: number;
}

interface Memory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

/** WASI's numbers, which this build uses throughout. */
const error = { badFile: 8, exists: 20, invalid: 28, notThere: 44, notImplemented: 52, noTerminal: 59 } as const;
const wantsToWrite = 0o101;
const pageBytes = 65_536;
/** Of addresses: what is touched is counted from outside. A dictionary of 256 MiB, and that of PPMd, fit. */
const mostMemory = 2 ** 30;
const mostStreams = 64;
const kinds = { file: 0o100644, folder: 0o040755, text: 0o020600 } as const;
const printed = [1, 2];

export class System {
  readonly #input: Buffer;
  readonly #watcher: Watcher;
  readonly #streams = new Map<number, Stream>();
  #memory: Memory | null = null;
  #next = 3;
  /** What was made last is there when asked for, so that its attributes can be "set". */
  #made = "";
  #madeKind: number = 0;

  constructor(input: Buffer, watcher: Watcher) {
    this.#input = input;
    this.#watcher = watcher;
  }

  attach(memory: Memory): void {
    this.#memory = memory;
  }

  get #octets(): Buffer {
    return Buffer.from(this.#memory?.buffer ?? new ArrayBuffer(0));
  }

  #text(pointer: number): Buffer {
    const octets = this.#octets;
    return octets.subarray(pointer, octets.indexOf(0, pointer));
  }

  #open(pointer: number, flags: number): number {
    const path = this.#text(pointer);
    const name = path.toString("latin1");
    if (this.#streams.size >= mostStreams) return -error.badFile;
    let stream: Stream | null = null;
    if (name.startsWith(`${outputFolder}/`) && flags & wantsToWrite) {
      this.#made = name;
      this.#madeKind = kinds.file;
      const output = this.#watcher.create(Buffer.from(path.subarray(outputFolder.length + 1)));
      stream = { input: null, output, at: 0, size: 0 };
    } else if (name === inputFile) stream = { input: this.#input, output: null, at: 0, size: this.#input.length };
    if (!stream) return -error.notThere;
    this.#streams.set(this.#next, stream);
    return this.#next++;
  }

  #stat(pointer: number, into: number): number {
    const name = this.#text(pointer).toString("latin1");
    if (name === inputFile) return this.#fillStat(into, kinds.file, this.#input.length);
    if (name === this.#made) return this.#fillStat(into, this.#madeKind, 0);
    return ["/", "/in", outputFolder].includes(name.replace(/(?<=.)\/+$/, ""))
      ? this.#fillStat(into, kinds.folder, 0)
      : -error.notThere;
  }

  #makeFolder(pointer: number): number {
    this.#made = this.#text(pointer).toString("latin1");
    this.#madeKind = kinds.folder;
    return 0;
  }

  #link(target: number, pointer: number): number {
    const path = this.#text(pointer);
    if (path.toString("latin1", 0, outputFolder.length) !== outputFolder) return -error.notThere;
    this.#watcher.link(Buffer.from(path.subarray(outputFolder.length + 1)), Buffer.from(this.#text(target)));
    return 0;
  }

  #fillStat(into: number, mode: number, size: number): number {
    const octets = this.#octets;
    octets.fill(0, into, into + 96);
    octets.writeUInt32LE(mode, into + 4);
    octets.writeUInt32LE(1, into + 8);
    octets.writeBigInt64LE(BigInt(size), into + 24);
    octets.writeUInt32LE(4096, into + 32);
    return 0;
  }

  #vectors(pointer: number, count: number): readonly Buffer[] {
    const octets = this.#octets;
    return Array.from({ length: count }, (_, index) => {
      const from = octets.readUInt32LE(pointer + 8 * index);
      return octets.subarray(from, from + octets.readUInt32LE(pointer + 8 * index + 4));
    });
  }

  #read(fd: number, pointer: number, count: number, into: number): number {
    const stream = this.#streams.get(fd);
    if (fd !== 0 && !stream?.input) return error.badFile;
    let total = 0;
    for (const room of stream ? this.#vectors(pointer, count) : []) {
      const copied = stream?.input?.copy(room, 0, Math.min(stream.at, stream.size)) ?? 0;
      if (stream) stream.at += copied;
      total += copied;
    }
    this.#octets.writeUInt32LE(total, into);
    return 0;
  }

  #write(fd: number, pointer: number, count: number, into: number): number {
    const stream = this.#streams.get(fd);
    if (!stream?.output && !printed.includes(fd)) return error.badFile;
    let total = 0;
    for (const octets of this.#vectors(pointer, count)) {
      if (stream?.output) {
        stream.output.write(stream.at, octets);
        stream.at += octets.length;
        stream.size = Math.max(stream.size, stream.at);
      } else this.#watcher.say(octets);
      total += octets.length;
    }
    this.#octets.writeUInt32LE(total, into);
    return 0;
  }

  #seek(fd: number, offset: bigint, whence: number, into: number): number {
    const stream = this.#streams.get(fd);
    if (!stream) return error.badFile;
    const base = whence === 0 ? 0 : whence === 1 ? stream.at : stream.size;
    const at = base + Number(offset);
    if (!Number.isSafeInteger(at) || at < 0) return error.invalid;
    stream.at = at;
    this.#octets.writeBigInt64LE(BigInt(at), into);
    return 0;
  }

  #close(fd: number): number {
    this.#streams.get(fd)?.output?.close();
    return this.#streams.delete(fd) ? 0 : error.badFile;
  }

  #grow(wanted: number): number {
    const memory = this.#memory;
    const size = wanted >>> 0;
    if (!memory || size > mostMemory) return 0;
    const now = memory.buffer.byteLength;
    // A fifth more than asked for, so that many small steps cost few.
    const next = Math.min(mostMemory, Math.max(size, now + Math.min(now / 5, 96 * 2 ** 20)));
    try {
      memory.grow(Math.ceil((next - now) / pageBytes));
      return 1;
    } catch {
      return 0;
    }
  }

  #getCwd(into: number, size: number): number {
    if (size < 2) return -error.invalid;
    return this.#octets.write("/\0", into, "latin1");
  }

  /** UTF-8, so that 7-Zip keeps names apart from their octets. */
  #environment(pointers: number, into: number): number {
    this.#octets.writeUInt32LE(into, pointers);
    this.#octets.write("LANG=C.UTF-8\0", into, "latin1");
    return 0;
  }

  #zero(into: number, bytes: number, result = 0): number {
    this.#octets.fill(0, into, into + bytes);
    return result;
  }

  imports(): Imports {
    const done = () => 0;
    const missing = () => -error.notThere;
    const stop = (code: number): never => {
      throw new Ended(code);
    };
    const giveUp = (): never => {
      throw new GaveUp("The unpacker gave up");
    };
    return {
      env: {
        __cxa_throw: giveUp,
        _abort_js: giveUp,
        exit: stop,
        __syscall_openat: (_folder: number, path: number, flags: number) => this.#open(path, flags),
        __syscall_stat64: (path: number, into: number) => this.#stat(path, into),
        __syscall_lstat64: (path: number, into: number) => this.#stat(path, into),
        __syscall_newfstatat: (_folder: number, path: number, into: number) => this.#stat(path, into),
        __syscall_fstat64: (fd: number, into: number) =>
          this.#fillStat(into, fd < 3 ? kinds.text : kinds.file, this.#streams.get(fd)?.size ?? 0),
        __syscall_getcwd: (into: number, size: number) => this.#getCwd(into, size),
        __syscall_ioctl: () => -error.noTerminal,
        __syscall_getdents64: done,
        __syscall_readlinkat: missing,
        // Whatever changes the folder for output succeeds and does nothing.
        __syscall_chmod: done,
        __syscall_fchownat: done,
        __syscall_ftruncate64: done,
        __syscall_mkdirat: (_folder: number, path: number) => this.#makeFolder(path),
        __syscall_symlinkat: (target: number, _folder: number, path: number) => this.#link(target, path),
        __syscall_unlinkat: done,
        __syscall_rmdir: done,
        __syscall_renameat: done,
        __syscall_utimensat: done,
        _tzset_js: (zone: number, daylight: number) => this.#zero(zone, 4, this.#zero(daylight, 4)),
        _mktime_js: () => 0n,
        _localtime_js: (_time: bigint, into: number) => this.#zero(into, 44),
        _gmtime_js: (_time: bigint, into: number) => this.#zero(into, 36),
        emscripten_date_now: done,
        emscripten_get_heap_max: () => mostMemory,
        emscripten_resize_heap: (size: number) => this.#grow(size),
      },
      wasi_snapshot_preview1: {
        fd_read: (fd: number, pointer: number, count: number, into: number) => this.#read(fd, pointer, count, into),
        fd_write: (fd: number, pointer: number, count: number, into: number) => this.#write(fd, pointer, count, into),
        fd_seek: (fd: number, offset: bigint, whence: number, into: number) => this.#seek(fd, offset, whence, into),
        fd_close: (fd: number) => this.#close(fd),
        fd_fdstat_get: (fd: number, into: number) => {
          this.#zero(into, 24);
          this.#octets.writeUInt8(fd < 3 ? 2 : 4, into);
          return 0;
        },
        environ_sizes_get: (count: number, bytes: number) => {
          this.#octets.writeUInt32LE(1, count);
          this.#octets.writeUInt32LE(13, bytes);
          return 0;
        },
        environ_get: (pointers: number, into: number) => this.#environment(pointers, into),
        clock_time_get: (_clock: number, _precision: bigint, into: number) => this.#zero(into, 8),
      },
    };
  }
}
