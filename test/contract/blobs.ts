/** What every BlobStore must do, wherever it keeps its octets. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import type { BlobFacts, BlobStore } from "../../src/blobs/blob-store.ts";
import { isGatewayError } from "../../src/core/errors.ts";
import { eventually } from "../support/eventually.ts";

export interface BlobsUnderTest {
  readonly blobs: BlobStore;
  /** The same place once more, as another node sees it. */
  again(): Promise<BlobStore>;
  /** Takes the place away until the function it returns is called. */
  breakIt(): Promise<() => Promise<void>>;
}

const mebi = 2 ** 20;
const sha256 = (octets: Uint8Array): string => createHash("sha256").update(octets).digest("hex");

async function* inPieces(octets: Buffer, piece: number): AsyncIterable<Buffer> {
  for (let at = 0; at < octets.length; at += piece) yield octets.subarray(at, at + piece);
}

async function read(blobs: BlobStore, key: string): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of await blobs.get(key)) pieces.push(piece);
  return Buffer.concat(pieces);
}

async function facts(blobs: BlobStore, prefix: string): Promise<readonly BlobFacts[]> {
  const found: BlobFacts[] = [];
  for await (const one of blobs.list(prefix)) found.push(one);
  return found;
}

async function keys(blobs: BlobStore, prefix: string): Promise<readonly string[]> {
  return (await facts(blobs, prefix)).map(({ key }) => key).sort();
}

/** In number order, since the server may be slow and connections are few. */
async function each(count: number, work: (i: number) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let i = next++; i < count; i = next++) await work(i);
  };
  await Promise.all(Array.from({ length: 16 }, lane));
}

