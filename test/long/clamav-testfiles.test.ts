/** Debian's clamav-testfiles: the small program in each must come out of it by its hash. Needs that package; what is known not to open is listed with its reason. */
import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { examiner } from "../support/attachment-fixtures.ts";
import { attachment, generousLimits } from "../support/part.ts";

const folder = "/usr/share/clamav-testfiles";

/** Programs that were packed, not archives: nothing but running them brings the program back. */
const packers = /^clam-(?:aspack|fsg|mew|pespin|petite|upack|upx|wwpack|yc)\.exe$/;
/** Written by programs whose formats have no reader here: AutoIt, InstallShield, Symbian packages; a cache of 2009 with bare octets. */
const unread = /^clam(?:\.ea0[56]\.exe|_IS(?:cab|msi)_(?:ext|int)\.exe|\.sis|_cache_emax\.tgz)$/;
/** Opened by the dissector of messages and the readers of documents, which this test does not start. */
const elsewhere = /^clam(?:\.exe\.(?:binhex|html|mbox\.base64|mbox\.uu|rtf)|\.mail|\.ole\.doc|\.pdf|\.ppt|\.tnef)$/;

assert.ok(existsSync(folder), "apt-get install clamav-testfiles");
const wanted = hash("sha256", readFileSync(join(folder, "clam.exe")), "hex");

for (const name of readdirSync(folder)) {
  if (packers.test(name) || unread.test(name) || elsewhere.test(name)) continue;
  test(`${name} gives its program`, async () => {
    const bytes = readFileSync(join(folder, name));
    const { examine } = await examiner();
    const { members } = await examine(
      attachment(bytes, { names: [name] }),
      bytes,
      {},
      { ...generousLimits, depth: 16 },
    );
    assert.ok([hash("sha256", bytes, "hex"), ...members.map(({ sha256 }) => sha256)].includes(wanted));
  });
}
