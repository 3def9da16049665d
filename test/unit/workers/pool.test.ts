/** The pool over real children: what becomes of a job when its child dies, loops, swells or lies. */
import assert from "node:assert/strict";
import { linkSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { isGatewayError } from "../../../src/core/errors.ts";
import type { Content, Externals } from "../../../src/core/job.ts";
import type { Part, Sha256 } from "../../../src/core/message.ts";
import type { PartReport } from "../../../src/core/outcome.ts";
import { silent } from "../../../src/observe/log.ts";
import { ChildGone } from "../../../workers/child.ts";
import { contentKey } from "../../../workers/content.ts";
import { Pool, type PoolEvent } from "../../../workers/pool.ts";
import { createSandbox, type Sandbox } from "../../../workers/sandbox.ts";
import { Slot, type Task } from "../../../workers/slot.ts";

const MiB = 2 ** 20;
const memory = 256 * MiB;
const never = new AbortController().signal;
const part: Part = {
  path: "1",
  role: "attachment",
  sha256: "0".repeat(64) as Sha256,
  size: 0,
  names: [],
  declaredTypes: [],
  types: [],
  view: { offset: 0, length: 0, encoding: "identity" },
};
const limits = { members: 10, bytes: MiB, memberBytes: MiB, depth: 4, ratio: 100 };

function task(content: Content, deadlineMs = 20_000): Task {
  const job = {
    kind: "inspect",
    id: "1",
    view: { offset: 0, length: 1, encoding: "identity" },
    part,
    externals: {},
    ruleSet: "1",
    limits,
  } as const;
  return { job, content, key: contentKey(content), deadlineMs };
}
const text = (words: string, deadlineMs?: number): Task =>
  task({ kind: "bytes", bytes: Buffer.from(words, "latin1") }, deadlineMs);

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

async function until(condition: () => boolean): Promise<void> {
  const end = performance.now() + 20_000;
  while (!condition()) {
    assert.ok(performance.now() < end, "waited too long");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe("pool", { concurrency: false }, () => {
  const folder = mkdtempSync(join(tmpdir(), "pool-"));
  let sandbox: Sandbox;
  const events: PoolEvent[] = [];
  const pids = new Set<number>();

  before(async () => {
    const alsoReadable = [fileURLToPath(new URL("../../support", import.meta.url))];
    sandbox = await createSandbox({
      scratchDir: join(folder, "scratch"),
      spoolDir: join(folder, "spool"),
      memory,
      alsoReadable,
    });
  });
  after(() => {
    sandbox.dispose();
    rmSync(folder, { recursive: true, force: true });
    assert.deepEqual([...pids].filter(isAlive), [], "no child is left over");
  });

  const hatch = (externals: Externals, signal: AbortSignal) =>
    Slot.hatch(
      {
        sandbox,
        engine: "wasm",
        init: { ruleSet: "1", externals },
        rules: Buffer.from("[]"),
        startMs: 30_000,
        log: silent,
        program: "test/support/poison-opener.ts",
      },
      signal,
    );

  async function withPool(size: number, run: (pool: Pool) => Promise<void>, externals: Externals = {}): Promise<void> {
    events.length = 0;
    const pool = await Pool.start({
      size,
      spares: 1,
      memory,
      log: silent,
      hatch: (signal) => hatch(externals, signal),
      onEvent: (event) => events.push(event),
    });
    const notePids = () => {
      for (const child of pool.children()) for (const pid of child.pids) pids.add(pid);
    };
    try {
      notePids();
      await run(pool);
      notePids();
    } finally {
      await pool.close();
    }
  }
  const types = async (pool: Pool, one: Task): Promise<readonly string[]> =>
    ((await pool.run(one, never)).result as PartReport).types;
  const goneWith = (why: string) => (error: unknown) => error instanceof ChildGone && error.why === why;

  it("gives the octets to a child once, and the next job of the same message to the same child", () =>
    withPool(2, async (pool) => {
      const [one, other] = [text("one"), text("other")];
      const first = await Promise.all([types(pool, one), types(pool, other)]);
      assert.deepEqual(
        first.map(([word, from]) => [word, from]),
        [
          ["one", "body"],
          ["other", "body"],
        ],
      );
      for (const at of [0, 1, 1, 0]) {
        const [word, from, , pid] = await types(pool, at === 0 ? one : other);
        assert.deepEqual([word, from, pid], [first[at]?.[0], "kept", first[at]?.[3]]);
      }
    }));

  it("lets a child read a file of the spool, and takes it out of the child's sight afterwards", () =>
    withPool(1, async (pool) => {
      mkdirSync(join(folder, "spool"), { mode: 0o700 });
      const file = join(folder, "spool", "message.eml");
      writeFileSync(file, "spooled", { mode: 0o600 });
      const content: Content = { kind: "file", file, size: 7 };
      assert.deepEqual((await types(pool, task(content))).slice(0, 2), ["spooled", "file"]);
      linkSync(file, join(folder, "spool", "moved.eml"));
      assert.deepEqual(
        (await types(pool, task({ ...content, file: join(folder, "spool", "moved.eml") }))).slice(0, 2),
        ["spooled", "kept"],
      );
      const elsewhere = join(folder, "elsewhere.eml");
      writeFileSync(elsewhere, "elsewhere", { mode: 0o600 });
      assert.equal((await types(pool, task({ kind: "file", file: elsewhere, size: 9 })))[0], "elsewhere");
      assert.throws(
        () => contentKey({ ...content, file: join(folder, "gone") }),
        (error) => isGatewayError(error, "SPOOL_NOT_THERE"),
      );
      await assert.rejects(
        pool.run({ ...task(content), key: "x", content: { ...content, file: join(folder, "gone") } }, never),
        (error) => isGatewayError(error, "SPOOL_NOT_THERE"),
      );
      assert.equal((await types(pool, text("after")))[0], "after");
    }));

  it("tries a part three times before it says that its children crash", () =>
    withPool(1, async (pool) => {
      await assert.rejects(pool.run(text("crash"), never), goneWith("crashed"));
      assert.equal(events.filter((event) => event === "crashed").length, 3);
      assert.equal((await types(pool, text("fine")))[0], "fine");
    }));

  it("takes an answer of the wrong shape, and a flood on standard error, for a crash", () =>
    withPool(1, async (pool) => {
      await assert.rejects(pool.run(text("nonsense"), never), goneWith("crashed"));
      await assert.rejects(pool.run(text("flood"), never), goneWith("crashed"));
    }));

  it("kills a child at the deadline, once, and goes on with the spare", () =>
    withPool(1, async (pool) => {
      await assert.rejects(pool.run(text("loop", 300), never), goneWith("timeout"));
      assert.equal((await types(pool, text("fine")))[0], "fine");
      assert.equal(events.filter((event) => event === "timeout").length, 1);
    }));

  it("kills a child that takes too much memory", () =>
    withPool(1, async (pool) => {
      await assert.rejects(pool.run(text("balloon"), never), goneWith("memory"));
      assert.equal((await types(pool, text("fine")))[0], "fine");
    }));

  it("keeps a result whose child broke only when three children broke", () =>
    withPool(1, async (pool) => {
      assert.equal((await types(pool, text("broken")))[0], "broken");
      assert.equal(events.filter((event) => event === "crashed").length, 3);
    }));

  it("replaces a child that is worn", () =>
    withPool(1, async (pool) => {
      const served = new Set<string | undefined>();
      for (let n = 0; n < 3; n++) served.add((await types(pool, text("worn")))[3]);
      assert.equal(served.size, 3);
      assert.equal(events.filter((event) => event === "recycled").length, 3);
    }));

  it("keeps one spare, and never runs more jobs at a time than its size", () =>
    withPool(2, async (pool) => {
      await until(() => pool.children().length === 3);
      const jobs = Array.from({ length: 8 }, (_, n) => pool.run(text(`fine ${n}`), never));
      assert.equal(pool.children().filter(({ busy }) => busy).length, 2);
      await Promise.all(jobs);
      assert.equal(pool.children().filter(({ busy }) => busy).length, 0);
    }));

  it("kills the child of a job that nobody wants any more, and forgets one that still waited", () =>
    withPool(1, async (pool) => {
      const abort = new AbortController();
      const running = pool.run(text("loop"), abort.signal);
      const waiting = pool.run(text("fine"), abort.signal);
      abort.abort(new Error("client left"));
      await assert.rejects(running, /client left/);
      await assert.rejects(waiting, /client left/);
      assert.equal((await types(pool, text("fine")))[0], "fine");
    }));

  it("lets its last jobs end when it is retired", () =>
    withPool(1, async (pool) => {
      const jobs = [text("fine"), text("crash"), text("last")].map((one) => pool.run(one, never));
      const retired = pool.retire();
      assert.equal(((await jobs[0])?.result as PartReport).types[0], "fine");
      await assert.rejects(jobs[1] as Promise<unknown>, goneWith("crashed"));
      assert.equal(((await jobs[2])?.result as PartReport).types[0], "last");
      await retired;
      assert.deepEqual(
        pool.children().filter(({ pids: own }) => own.some(isAlive)),
        [],
      );
    }));

  it("does not start with children that do not get ready", async () => {
    const start = Pool.start({
      size: 2,
      spares: 1,
      memory,
      log: silent,
      hatch: (signal) => hatch({ never: true }, signal),
    });
    await assert.rejects(start, goneWith("crashed"));
  });

  it("says that the scanner is unavailable while no child starts, and recovers", async () => {
    let sick = false;
    const pool = await Pool.start({
      size: 1,
      spares: 1,
      memory,
      log: silent,
      hatch: (signal) => hatch(sick ? { never: true } : {}, signal),
      onEvent: (event) => events.push(event),
    });
    try {
      await until(() => pool.children().length === 2);
      sick = true;
      events.length = 0;
      await assert.rejects(pool.run(text("crash"), never), (error) => isGatewayError(error, "SCANNER_UNAVAILABLE"));
      assert.ok(events.includes("start-failed"));
      sick = false;
      await until(() => pool.children().length > 0);
      assert.equal((await types(pool, text("fine")))[0], "fine");
    } finally {
      await pool.close();
    }
  });
});
