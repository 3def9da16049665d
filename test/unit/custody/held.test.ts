/** A crash between the folder in quarantine and its line in the journal. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { findHeld } from "../../../src/compose-held.ts";
import type { Verdict } from "../../../src/core/verdict.ts";
import { started } from "../../support/custody-rig.ts";
import { envelopeOf, pieces } from "../../support/spool.ts";

test("the next start writes the line that a crash has kept from following its message into quarantine, once", async (t) => {
  const { rig, life } = await started(t);
  rig.scanner.dispose = () => ({ kind: "quarantine", reason: "bad" });
  const { id: told } = await life.send();
  const entry = await life.spool.arrive(envelopeOf(life.spool.newId()), pieces(Buffer.from("Subject: x\r\n\r\nx\r\n")));
  const { envelope } = entry;
  const verdict: Verdict = {
    groups: [
      {
        forwardPaths: envelope.forwardPaths.map(({ address }) => address),
        route: "site.test",
        disposition: { kind: "quarantine", reason: "worse" },
        because: [],
        policyLine: "test",
      },
    ],
    summary: "found",
    policyVersion: "p",
    ruleSet: "r",
  };
  await entry.once("verdict.json", () => verdict);
  await entry.claim("quarantine");
  await life.stop();

  const next = await rig.boot();
  const { spool, journal } = next;
  const look = () => findHeld({ spool, journal, clock: rig.clock, custody: next.parts.custody });
  assert.equal(await (await look())(), 1);
  assert.equal(await (await look())(), 0);
  const lines = (await next.lines()).filter((line) => line.event === "quarantined");
  assert.deepEqual(
    lines.map(({ queueId, text }) => [queueId, text]),
    [
      [told, "bad"],
      [entry.id, "worse"],
    ],
  );
  assert.equal(next.events.filter(({ event }) => event === "quarantined").length, 1, "and the log and the metrics");
});
