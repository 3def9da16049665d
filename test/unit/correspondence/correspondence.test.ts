/** Words of other messages: kept sealed, for the window, and told to those that wait for them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { QueueId } from "../../../src/core/message.ts";
import type { Password } from "../../../src/core/password.ts";
import { Correspondence, type Kept } from "../../../src/correspondence.ts";
import { createSeal } from "../../../src/seal.ts";

const seal = createSeal(Buffer.alloc(32, 7), "words");
const hour = 3_600_000;

function make(kept: readonly Kept[] = []) {
  const clock = { at: Date.parse("2026-11-28T09:00:00Z") };
  const saved: Kept[] = [];
  const words = new Correspondence({
    seal,
    clock: { now: () => new Date(clock.at), monotonic: () => 0 },
    windowMs: hour,
    kept,
    save: (one) => saved.push(one),
  });
  const told: QueueId[] = [];
  words.onNews = (id) => told.push(id);
  return { words, clock, saved, told };
}

const envelope = (id: string, from: string, to: string) => ({
  queueId: id as QueueId,
  reversePath: from,
  forwardPaths: [{ address: to, route: "r" }],
});
const header = { from: "" };
const said = (text: string): readonly Password[] => [{ text, from: "body" }];
const tanaka = "tanaka@partner.example";
const suzuki = "suzuki@site.example";

test("words are found by the same two, either way, and by others of the sender's domain to the same recipient", () => {
  const { words } = make();
  words.tell(envelope("A", tanaka, suzuki), header, said("one"));
  const of = (from: string, to: string) => words.wordsFor(envelope("B", from, to), header).map(({ text }) => text);
  assert.deepEqual(of(tanaka, suzuki), ["one"]);
  assert.deepEqual(of(suzuki, tanaka), ["one"]);
  assert.deepEqual(of("system@partner.example", suzuki), ["one"]);
  assert.deepEqual(of(tanaka, "other@site.example"), []);
  assert.deepEqual(of("tanaka@elsewhere.example", suzuki), []);
});

test("the field From counts too: password systems send under a reverse-path of their own", () => {
  const { words } = make();
  words.tell(envelope("A", "", suzuki), { from: `Tanaka <${tanaka}>` }, said("one"));
  assert.equal(words.wordsFor(envelope("B", tanaka, suzuki), header).length, 1);
});

test("whoever waits is told of what comes later, once, and not of its own words", () => {
  const { words, told } = make();
  words.wait(envelope("A", tanaka, suzuki), header);
  words.tell(envelope("A", tanaka, suzuki), header, said("own"));
  assert.deepEqual(told, []);
  words.tell(envelope("B", tanaka, suzuki), header, said("other"));
  assert.deepEqual(told, ["A"]);
  assert.deepEqual([words.hasNews("A" as QueueId), words.hasNews("A" as QueueId)], [true, false]);
});

test("nothing is kept beyond the window", () => {
  const { words, clock } = make();
  words.tell(envelope("A", tanaka, suzuki), header, said("one"));
  clock.at += hour - 1;
  assert.equal(words.wordsFor(envelope("B", tanaka, suzuki), header).length, 1);
  clock.at += 1;
  assert.equal(words.wordsFor(envelope("B", tanaka, suzuki), header).length, 0);
  words.sweep();
});

test("what is saved tells neither words nor addresses, and serves the next run; without the key it is lost", () => {
  const { words, saved } = make();
  words.tell(envelope("A", tanaka, suzuki), header, said("Geheim-7"));
  const [kept] = saved;
  assert.ok(kept);
  const text = kept.names.join() + kept.sealed.toString("latin1");
  for (const secret of ["Geheim-7", "tanaka", "suzuki", "partner"]) assert.ok(!text.includes(secret));
  const next = make(saved).words;
  assert.equal(next.wordsFor(envelope("B", tanaka, suzuki), header)[0]?.text, "Geheim-7");
  const damaged = make([{ ...kept, sealed: Buffer.alloc(60, 1) }]).words;
  assert.deepEqual(damaged.wordsFor(envelope("B", tanaka, suzuki), header), []);
});

test("one sender cannot fill the memory: twenty messages of a correspondence are remembered", () => {
  const { words } = make();
  for (let index = 0; index < 100; index++) words.tell(envelope(`${index}`, tanaka, suzuki), header, said(`w${index}`));
  const found = words.wordsFor(envelope("Z", tanaka, suzuki), header).map(({ text }) => text);
  assert.equal(found.length, 20);
  assert.ok(found.includes("w99") && !found.includes("w79"));
});
