import assert from "node:assert/strict";
import { test } from "node:test";
import { createExaminer } from "../../../workers/examine.ts";
import type { Extractor } from "../../../workers/extractors/extractor.ts";
import { fileTypeInspector } from "../../../workers/inspectors/file-type.ts";
import type { Inspector } from "../../../workers/inspectors/inspector.ts";
import { nameInspector } from "../../../workers/inspectors/name.ts";
import { attachment, generousLimits } from "../../support/part.ts";

const words = Buffer.from("MZ Sub AutoOpen()");

/** Makes one artefact of whatever the sender has sent. */
const speaks: Extractor = {
  name: "speaks",
  version: "1",
  wants: ({ role }) => role !== "artefact",
  *extract(_part, _bytes, budget) {
    budget.spend({ members: 1, bytes: words.length });
    yield { artefact: "macro", bytes: words };
  },
};

const sees = (seen: string[]): Inspector => ({
  name: "sees",
  version: "1",
  wants: () => true,
  inspect(part, bytes) {
    seen.push(`${part.role} ${part.path} ${bytes.length}`);
    return { part: part.path, inspector: "sees", kind: "clean" };
  },
});

test("an artefact is shown to the rules, has no name or type to judge, and is not opened", async () => {
  const seen: string[] = [];
  const { examine } = await createExaminer([fileTypeInspector, nameInspector, sees(seen)], [speaks]);
  const bytes = Buffer.from("a document");
  const { members, outcomes } = await examine(attachment(bytes, { names: ["a.doc"] }), bytes, {}, generousLimits);
  assert.deepEqual(seen, ["attachment  10", "artefact /1 17"]);
  assert.deepEqual(
    members.map(({ path, role, types, derived }) => ({ path, role, types, derived })),
    [{ path: "/1", role: "artefact", types: ["text/plain"], derived: { kind: "macro", from: "" } }],
  );
  assert.deepEqual(
    outcomes.filter(({ part }) => part === "/1").map(({ inspector }) => inspector),
    ["sees"],
  );
});