export function blobsContract(name: string, under: () => BlobsUnderTest): void {
  describe(`blobs contract: ${name}`, () => {
    it("gives back what was put, to other nodes as well", async () => {
      const { blobs, again } = under();
      const octets = randomBytes(50_000);
      await blobs.put("some/octets.bin", octets.length, octets);
      const other = await again();
      assert.deepEqual(await read(other, "some/octets.bin"), octets);
      await other.close();
    });

    it("takes a large object in pieces and gives back each of its octets", { timeout: 120_000 }, async () => {
      const { blobs } = under();
      const octets = randomBytes(40 * mebi);
      await blobs.put("large", octets.length, inPieces(octets, 300_000));
      assert.equal((await blobs.stat("large"))?.size, octets.length);
      assert.equal(sha256(await read(blobs, "large")), sha256(octets));
      await blobs.remove("large");
    });

    it("ends the octets that it is given, also where it goes away under them", { timeout: 120_000 }, async () => {
      const { blobs, breakIt } = under();
      const broken = Promise.withResolvers<() => Promise<void>>();
      let hasEnded = false;
      async function* octets(): AsyncIterable<Buffer> {
        try {
          yield Buffer.alloc(1_000);
          broken.resolve(breakIt());
          await broken.promise;
          for (let i = 0; i < 100; i++) yield Buffer.alloc(mebi);
        } finally {
          hasEnded = true;
        }
      }
      await assert.rejects(blobs.put("cut/off", 1_000 + 100 * mebi, octets()), (error) =>
        isGatewayError(error, "BLOBS_UNAVAILABLE"),
      );
      await (await broken.promise)();
      await eventually("it has ended", () => hasEnded);
      assert.equal(await blobs.stat("cut/off"), null);
    });

    it("keeps an empty object", async () => {
      const { blobs } = under();
      await blobs.put("empty", 0, Buffer.alloc(0));
      assert.equal((await read(blobs, "empty")).length, 0);
    });

    it("replaces what was there under the same key", async () => {
      const { blobs } = under();
      await blobs.put("twice", 3, Buffer.from("one"), { transient: true });
      await blobs.put("twice", 5, Buffer.from("three"), { transient: true });
      assert.equal((await read(blobs, "twice")).toString(), "three");
    });

    it("takes equal puts at the same time, and shows the whole at any time", async () => {
      const { blobs } = under();
      const octets = randomBytes(2 * mebi);
      const puts = Array.from({ length: 8 }, () => blobs.put("same", octets.length, inPieces(octets, 100_000)));
      await Promise.any(puts);
      assert.deepEqual(await read(blobs, "same"), octets);
      await Promise.all(puts);
      assert.deepEqual(await read(blobs, "same"), octets);
      assert.equal((await keys(blobs, "")).filter((key) => key.includes("same")).length, 1);
    });

    it("refuses octets that are fewer or more than promised, and keeps none of them", {
      timeout: 120_000,
    }, async () => {
      const { blobs } = under();
      const octets = randomBytes(200_000);
      for (const wrong of [octets.length - 1, octets.length + 1]) {
        await assert.rejects(blobs.put("wrong", wrong, inPieces(octets, 50_000)), (error) =>
          isGatewayError(error, "BLOBS_UNAVAILABLE"),
        );
        assert.equal(await blobs.stat("wrong"), null);
      }
    });

    it("says that a key is not there, and removes it twice without complaint", async () => {
      const { blobs } = under();
      await assert.rejects(blobs.get("not/there"), (error) => isGatewayError(error, "BLOB_NOT_THERE"));
      assert.equal(await blobs.stat("not/there"), null);
      await blobs.put("goes", 4, Buffer.from("away"));
      await blobs.remove("goes");
      await blobs.remove("goes");
      assert.equal(await blobs.stat("goes"), null);
    });

    it("lists more keys than one page holds, and only those below the prefix", { timeout: 120_000 }, async () => {
      const { blobs } = under();
      await each(1_050, (i) => blobs.put(`many/k${i}`, 1, Buffer.from("x"), { transient: true }));
      await blobs.put("many-others/k1", 1, Buffer.from("x"));
      const found = await keys(blobs, "many/");
      assert.equal(new Set(found).size, 1_050);
      assert.ok(found.every((key) => /^many\/k\d+$/.test(key)));
      assert.deepEqual(await keys(blobs, "nothing-here/"), []);
    });

    it("tells size and age", async () => {
      const { blobs } = under();
      await blobs.put("facts", 5, Buffer.from("12345"));
      const told = await blobs.stat("facts");
      assert.equal(told?.size, 5);
      assert.ok(Math.abs(Date.now() - (told?.modifiedAt.getTime() ?? 0)) < 60_000);
      const listed = (await facts(blobs, "")).find(({ key }) => key === "facts");
      assert.equal(listed?.size, 5);
    });

    it("refuses keys that could be more than a name", async () => {
      const { blobs } = under();
      const hostile = [
        "",
        "/etc/passwd",
        "../up",
        "a/../b",
        "a//b",
        "a/",
        ".hidden",
        "a\0b",
        "a b",
        "a\\b",
        "x".repeat(600),
      ];
      for (const key of [...hostile, "a/./b", "a\nb", "ä"]) {
        await assert.rejects(blobs.put(key, 1, Buffer.from("x")), TypeError, key);
        await assert.rejects(blobs.get(key), TypeError, key);
        await assert.rejects(blobs.stat(key), TypeError, key);
        await assert.rejects(blobs.remove(key), TypeError, key);
      }
      await assert.rejects(facts(blobs, "../"), TypeError);
    });

    it("says that the store is gone, in bounded time, and works again when it is back", {
      timeout: 180_000,
    }, async () => {
      const { blobs, breakIt } = under();
      await blobs.put("before", 3, Buffer.from("was"));
      const mend = await breakIt();
      const isUnavailable = (error: unknown): boolean => isGatewayError(error, "BLOBS_UNAVAILABLE");
      await assert.rejects(blobs.put("meanwhile", 1, Buffer.from("x")), isUnavailable);
      await mend();
      assert.equal((await read(blobs, "before")).toString(), "was");
    });
  });
}
