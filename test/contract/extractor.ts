/** What every extractor must keep to, whatever it opens. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { InspectLimits } from "../../src/core/job.ts";
import { createPurse } from "../../workers/budget.ts";
import { type Extractor, Stop, type Yielded } from "../../workers/extractors/extractor.ts";
import { attachment, generousLimits } from "../support/part.ts";

export interface ExtractorCase {
  readonly extractor: Extractor;
  /** Its identified types, and the names of the files in it. */
  readonly types: readonly string[];
  readonly archive: Buffer;
  /** Names of the archive, for kinds that are known by them. */
  readonly called?: readonly string[];
  readonly names: readonly string[];
  /** Octets of all files together. */
  readonly bytes: number;
}

interface Run {
  readonly items: readonly Yielded[];
  readonly stop: Stop | null;
  readonly spent: { readonly members: number; readonly bytes: number };
}

/** Lets anything through that is not a Stop: it would be a bug. */
function run({ extractor, types, called = [] }: ExtractorCase, bytes: Buffer, limits: InspectLimits): Run {
  const purse = createPurse(limits);
  const items: Yielded[] = [];
  try {
    for (const item of extractor.extract(
      attachment(bytes, { types, names: called }),
      bytes,
      purse.container(bytes.length),
    ))
      items.push(item);
  } catch (error) {
    if (!(error instanceof Stop)) throw error;
    return { items, stop: error, spent: purse.spent };
  }
  return { items, stop: null, spent: purse.spent };
}

const sizes = (items: readonly Yielded[]): number =>
  items.reduce((sum, item) => sum + ("declaredTypes" in item || "artefact" in item ? item.bytes.length : 0), 0);

export function extractorContract(name: string, make: () => ExtractorCase): void {
  const given = make();
  const { extractor, archive, types, called = [] } = given;

  test(`${name}: wants its own kind and no plain text`, () => {
    assert.equal(extractor.wants(attachment(archive, { types, names: called }), archive), true);
    assert.equal(extractor.wants(attachment(archive, { types: ["text/plain"] }), Buffer.from("a note")), false);
  });

  test(`${name}: gives all files in stored order, and spends exactly what they hold`, () => {
    const { items, stop, spent } = run(given, archive, generousLimits);
    assert.equal(stop, null);
    assert.deepEqual(
      items.map((item) => ("names" in item ? item.names[0] : "rule" in item ? item.rule : item.artefact)),
      given.names,
    );
    assert.deepEqual(spent, { members: given.names.length, bytes: given.bytes });
    assert.equal(sizes(items), given.bytes);
  });

  test(`${name}: stops before the first file that is one too many`, () => {
    const { items, stop, spent } = run(given, archive, { ...generousLimits, members: given.names.length - 1 });
    assert.equal(stop?.why, "limit");
    assert.equal(
      items.filter((item) => "declaredTypes" in item || "artefact" in item).length,
      Math.min(spent.members, given.names.length - 1),
    );
  });

  test(`${name}: never gives more octets than there is room for`, () => {
    for (const bytes of [0, 1, given.bytes - 1]) {
      const { items, stop, spent } = run(given, archive, { ...generousLimits, bytes });
      assert.ok(
        stop?.why === "limit" || items.some((item) => "why" in item && item.why === "limit"),
        `${bytes} octets of room`,
      );
      assert.ok(spent.bytes <= bytes && sizes(items) <= bytes);
    }
  });

  test(`${name}: says so when octets are missing`, () => {
    const { items, stop } = run(given, archive.subarray(0, Math.floor(archive.length / 3)), generousLimits);
    assert.ok(stop !== null || items.some((item) => "why" in item || "rule" in item) || sizes(items) < given.bytes);
  });

  test(`${name}: throws nothing but Stop for octets of any kind`, () => {
    for (const bytes of [
      Buffer.alloc(0),
      Buffer.from([0]),
      Buffer.alloc(1000),
      Buffer.alloc(1000, 0xff),
      archive.subarray(1),
      archive.subarray(0, 20),
    ])
      run(given, bytes, generousLimits);
  });

  test(`${name}: gives the same for the same octets`, () => {
    assert.deepEqual(run(given, archive, generousLimits), run(given, archive, generousLimits));
  });
}
