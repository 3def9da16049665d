/** A release as one run of octets: the rule packs as they lie in their folders, and the policy. */
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { z } from "zod";
import { findPacks } from "./find-files.ts";

const format = 1;
/** The largest public collections of rules have some 100 MB. */
const largest = 512 * 2 ** 20;

/** Below the folder that it is unpacked into: nothing that climbs out of it, and nothing hidden. */
const pathShape = /^(?!\.)[^/\0\\]+(?:\/(?!\.)[^/\0\\]+)*$/;
const schema = z.object({
  format: z.literal(format),
  files: z.array(z.object({ path: z.string().max(1_000).regex(pathShape), octets: z.base64() })),
  policy: z.string().nullable(),
});

/** Equal contents make equal octets. Throws RULES_UNREADABLE. */
export async function packRelease(folders: readonly string[], policy: string | null): Promise<Buffer> {
  const files: { path: string; octets: string }[] = [];
  for (const [i, folder] of folders.entries())
    for (const { manifest, files: rules } of await findPacks(folder))
      for (const file of manifest ? [manifest, ...rules] : rules)
        files.push({
          // Several folders may have packs of the same name; a lone pack is named by its folder.
          path: [String(i), ...relative(join(folder, ".."), file.path).split(sep)].join("/"),
          octets: await readFile(file.path, "base64"),
        });
  return gzipSync(JSON.stringify({ format, files, policy }));
}

export interface Unpacked {
  /** Folders of rule packs, in their order. */
  readonly rules: readonly string[];
  /** Undefined: the built-in policy. */
  readonly policy: string | undefined;
}

const policyFile = "policy.yaml";

/** Whole or not at all. */
export async function unpackRelease(octets: Uint8Array, folder: string): Promise<void> {
  const { files, policy } = schema.parse(JSON.parse(gunzipSync(octets, { maxOutputLength: largest }).toString("utf8")));
  const making = `${folder}.new`;
  await rm(making, { recursive: true, force: true });
  await mkdir(making, { recursive: true, mode: 0o700 });
  for (const { path, octets: text } of files) {
    const file = join(making, "rules", path);
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeFile(file, text, { encoding: "base64", mode: 0o600 });
  }
  if (policy !== null) await writeFile(join(making, policyFile), policy, { mode: 0o600 });
  const roots = [...new Set(files.map(({ path }) => path.split("/").slice(0, 2).join("/")))];
  await writeFile(join(making, "release.json"), JSON.stringify({ roots, policy: policy !== null }), { mode: 0o600 });
  await rm(folder, { recursive: true, force: true });
  await rename(making, folder);
}

/** What unpackRelease() has made; null if there is nothing whole. */
export async function unpackedIn(folder: string): Promise<Unpacked | null> {
  try {
    const text = await readFile(join(folder, "release.json"), "utf8");
    const { roots, policy } = z.object({ roots: z.array(z.string()), policy: z.boolean() }).parse(JSON.parse(text));
    return {
      rules: roots.map((root) => join(folder, "rules", root)),
      policy: policy ? join(folder, policyFile) : undefined,
    };
  } catch {
    return null;
  }
}
