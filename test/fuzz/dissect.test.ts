/** Properties of the dissector, for any octets and for messages put together from hostile pieces. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { decodeBytes, rawReadings } from "../../src/dissect/charset.ts";
import { decodeView } from "../../src/dissect/decode.ts";
import { dissect } from "../../src/dissect/dissect.ts";
import { candidateNames } from "../../src/dissect/names.ts";
import { parseParameters } from "../../src/dissect/parameters.ts";
import { decodeWords } from "../../src/dissect/words.ts";
import { fuzzSeconds } from "../support/fuzz-seconds.ts";
import { messageFixtures } from "../support/message-fixtures.ts";
import { cut, placeholder } from "../support/stripped.ts";

const limits = { parts: 60, depth: 5, headerBytes: 2000 };
/** Shares the time of this file among its six properties. */
const box = { interruptAfterTimeLimit: (fuzzSeconds() * 1000) / 6, numRuns: 1_000_000 };

const pieces = fc.constantFrom(
  ...'\r\n|\r\n\r\n|\n|\r|\t| |\0|;|,|=|?|"|(|)|\\|--|--b|--b--|--bb|--b x|boundary=b|boundary="bb"|; boundary*0=b|=?utf-8?B?|=?iso-2022-jp?Q?'.split(
    "|",
  ),
  "Content-Type: multipart/mixed; boundary=b\r\n",
  "Content-Type: multipart/digest; boundary=bb; boundary=b\r\n",
  "Content-Type: message/rfc822\r\n",
  "Content-Type: text/plain; name=x.exe; charset=shift_jis\r\n",
  "Content-Transfer-Encoding: base64\r\n",
  "Content-Transfer-Encoding: quoted-printable, x\r\n",
  "Content-Transfer-Encoding: x-uuencode\r\n",
  "Content-Disposition: attachment; filename*0*=utf-8''%E8; filename*1*=%A1%A8\r\n",
  "begin 644 x\r\n",
  "#86)C\r\n",
  "end\r\n",
  "aGVsbG8=",
  "=3D=\r\n",
  "\x1b$B?=\x1b(B",
  "\x95\x5c",
  "\xe8\xa1\xa8",
  "?=",
);
const assembled = fc.array(fc.oneof({ weight: 6, arbitrary: pieces }, fc.string({ maxLength: 6 })), { maxLength: 60 });
const made = assembled.map((all) => Buffer.from(all.join(""), "latin1"));
const octets = fc.uint8Array({ maxLength: 300 }).map((all) => Buffer.from(all));

const fixtures = messageFixtures().map(({ bytes }) => bytes.subarray(0, 6000));
const mutated = fc
  .tuple(fc.constantFrom(...fixtures), fc.nat(6000), fc.nat(40), assembled)
  .map(([bytes, at, cut, all]) =>
    Buffer.concat([bytes.subarray(0, at), Buffer.from(all.slice(0, 5).join(""), "latin1"), bytes.subarray(at + cut)]),
  );
const message = fc.oneof(made, mutated, octets);

test("any octets become a tree: views inside, sizes and hashes true, paths unique, outcomes about parts", () => {
  fc.assert(
    fc.property(message, (bytes) => {
      const { parts, outcomes, size, sha256 } = dissect(bytes, limits);
      assert.ok(parts.length >= 1 && parts.length <= limits.parts);
      assert.equal(parts[0]?.sha256, sha256);
      assert.equal(size, bytes.length);
      assert.equal(new Set(parts.map(({ path }) => path)).size, parts.length);
      for (const { path, view, size: decoded, sha256: sum } of parts) {
        assert.ok(view && view.offset >= 0 && view.length >= 0 && view.offset + view.length <= bytes.length, path);
        const content = decodeView(bytes, view);
        assert.equal(content.length, decoded, path);
        assert.equal(createHash("sha256").update(content).digest("hex"), sum, path);
      }
      const paths = new Set(parts.map(({ path }) => path));
      for (const outcome of outcomes) {
        assert.ok(paths.has(outcome.part));
        assert.equal(outcome.inspector, "dissect");
        if (outcome.kind === "found")
          for (const { part, text } of outcome.findings) assert.ok(part === outcome.part && text.length <= 300);
      }
    }),
    box,
  );
});

