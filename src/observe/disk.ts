/** What kind of file system a folder lies on: does it keep what was synced? */
import { statfsSync } from "node:fs";

/** Magic numbers of linux/magic.h. */
const forgetful: Readonly<Record<number, string>> = {
  0x01021994: "tmpfs",
  0x858458f6: "ramfs",
  0x794c7630: "overlayfs",
};
const remote: Readonly<Record<number, string>> = { 0x6969: "NFS", 0xff534d42: "CIFS", 0x65735546: "FUSE" };

export type Keeping = { readonly kind: "keeps" | "forgets" | "unsure"; readonly text: string };

export function keepingOf(folder: string): Keeping {
  const { type } = statfsSync(folder);
  const lost = forgetful[type];
  if (lost) return { kind: "forgets", text: `${lost} loses everything with the machine or the container` };
  const far = remote[type];
  if (far) return { kind: "unsure", text: `${far} may acknowledge a sync before the octets are stored` };
  return { kind: "keeps", text: "a local file system" };
}

/** What a user without privileges may still write. */
export function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}
