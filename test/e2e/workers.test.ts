/** Workers as the gateway starts them: real engines, real rules, real children; what comes back, and what survives. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { isGatewayError } from "../../src/core/errors.ts";
import type { Content, Externals, InspectJob } from "../../src/core/job.ts";
import type { Part } from "../../src/core/message.ts";
import type { MessageView } from "../../src/core/message-view.ts";
import type { Dissection, Outcome, PartReport } from "../../src/core/outcome.ts";
import { silent } from "../../src/observe/log.ts";
import { type RuleSet, startWorkers, type Workers, type WorkersOptions } from "../../workers/compose.ts";
import type { RuleSource } from "../../workers/engines/engine.ts";

const MiB = 2 ** 20;
const never = new AbortController().signal;
const externals: Externals = { filename: "", filepath: "", extension: "", filetype: "", owner: "", filemode: "" };
const limits = { members: 100, bytes: 100 * MiB, memberBytes: 50 * MiB, depth: 5, ratio: 200 };
/** Put together at run time, so that no scanner takes this file for what it looks for. */
const eicar = ["X5O!P%@AP[4\\PZX54(P^)7CC)7}$", "EICAR-STANDARD-ANTIVIRUS-TEST-FILE", "!$H+H*"].join("");

const rule = (name: string, pattern: string): RuleSource => ({
  pack: "test",
  file: `${name}.yar`,
  text: `rule ${name} { strings: $a = "${pattern}" condition: $a }`,
});
const ruleSet = (version: string, sources: readonly RuleSource[]): RuleSet => ({
  sources,
  version,
  externals,
});
const first = ruleSet("1", [rule("eicar", "EICAR-STANDARD"), rule("body", "only in the body")]);

function message(): Buffer {
  const lines = [
    "From: <a@client.example>",
    "Subject: two parts",
    "MIME-Version: 1.0",
    'Content-Type: multipart/mixed; boundary="b"',
    "",
    "--b",
    "Content-Type: text/plain",
    "",
    "only in the body",
    "--b",
    "Content-Type: application/octet-stream",
    'Content-Disposition: attachment; filename="test.com"',
    "Content-Transfer-Encoding: base64",
    "",
    Buffer.from(eicar).toString("base64"),
    "--b--",
    "",
  ];
  return Buffer.from(lines.join("\r\n"));
}

const dissect = async (workers: Workers, content: Content): Promise<Dissection> => {
  const job = {
    kind: "dissect",
    id: "d",
    content,
    limits: { parts: 100, depth: 10, headerBytes: MiB },
    deadlineMs: 30_000,
  } as const;
  return (await workers.run(job, never)) as Dissection;
};

function inspectJob(content: Content, part: Part, ruleSetVersion: string): InspectJob {
  assert.ok(part.view);
  return {
    kind: "inspect",
    id: part.sha256,
    content,
    view: part.view,
    part,
    externals,
    ruleSet: ruleSetVersion,
    limits,
    deadlineMs: 30_000,
  };
}
const rulesFound = (outcomes: readonly Outcome[]): readonly string[] =>
  outcomes.flatMap((outcome) =>
    outcome.kind === "found" && outcome.inspector === "yara" ? outcome.findings.map((finding) => finding.rule) : [],
  );

