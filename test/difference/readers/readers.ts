/** Other programs' readers of mail: what each of them extracts from a message, by hash. */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { simpleParser } from "mailparser";
import PostalMime from "postal-mime";

export interface Extracted {
  readonly reader: string;
  readonly sha256: string;
  /** Without CR, and without LF at start and end: what readers take from text or add to it. */
  readonly plainSha256: string;
  /** Of the latter. */
  readonly size: number;
  readonly name: string;
  /** Of text to be read, octets as latin1 without line ends as above; else null. */
  readonly body: string | null;
  /** The reader marks that it could not go on: munpack writes FF then. */
  readonly slips: boolean;
}

const sha256 = (octets: Uint8Array): string => createHash("sha256").update(octets).digest("hex");

export function plainHash(octets: Buffer): { readonly plain: Buffer; readonly plainSha256: string } {
  const plain = Buffer.from(
    octets
      .toString("latin1")
      .replaceAll("\r", "")
      .replace(/^\n+|\n+$/g, ""),
    "latin1",
  );
  return { plain, plainSha256: sha256(plain) };
}

function extracted(reader: string, content: Uint8Array, isBody: boolean, name: string): Extracted {
  const octets = Buffer.from(content);
  const { plain, plainSha256 } = plainHash(octets);
  const body = isBody ? plain.toString("latin1") : null;
  const slips = reader === "munpack" && octets.includes(0xff);
  return { reader, sha256: sha256(octets), plainSha256, size: plain.length, name, body, slips };
}

type Row = readonly [sha256: string, plainSha256: string, size: number, name: string, body: string | null];

/** A program that answers a line for each message. */
export class LongLived {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  names: readonly string[] = [];

  private constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child;
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    child.stdin.on("error", () => undefined);
  }

  static async start(command: string, script: string): Promise<LongLived> {
    const file = fileURLToPath(new URL(script, import.meta.url));
    const child = spawn(command, [file], { stdio: ["pipe", "pipe", "ignore"] });
    const one = new LongLived(child as unknown as ChildProcessWithoutNullStreams);
    one.names = JSON.parse(await one.#line()) as string[];
    return one;
  }

  async #line(): Promise<string> {
    const next = await this.#lines.next();
    if (next.done === true) throw new Error(`A reader has ended: ${this.names.join(", ")}`);
    return next.value;
  }

  async read(message: Buffer): Promise<readonly Extracted[]> {
    const head = Buffer.alloc(4);
    head.writeUInt32BE(message.length);
    this.#child.stdin.write(Buffer.concat([head, message]));
    const answer = JSON.parse(await this.#line()) as Record<string, readonly Row[]>;
    return Object.entries(answer).flatMap(([reader, rows]) =>
      rows.map(([sum, plainSha256, size, name, body]) => ({
        reader,
        sha256: sum,
        plainSha256,
        size,
        name,
        body,
        slips: false,
      })),
    );
  }

  stop(): void {
    this.#child.kill("SIGKILL");
  }
}

export async function readByMailparser(message: Buffer): Promise<readonly Extracted[]> {
  const { attachments } = await simpleParser(message, { skipHtmlToText: true, skipTextToHtml: true });
  return attachments.map(({ content, filename, contentType }) =>
    extracted("mailparser", content, contentType.startsWith("text/") && !filename, filename ?? ""),
  );
}

export async function readByPostalMime(message: Buffer): Promise<readonly Extracted[]> {
  const { attachments } = await PostalMime.parse(message, { attachmentEncoding: "arraybuffer" });
  return attachments.map(({ content, filename, mimeType }) =>
    extracted(
      "postal-mime",
      new Uint8Array(content as ArrayBuffer),
      mimeType.startsWith("text/") && !filename,
      filename ?? "",
    ),
  );
}

/** Programs that write what they find into a folder. Notes about the parts, which some add, are theirs. */
const programs: Readonly<Record<string, (file: string, folder: string) => readonly [string, ...string[]]>> = {
  munpack: (file, folder) => ["munpack", "-q", "-f", "-t", "-C", folder, file],
  ripmime: (file, folder) => ["ripmime", "--no-nameless", "-q", "-i", file, "-d", folder],
};

export const programNames = Object.keys(programs);

export function readByProgram(name: string, message: Buffer): readonly Extracted[] {
  const folder = mkdtempSync(join(tmpdir(), "sallyport-reader-"));
  try {
    const file = join(folder, "message");
    const into = mkdtempSync(join(folder, "out-"));
    writeFileSync(file, message);
    const [command, ...args] = programs[name]?.(file, into) ?? ["false"];
    spawnSync(command, args, { cwd: into, timeout: 5000, stdio: "ignore" });
    // Names are whatever octets the sender chose.
    return readdirSync(into, { encoding: "buffer" })
      .map((entry) => ({ path: Buffer.concat([Buffer.from(`${into}/`), entry]), entry: entry.toString("latin1") }))
      .filter(({ path, entry }) => statSync(path).isFile() && !entry.endsWith(".desc"))
      .map(({ path, entry }) => {
        const isBody = /^(?:part\d|textfile|part-)/.test(entry);
        return extracted(name, readFileSync(path), isBody, entry);
      });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
