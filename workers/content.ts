/** Which octets a job is about: a name that is equal for equal content, so that a child need not get them twice. */
import { createHash } from "node:crypto";
import { createReadStream, statSync } from "node:fs";
import { basename } from "node:path";
import { GatewayError } from "../src/core/errors.ts";
import type { Content } from "../src/core/job.ts";
import type { Bytes, Sha256 } from "../src/core/message.ts";

const names = new WeakMap<Uint8Array, string>();
let next = 0;

/** Throws SPOOL_NOT_THERE when the file has been moved. */
export function contentKey(content: Content): string {
  if (content.kind === "file") {
    const stat = statSync(content.file, { throwIfNoEntry: false });
    if (!stat) throw new GatewayError("SPOOL_NOT_THERE", { file: basename(content.file) });
    return `file ${stat.dev} ${stat.ino} ${stat.mtimeMs} ${stat.size}`;
  }
  const known = names.get(content.bytes) ?? `bytes ${next++}`;
  names.set(content.bytes, known);
  return known;
}

export const contentSize = (content: Content): Bytes => (content.kind === "file" ? content.size : content.bytes.length);

export async function contentHash(content: Content): Promise<Sha256> {
  const hash = createHash("sha256");
  if (content.kind === "bytes") hash.update(content.bytes);
  else for await (const chunk of createReadStream(content.file)) hash.update(chunk as Buffer);
  return hash.digest("hex") as Sha256;
}