describe("workers", { concurrency: false }, () => {
  const folder = mkdtempSync(join(tmpdir(), "workers-"));
  after(() => rmSync(folder, { recursive: true, force: true }));

  async function withWorkers(
    run: (workers: Workers) => Promise<void>,
    options: Partial<WorkersOptions> = {},
  ): Promise<void> {
    const workers = await startWorkers({
      concurrency: 1,
      memory: 512 * MiB,
      deadlineMs: 30_000,
      scratchDir: join(folder, "scratch"),
      engine: "wasm",
      rules: first,
      log: silent,
      ...options,
    });
    try {
      await run(workers);
    } finally {
      await workers.close();
    }
  }
  async function found(
    workers: Workers,
    content: Content,
    version = "1",
  ): Promise<Readonly<Record<string, readonly string[]>>> {
    const { parts } = await dissect(workers, content);
    const reports = [];
    for (const part of parts) {
      const { outcomes } = (await workers.run(inspectJob(content, part, version), never)) as PartReport;
      reports.push([part.path, rulesFound(outcomes)] as const);
    }
    return Object.fromEntries(reports.filter(([, rules]) => rules.length > 0));
  }
  const expected = { "0": ["test.body"], "1": ["test.body"], "2": ["test.eicar"] };

  for (const engine of ["wasm", "native"] as const)
    it(`take a message apart and find what is in it, from memory and from a file (${engine})`, () =>
      withWorkers(
        async (workers) => {
          assert.equal(workers.status().engine.engine, engine);
          assert.equal(workers.status().ruleCount, 2);
          assert.deepEqual(await found(workers, { kind: "bytes", bytes: message() }), expected);
          const file = join(folder, "message.eml");
          writeFileSync(file, message(), { mode: 0o600 });
          assert.deepEqual(await found(workers, { kind: "file", file, size: message().length }), expected);
        },
        { engine },
      ));

  it("put new rules in the place of the old ones, and refuse jobs that name others", () =>
    withWorkers(async (workers) => {
      const content: Content = { kind: "bytes", bytes: message() };
      const [old] = (await dissect(workers, content)).parts;
      assert.ok(old);
      const running = found(workers, content);
      await workers.swap(ruleSet("2", [rule("new", "two parts")]));
      await running.catch((error: unknown) => assert.ok(isGatewayError(error, "SCANNER_UNAVAILABLE")));
      assert.deepEqual(await found(workers, content, "2"), { "0": ["test.new"] });
      await assert.rejects(workers.run(inspectJob(content, old, "1"), never), (error) =>
        isGatewayError(error, "SCANNER_UNAVAILABLE"),
      );
      assert.equal(workers.status().ruleSet, "2");
    }));

  it("leave out files that do not compile, and say so", () =>
    withWorkers(
      async (workers) => {
        assert.deepEqual(await found(workers, { kind: "bytes", bytes: message() }), {
          "0": ["test.body"],
          "1": ["test.body"],
          "2": ["test.eicar"],
        });
        const [problem] = workers.status().problems;
        assert.equal(problem?.file, "broken.yar");
        assert.equal(problem.level, "error");
      },
      {
        rules: ruleSet("1", [...first.sources, { pack: "test", file: "broken.yar", text: "rule broken {" }]),
      },
    ));

  it("check rules without bringing them into force", () =>
    withWorkers(async (workers) => {
      const garbage = { pack: "test", file: "garbage.yar", text: "\u{1F4A3}{[(".repeat(2_500_000) };
      const checked = await workers.check([rule("fine", "x"), garbage], externals);
      const errors = checked.problems.filter(({ level }) => level === "error");
      assert.equal(checked.ruleCount, 1);
      assert.deepEqual([...new Set(errors.map(({ file }) => file))], ["garbage.yar"]);
      assert.equal(workers.status().ruleSet, "1");
    }));

  const view = async (workers: Workers, content: Content, deadlineMs = 60_000): Promise<MessageView> => {
    const limits = { parts: 100_000, headerChars: 1_000, textChars: 1_000 };
    return (await workers.run({ kind: "view", id: "v", content, limits, deadlineMs }, never)) as MessageView;
  };

  it("show a person what a mail program would show, from memory and from a file; a child that did it is replaced", async () => {
    const events: string[] = [];
    await withWorkers(
      async (workers) => {
        const file = join(folder, "viewed.eml");
        writeFileSync(file, message(), { mode: 0o600 });
        const seen = await view(workers, { kind: "bytes", bytes: message() });
        assert.deepEqual(await view(workers, { kind: "file", file, size: message().length }), seen);
        assert.equal(seen.text, "only in the body");
        assert.deepEqual(
          seen.attachments.map(({ name, size }) => [name, size]),
          [["test.com", eicar.length]],
        );
        assert.deepEqual(await found(workers, { kind: "bytes", bytes: message() }), expected);
      },
      { onEvent: (event) => events.push(event) },
    );
    assert.equal(events.filter((event) => event === "recycled").length, 2);
  });

  it("answer for a message that its reader does not survive, and go on", () =>
    withWorkers(
      async (workers) => {
        const levels = Array.from(
          { length: 19_000 },
          (_, i) => `Content-Type: multipart/mixed; boundary=b${i}\r\n\r\n--b${i}\r\n`,
        );
        const bomb: Content = { kind: "bytes", bytes: Buffer.from(`${levels.join("")}\r\nbottom`) };
        const greedy = await view(workers, bomb);
        assert.deepEqual([greedy.incomplete?.why, greedy.fields], ["limit", []]);
        assert.match(greedy.incomplete?.text ?? "", /memory/);
        assert.equal((await view(workers, bomb, 1)).incomplete?.why, "timeout");
        assert.deepEqual(await found(workers, { kind: "bytes", bytes: message() }), expected);
      },
      { memory: 256 * MiB, deadlineMs: 60_000 },
    ));

  it("keep the children's memory and processes in view, and end them all", async () => {
    let pids: number[] = [];
    await withWorkers(
      async (workers) => {
        await found(workers, { kind: "bytes", bytes: message() });
        const { children, confinement, versions } = workers.status();
        pids = children.flatMap((child) => [...child.pids]);
        assert.ok(children.length >= 2 && children.every(({ rss }) => rss > 0));
        assert.ok(confinement.how.length + confinement.missing.length >= 4);
        assert.ok("dissect" in versions && "yara" in versions);
      },
      { concurrency: 2 },
    );
    for (const pid of pids) assert.throws(() => process.kill(pid, 0), { code: "ESRCH" });
  });
});
