/** Two messages of equal octets are given one file. */
import { constants } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Durable, errnoOf, unfinished } from "./durable.ts";
import { messageFile } from "./layout.ts";

const pieceBytes = 256 * 1024;

async function piece(file: FileHandle, buffer: Buffer): Promise<Buffer> {
  let filled = 0;
  while (filled < buffer.length) {
    const { bytesRead } = await file.read(buffer, filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}

/** Read whole: a hash that a broken child has told must not make one message's octets another's. */
async function areEqual(one: string, other: string): Promise<boolean> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW;
  await using first = await open(one, flags);
  await using second = await open(other, flags);
  const [a, b] = [Buffer.allocUnsafe(pieceBytes), Buffer.allocUnsafe(pieceBytes)];
  for (;;) {
    const [x, y] = [await piece(first, a), await piece(second, b)];
    if (!x.equals(y)) return false;
    if (x.length === 0) return true;
  }
}

const inodeOf = async (path: string): Promise<number | null> => (await stat(path).catch(() => null))?.ino ?? null;

/** False if they are not equal, or if the other one has left meanwhile, or if its file has all the names it can have. */
export async function shareOctets(durable: Durable, folder: string, otherFolder: string): Promise<boolean> {
  const own = join(folder, messageFile);
  const other = join(otherFolder, messageFile);
  const inode = await inodeOf(own);
  if (inode !== null && inode === (await inodeOf(other))) return true;
  const made = messageFile + unfinished;
  await durable.removeFiles(folder, [made]);
  try {
    await durable.link(other, join(folder, made));
  } catch (error) {
    if (["ENOENT", "EMLINK"].includes(errnoOf(error) ?? "")) return false;
    throw error;
  }
  const equal = await areEqual(own, join(folder, made));
  if (equal) await durable.rename(join(folder, made), own);
  await durable.removeFiles(folder, equal ? [] : [made]);
  return equal;
}
