/** Frames: whatever the pieces, whole frames come out; garbage and giants are refused before memory is spent. */
import assert from "node:assert/strict";
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { FrameError, FrameReader, frameHead, FrameSource, writeFrame } from "../../../workers/frames.ts";

const limits = { header: 4096, body: 65_536 };
const framesArbitrary = fc.array(
  fc.record({ header: fc.dictionary(fc.string(), fc.jsonValue()), body: fc.uint8Array({ maxLength: 300 }) }),
  { maxLength: 6 },
);
/** As JSON brings it back: `-0` and `__proto__` do not survive. */
const plain = (value: object): unknown => JSON.parse(JSON.stringify(value));

test("frames come out as they went in, however the stream is cut", () => {
  fc.assert(
    fc.property(framesArbitrary, fc.integer({ min: 1, max: 64 }), (frames, step) => {
      const stream = Buffer.concat(frames.flatMap(({ header, body }) => [frameHead(header, body.length), body]));
      const reader = new FrameReader(limits);
      const out = [];
      for (let at = 0; at < stream.length; at += step) out.push(...reader.push(stream.subarray(at, at + step)));
      assert.deepEqual(
        out.map(({ header, body }) => ({ header, body: new Uint8Array(body) })),
        frames.map(({ header, body }) => ({ header: plain(header), body: new Uint8Array(body) })),
      );
    }),
    { interruptAfterTimeLimit: 2000 },
  );
});

test("any octets whatever give frames or FrameError", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (octets) => {
      try {
        new FrameReader(limits).push(octets);
      } catch (error) {
        assert.ok(error instanceof FrameError);
      }
    }),
    { interruptAfterTimeLimit: 2000 },
  );
});

test("lengths over the limit are refused before anything is allocated", () => {
  const prefix = (header: number, body: number) => {
    const octets = Buffer.alloc(8);
    octets.writeUInt32BE(header, 0);
    octets.writeUInt32BE(body, 4);
    return octets;
  };
  assert.throws(() => new FrameReader(limits).push(prefix(0xffffffff, 0)), FrameError);
  assert.throws(() => new FrameReader(limits).push(prefix(2, 0xffffffff)), FrameError);
  assert.throws(() => new FrameReader(limits).push(prefix(0, 0)), FrameError, "an empty header is no JSON");
});

test("the blocking reader reads what the blocking writer wrote, and knows a cut stream from its end", () => {
  const folder = mkdtempSync(join(tmpdir(), "frames-"));
  try {
    const file = join(folder, "stream");
    let fd = openSync(file, "w");
    writeFrame(fd, { n: 1 }, Buffer.from("body"));
    writeFrame(fd, { n: 2 });
    closeSync(fd);
    fd = openSync(file, "r");
    const source = new FrameSource(fd, limits);
    assert.deepEqual(source.next(), { header: { n: 1 }, body: Buffer.from("body") });
    assert.deepEqual(source.next(), { header: { n: 2 }, body: Buffer.alloc(0) });
    assert.equal(source.next(), null);
    closeSync(fd);
    writeFileSync(file, frameHead({ n: 3 }, 10));
    fd = openSync(file, "r");
    assert.throws(() => new FrameSource(fd, limits).next(), FrameError);
    closeSync(fd);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("bodies up to the kept size lie in the same memory, larger ones in their own", () => {
  const folder = mkdtempSync(join(tmpdir(), "frames-"));
  try {
    const file = join(folder, "stream");
    const bodies = [Buffer.alloc(100, 1), Buffer.alloc(0), Buffer.alloc(60, 2), Buffer.alloc(300, 3)];
    const out = openSync(file, "w");
    for (const body of bodies) writeFrame(out, {}, body);
    closeSync(out);
    writeFileSync(join(folder, "content"), Buffer.alloc(70, 4));
    const fd = openSync(file, "r");
    const source = new FrameSource(fd, limits, 128);
    const [first, empty, second, large] = bodies.map(() => source.next()?.body ?? assert.fail("no frame"));
    assert.equal(empty?.length, 0);
    assert.deepEqual(second, bodies[2]);
    assert.deepEqual(first?.subarray(0, 60), bodies[2], "overwritten");
    assert.deepEqual(source.file(join(folder, "content")), Buffer.alloc(70, 4));
    assert.deepEqual(second, Buffer.alloc(60, 4), "overwritten by the file");
    assert.deepEqual(large, bodies[3]);
    closeSync(fd);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