test("the same octets give the same tree, and stay as they are", () => {
  fc.assert(
    fc.property(message, (bytes) => {
      const before = bytes.toString("latin1");
      assert.deepEqual(dissect(bytes, limits), dissect(Buffer.from(bytes), limits));
      assert.equal(bytes.toString("latin1"), before);
    }),
    box,
  );
});

test("any view decodes to something in proportion, also one beyond the message", () => {
  const view = fc.record({
    offset: fc.nat(400),
    length: fc.nat(400),
    encoding: fc.constantFrom(
      ...(["identity", "base64", "base64-joined", "base64-groups", "base64-url", "quoted-printable"] as const),
      ...([
        "quoted-printable-bare",
        "quoted-printable-strict",
        "uuencode",
        "yenc",
        "binhex",
        "binhex-resource",
      ] as const),
    ),
  });
  fc.assert(
    fc.property(message, view, (bytes, where) => {
      assert.ok(decodeView(bytes, where).length <= bytes.length * 2 + 3);
    }),
    box,
  );
});

test("any field has parameters and names, and any octets have a reading under any label", () => {
  const label = fc.oneof(
    fc.constantFrom("iso-2022-jp", "shift_jis", "euc-jp", "utf-7", "hz", "iso-2022-kr"),
    fc.string(),
  );
  const field = fc.oneof(made, octets).map((bytes) => bytes.toString("latin1"));
  fc.assert(
    fc.property(field, label, (text, charset) => {
      const { list } = parseParameters(text);
      for (const name of candidateNames(list, list, charset).names) assert.ok(name.length <= 1000);
      assert.equal(typeof decodeWords(text), "string");
      assert.equal(typeof decodeBytes(Buffer.from(text, "latin1"), charset), "string");
      assert.ok(rawReadings(Buffer.from(text, "latin1"), charset).length > 0);
    }),
    box,
  );
});

test("what is encoded by the book is found again, whatever it is", () => {
  const content = fc.uint8Array({ maxLength: 3000 }).map((all) => Buffer.from(all));
  fc.assert(
    fc.property(
      content,
      fc.string({ unit: "grapheme", minLength: 1, maxLength: 30 }),
      fc.integer({ min: 1, max: 90 }),
      (bytes, text, width) => {
        const name = text.replace(/[\0\s]/g, "_");
        const lines = bytes.toString("base64").match(new RegExp(`.{1,${width}}`, "g")) ?? [];
        const { parts } = dissect(
          Buffer.from(
            `Content-Type: multipart/mixed; boundary="=_b"\r\n\r\n--=_b\r\nContent-Type: application/octet-stream; name="=?utf-8?B?${Buffer.from(name).toString("base64")}?="\r\nContent-Transfer-Encoding: base64\r\n\r\n${lines.join("\r\n")}\r\n--=_b--\r\n`,
          ),
          limits,
        );
        assert.equal(parts[1]?.sha256, createHash("sha256").update(bytes).digest("hex"));
        assert.equal(parts[1]?.names[0], Buffer.from(name).toString());
      },
    ),
    box,
  );
});

test("cut out of any message, parts leave a message in which all else is octet for octet what it was", async () => {
  await fc.assert(
    fc.asyncProperty(message, fc.nat(60), fc.nat(60), async (bytes, ...picks) => {
      const all = dissect(bytes, limits).parts.slice(1);
      if (all.length === 0) return;
      const paths = picks.map((pick) => all[pick % all.length]?.path ?? "");
      const { cutting, result, after } = await cut(bytes, paths, limits, 64);
      if (cutting.refusal !== "") return assert.deepEqual(cutting.edits, []);
      let at = 0;
      let kept = "";
      for (const { start, end, put } of cutting.edits) {
        assert.ok(start >= at && end >= start && end <= bytes.length);
        kept += bytes.toString("latin1", at, start) + (put === "nothing" ? "" : placeholder);
        at = end;
      }
      assert.equal(result.toString("latin1"), kept + bytes.toString("latin1", at));
      assert.deepEqual(cutting.edits.flatMap(({ parts }) => parts).sort(), [...new Set(paths)].sort());
      assert.ok(after.length > 0);
    }),
    box,
  );
});
