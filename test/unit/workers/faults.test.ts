/** Whatever an extractor or inspector throws, the part is *incomplete: crashed* by its name, and all others have looked. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { allExtractors, createExaminer } from "../../../workers/examine.ts";
import { encryptionInspector } from "../../../workers/inspectors/encryption.ts";
import { fileTypeInspector } from "../../../workers/inspectors/file-type.ts";
import { nameInspector } from "../../../workers/inspectors/name.ts";
import { attachment, generousLimits } from "../../support/part.ts";

const inspectors = [fileTypeInspector, nameInspector, encryptionInspector];
const bytes = Buffer.from("any octets");
const fail = (): never => {
  throw new RangeError("a bug");
};

test("every extractor and inspector that throws is named, and none keeps the others from their turn", async () => {
  const extractors = allExtractors.map((one) => ({ ...one, wants: () => true, extract: fail }));
  const broken = inspectors.map((one) => ({ ...one, wants: () => true, inspect: fail }));
  const { examine } = await createExaminer(broken, extractors);
  const { outcomes } = await examine(attachment(bytes), bytes, {}, generousLimits);
  for (const { name } of [...extractors, ...broken])
    assert.deepEqual(
      outcomes.filter(({ inspector }) => inspector === name),
      [{ part: "", inspector: name, kind: "incomplete", why: "crashed", text: "a bug" }],
    );
});
