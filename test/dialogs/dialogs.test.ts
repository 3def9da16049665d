/** Runs every conversation in this folder against the real SMTP edge. The notation is explained in README.md. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { parseDuration } from "../../src/core/units.ts";
import { type RunningEdge, startEdge } from "../support/edge.ts";
import { Talk } from "../support/smtp-talk.ts";

const escapes: Readonly<Record<string, string>> = { r: "\r", n: "\n", t: "\t", "0": "\0", "\\": "\\" };

/** `\r \n \t \0 \xHH`, and `{text*count}` repeats. UTF-8 becomes octets. */
function expand(text: string): string {
  const octets = Buffer.from(text).toString("latin1");
  const plain = octets.replace(/\\(?:x([0-9a-f]{2})|([rnt0\\]))/g, (_all, hex?: string, name = "") =>
    hex === undefined ? (escapes[name] ?? "") : String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return plain.replace(/\{([^{}]*)\*(\d+)\}/g, (_all, part: string, count: string) => part.repeat(Number(count)));
}

class Conversation {
  readonly #edge: RunningEdge;
  #talk: Talk;
  readonly #all: Talk[];
  #reply: readonly string[] = [];

  constructor(edge: RunningEdge, talk: Talk) {
    this.#edge = edge;
    this.#talk = talk;
    this.#all = [talk];
  }

  end(): void {
    for (const talk of this.#all) talk.end();
  }

  async step(mark: string, rest: string): Promise<void> {
    if (mark === ">") await this.#talk.send(`${expand(rest)}\r\n`);
    else if (mark === ">>") await this.#talk.send(expand(rest));
    else if (mark === "<") await this.#expect(rest);
    else if (mark === "<~") assert.match(this.#reply.join("\n"), new RegExp(rest, "m"));
    else if (mark === "<!") assert.doesNotMatch(this.#reply.join("\n"), new RegExp(rest, "m"));
    else if (mark === "!") await this.#act(rest);
    else if (mark === "@") await this.#check(rest);
    else assert.fail(`unknown mark ${mark}`);
  }

  async #expect(beginning: string): Promise<void> {
    this.#reply = await this.#talk.reply();
    const last = this.#reply.at(-1) ?? "";
    assert.ok(last.startsWith(beginning), `expected "${beginning}", got "${last}"`);
  }

  async #act(line: string): Promise<void> {
    const [what = "", argument = ""] = line.split(" ");
    if (what === "tls") await this.#talk.startTls();
    else if (what === "closed") await this.#talk.closed();
    else if (what === "end") this.#talk.end();
    else if (what === "wait") await sleep(parseDuration(argument) ?? assert.fail(line));
    else if (what === "drain") void this.#edge.listener.drain(parseDuration(argument) ?? assert.fail(line));
    else if (what === "connect") this.#all.push((this.#talk = await Talk.connect(this.#edge.port)));
    else if (what === "first") this.#talk = this.#all[0] ?? this.#talk;
    else if (what === "silent") {
      await sleep(100);
      assert.equal(this.#talk.unread, "");
    } else assert.fail(`unknown act ${what}`);
  }

  async #check(line: string): Promise<void> {
    const [, what = "", argument = ""] = /^(\S+) ?(.*)$/.exec(line) ?? [];
    const last = this.#edge.received.at(-1);
    const envelope = last?.envelope;
    if (what === "received") assert.equal(this.#edge.received.length, Number(argument));
    else if (what === "octets") assert.equal(last?.octets.toString("latin1"), expand(argument));
    else if (what === "size") assert.equal(last?.octets.length, Number(argument));
    else if (what === "from") assert.equal(envelope?.reversePath, argument);
    else if (what === "to")
      assert.equal(envelope?.forwardPaths.map(({ address, route }) => `${address}=${route}`).join(" "), argument);
    else if (what === "envelope") assert.match(JSON.stringify(envelope), new RegExp(argument));
    else if (what === "trace") assert.match((envelope?.trace ?? "").replaceAll("\r\n\t", " "), new RegExp(argument));
    else if (what === "verified") assert.equal(this.#edge.verified.join(" "), argument);
    else if (what === "refused") {
      const reasons = this.#edge.events.map((event) => (event.kind === "refused" ? event.reason : ""));
      assert.ok(reasons.includes(argument as (typeof reasons)[number]), `no ${argument} in ${reasons.join(" ")}`);
    } else if (what === "abandoned") {
      for (let tries = 0; this.#edge.abandoned.length === 0 && tries < 100; tries++) await sleep(10);
      assert.equal(this.#edge.abandoned.length, Number(argument));
    } else if (what === "spool") {
      let count = 0;
      for await (const _id of this.#edge.spool.list("arriving")) count += 1;
      assert.equal(count, Number(argument), "entries left in arriving");
    } else assert.fail(`unknown check ${what}`);
  }
}

async function run(t: TestContext, text: string): Promise<void> {
  const lines = text.split("\n").map((line, i) => ({ line, number: i + 1 }));
  const settings = lines.filter(({ line }) => line.startsWith("= ")).map(({ line }) => line.slice(2));
  const config = JSON.parse(settings.join("") || "{}") as Record<string, unknown>;
  const edge = await startEdge(t, { config });
  const conversation = new Conversation(edge, await Talk.connect(edge.port));
  try {
    for (const { line, number } of lines) {
      if (line === "" || line.startsWith("#") || line.startsWith("=")) continue;
      const [, mark = "", rest = ""] = /^(\S+) ?(.*)$/.exec(line) ?? [];
      try {
        await conversation.step(mark, rest);
      } catch (error) {
        throw new Error(`line ${number}: ${line}`, { cause: error });
      }
    }
  } finally {
    conversation.end();
  }
}

const files = readdirSync(import.meta.dirname).filter((name) => name.endsWith(".smtp"));

test("there are conversations to run, and each says what it shows", () => {
  assert.ok(files.length >= 30);
});

for (const file of files.sort()) {
  const text = readFileSync(join(import.meta.dirname, file), "utf8");
  const [, title = ""] = /^# (.+)\n/.exec(text) ?? [];
  test(`${file.replace(".smtp", "")}: ${title}`, async (t) => {
    assert.notEqual(title, "", "the first line says what the conversation shows");
    await run(t, text);
  });
}
