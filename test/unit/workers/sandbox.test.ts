/** What a child cannot do, tried by a real child that the sandbox started: first with all that this system grants, then with less. */
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { type Log, silent } from "../../../src/observe/log.ts";
import { Child, ChildGone } from "../../../workers/child.ts";
import { type ChildKind, type Confinement, findConfinement } from "../../../workers/confine.ts";
import { childEnvironment, createSandbox, type Sandbox, type Scratch } from "../../../workers/sandbox.ts";

const memory = 128 * 2 ** 20;
const root = fileURLToPath(new URL("../../../", import.meta.url));
const alsoReadable = [join(root, "test/support")];
const addon = fileURLToPath(import.meta.resolve("@litko/yara-x-linux-x64-gnu"));
const denied = { code: "ERR_ACCESS_DENIED" };

interface Probe {
  readonly child: Child;
  readonly scratch: Scratch;
  ask(what: string, rest?: { readonly arg?: string; readonly number?: number }): Promise<unknown>;
  end(): Promise<void>;
}

function startProbe(sandbox: Sandbox, kind: ChildKind = "opener", log: Log = silent): Probe {
  const { process, scratch } = sandbox.start(kind, "test/support/probe.ts", ["pipe", "pipe", "pipe"]);
  assert.ok(process.stdin && process.stdout);
  const child = new Child(process, { name: "probe", input: process.stdin, output: process.stdout, log });
  return {
    child,
    scratch,
    ask: async (what, rest = {}) => (await child.ask({ what, ...rest }, Buffer.alloc(0), 20_000)).header,
    async end() {
      child.kill("aborted", "the test is over");
      await child.gone;
      scratch.remove();
    },
  };
}

/** A child that has ended and is not yet waited for counts as gone: its new parent may take its time. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, "latin1"));
  } catch {
    return false;
  }
}

const listen = (server: Server, at: number | string): Promise<void> =>
  new Promise((resolve) => server.listen(at, () => resolve()));

describe("sandbox", { concurrency: false }, () => {
  // Like a spool: closed to all others, also to what lies above the scratch folder.
  const folder = mkdtempSync(join(tmpdir(), "sandbox-"));
  const secret = join(folder, "secret");
  const socket = join(folder, "socket");
  const [tcp, unix] = [createServer(), createServer()];
  let port = 0;
  let sandbox: Sandbox;
  let probe: Probe;

  before(async () => {
    writeFileSync(secret, "secret", { mode: 0o600 });
    await Promise.all([listen(tcp, 0), listen(unix, socket)]);
    chmodSync(socket, 0o777);
    const address = tcp.address();
    port = typeof address === "object" && address ? address.port : 0;
    sandbox = await createSandbox({
      scratchDir: join(folder, "scratch"),
      spoolDir: join(folder, "spool"),
      memory,
      alsoReadable,
    });
    probe = startProbe(sandbox);
  });
  after(async () => {
    await probe.end();
    sandbox.dispose();
    tcp.close();
    unix.close();
    assert.deepEqual(readdirSync(join(folder, "scratch")), [], "nothing is left in the scratch folder");
    rmSync(folder, { recursive: true, force: true });
  });

  it("denies files outside the program and the scratch folder", async () => {
    for (const arg of [
      "/etc/passwd",
      "/proc/self/environ",
      `/proc/${process.pid}/environ`,
      secret,
      "../../../secret",
      "/dev/null",
    ])
      assert.deepEqual(await probe.ask("read", { arg }), denied, arg);
    assert.deepEqual(await probe.ask("list", { arg: folder }), denied);
    assert.deepEqual(await probe.ask("list", { arg: "/" }), denied);
  });

  it("lets it read what was put into its scratch folder, until it is taken away", async () => {
    const spool = join(folder, "spool");
    mkdirSync(spool, { mode: 0o700 });
    const file = join(spool, "message.eml");
    writeFileSync(file, "octets", { mode: 0o600 });
    const name = await probe.scratch.put(file);
    assert.deepEqual(await probe.ask("readText", { arg: name }), { value: "octets", bytes: 0 });
    probe.scratch.take(name);
    assert.deepEqual(await probe.ask("readText", { arg: name }), { code: "ENOENT" });
    assert.ok(existsSync(file));
  });

  it("denies writing anywhere, the scratch folder included", async () => {
    for (const arg of [join(folder, "new"), join(tmpdir(), "sandbox-new"), "new", "program.json", "/dev/null"])
      assert.deepEqual(await probe.ask("write", { arg }), denied, arg);
  });

  it("denies the network: TCP, sockets of the file system, listening", async () => {
    assert.deepEqual(await probe.ask("tcp", { number: port }), denied);
    assert.deepEqual(await probe.ask("unix", { arg: socket }), denied);
    assert.deepEqual(await probe.ask("listen"), denied);
    assert.deepEqual(await probe.ask("listenUnix", { arg: "own" }), denied);
  });

  it("denies processes, threads and native addons", async () => {
    assert.deepEqual(await probe.ask("spawn"), denied);
    assert.deepEqual(await probe.ask("thread"), denied);
    assert.deepEqual(await probe.ask("addon", { arg: addon }), { code: "ERR_DLOPEN_DISABLED" });
  });

  it("has nothing of its parent's environment", async () => {
    assert.deepEqual(await probe.ask("environment"), { value: childEnvironment("opener"), bytes: 0 });
  });

  for (const what of ["balloon", "heapBalloon"])
    it(`ends a child that takes memory without end (${what})`, async () => {
      const greedy = startProbe(sandbox);
      const answer = await greedy.ask(what).catch((error: unknown) => error);
      // The kernel refuses, or V8 gives up: either way nothing beyond the limit was ever had.
      if (answer instanceof ChildGone) assert.equal(answer.why, "memory");
      else assert.deepEqual(answer, { code: "ERR_MEMORY_ALLOCATION_FAILED" });
      await greedy.end();
    });

  for (const [what, text] of [
    ["garbage", /nonsense/],
    ["twice", /without being asked/],
    ["flood", /flooded/],
    ["exit", /ended with 3/],
    ["abort", /SIGABRT/],
  ] as const)
    it(`takes a child that answers with "${what}" for crashed`, async () => {
      const bad = startProbe(sandbox);
      const answer = await bad.ask(what).catch((error: unknown) => error);
      const gone = await bad.child.gone;
      assert.equal(gone.why, "crashed");
      assert.match(gone.message, text);
      if (what !== "twice") assert.equal(answer, gone);
      await bad.end();
    });

  it("kills a child that does not answer before the deadline", async () => {
    const slow = startProbe(sandbox);
    await slow.ask("eval");
    await assert.rejects(
      slow.child.ask({ what: "loop" }, Buffer.alloc(0), 100),
      (error) => error instanceof ChildGone && error.why === "timeout",
    );
    await slow.end();
  });

  it("tells what a child complained about when it died, escaped and cut", async () => {
    const lines: Record<string, unknown>[] = [];
    const log: Log = { ...silent, warn: (_event, fields) => lines.push({ ...fields }) };
    const bad = startProbe(sandbox, "opener", log);
    await bad.ask("flood").catch(() => undefined);
    await bad.end();
    assert.equal(lines[0]?.why, "crashed");
    assert.ok(String(lines[0]?.stderr).length <= 4096);
  });

  it("leaves no child behind when its process is killed, not even one that computes for ever", async () => {
    const parent = spawn(process.execPath, [join(root, "test/support/doomed-parent.ts"), join(folder, "doomed")]);
    const [line] = (await once(parent.stdout, "data")) as [Buffer];
    const pids = JSON.parse(line.toString()) as number[];
    parent.kill("SIGKILL");
    await once(parent, "exit");
    const end = performance.now() + 10_000;
    // The kernel's signal at the death of a parent comes with setpriv; without that only the child that waits sees the end of its stream.
    const bound = sandbox.confinement.missing.includes("no new privileges") ? pids.slice(0, 1) : pids;
    while (bound.some(isAlive)) {
      assert.ok(performance.now() < end, "a child lives on");
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    for (const pid of pids.filter(isAlive)) process.kill(pid, "SIGKILL");
  });

  it("sweeps the folders of runs that are gone, and leaves those of others alone", async () => {
    const scratchDir = join(folder, "other");
    mkdirSync(join(scratchDir, "run-999999999-abc"), { recursive: true });
    mkdirSync(join(scratchDir, `run-${process.pid}-abc`));
    const other = await createSandbox({ scratchDir, memory, confinement: sandbox.confinement });
    assert.deepEqual(
      readdirSync(scratchDir).filter((name) => name.endsWith("-abc")),
      [`run-${process.pid}-abc`],
    );
    other.dispose();
  });
});

describe("confinement by the system alone, as native code meets it", { concurrency: false }, () => {
  const folder = mkdtempSync(join(tmpdir(), "sandbox-"));
  const [secret, socket, server] = [join(folder, "secret"), join(folder, "socket"), createServer()];
  let confinement: Confinement;
  let probe: Child;

  before(async () => {
    writeFileSync(secret, "secret", { mode: 0o600 });
    await listen(server, socket);
    const program = ["workers", "test/support"].map((name) => join(root, name));
    confinement = await findConfinement({ program: [...program, join(root, "package.json"), process.execPath] });
    // Without Node's model, for which native code would not ask.
    const [command = "", ...args] = [
      ...confinement.prefix("matcher", memory),
      confinement.seen(process.execPath),
      confinement.seen(join(root, "test/support/probe.ts")),
    ];
    const started = spawn(command, args, { env: {}, cwd: "/", stdio: ["pipe", "pipe", "pipe"] });
    probe = new Child(started, { name: "probe", input: started.stdin, output: started.stdout, log: silent });
  });
  after(async () => {
    probe.kill("aborted", "the test is over");
    await probe.gone;
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const ask = async (what: string, rest: object = {}) =>
    (await probe.ask({ what, ...rest }, Buffer.alloc(0), 20_000)).header;

  it("has a user of its own and no network, or says that it is not good enough", () => {
    assert.equal(
      confinement.ok,
      !confinement.missing.includes("own user") && !confinement.missing.includes("no network"),
    );
    assert.equal(confinement.ok, process.getuid?.() === 0, "root on Debian gets both, others do not get a user");
  });

  it("reads no file of another user", async () => {
    const expected = confinement.ownUser ? { code: "EACCES" } : { value: 6, bytes: 0 };
    assert.deepEqual(await ask("read", { arg: secret }), expected);
    if (confinement.ownUser)
      assert.deepEqual(await ask("read", { arg: `/proc/${process.pid}/environ` }), { code: "EACCES" });
  });

  it("writes not one octet, not even where everybody may", async () => {
    assert.deepEqual(await ask("write", { arg: join(tmpdir(), "sandbox-written") }), { code: "EFBIG" });
    rmSync(join(tmpdir(), "sandbox-written"), { force: true });
    if (confinement.ownUser) assert.deepEqual(await ask("write", { arg: join(folder, "new") }), { code: "EACCES" });
  });

  it("connects to nothing", async () => {
    if (confinement.noNetwork) assert.deepEqual(await ask("tcp", { number: 9 }), { code: "ENETUNREACH" });
    if (confinement.ownUser) assert.deepEqual(await ask("unix", { arg: socket }), { code: "EACCES" });
  });

  it("signals neither its parent nor anybody else", async () => {
    if (confinement.ownUser)
      for (const number of [process.pid, 1]) assert.deepEqual(await ask("kill", { number }), { code: "EPERM" });
  });

  it("can gain no privileges", async () => {
    const { value } = await ask("status");
    assert.match(String(value), /NoNewPrivs:\t1/);
    assert.match(String(value), /CapEff:\t0{16}/);
  });
});

describe("sandbox under umask 077", { concurrency: false }, () => {
  const folder = mkdtempSync(join(tmpdir(), "sandbox-"));
  const before = process.umask(0o077);
  after(() => {
    process.umask(before);
    rmSync(folder, { recursive: true, force: true });
  });

  it("gives a child its program and what is put into its scratch folder, all others nothing", async () => {
    const [data, spool] = [join(folder, "data"), join(folder, "data/spool")];
    mkdirSync(spool, { recursive: true });
    const file = join(spool, "message.eml");
    writeFileSync(file, "octets");
    const sandbox = await createSandbox({ scratchDir: join(data, "scratch"), spoolDir: spool, memory, alsoReadable });
    const probe = startProbe(sandbox);
    try {
      const [run = ""] = readdirSync(join(data, "scratch"));
      const seen = (name: string): number => statSync(join(data, "scratch", run, name)).mode & 0o777;
      const scratch = readdirSync(join(data, "scratch", run)).find((name) => name.startsWith("opener-")) ?? "";
      assert.deepEqual([seen(""), seen(scratch), seen("program.json")], [0o711, 0o750, 0o644]);
      const name = await probe.scratch.put(file);
      assert.deepEqual(await probe.ask("readText", { arg: name }), { value: "octets", bytes: 0 });
      const { value } = (await probe.ask("readText", { arg: "program.json" })) as { value: string };
      assert.ok(value.startsWith('{"'), "the child need not strip types for itself");
    } finally {
      await probe.end();
      sandbox.dispose();
    }
  });

  it("shows the program at another place all the same", async () => {
    const closed = mkdtempSync(join(folder, "closed-"));
    const program = join(closed, "program");
    mkdirSync(join(program, "deep"), { recursive: true });
    writeFileSync(join(program, "deep/file"), "readable");
    chmodSync(program, 0o755);
    chmodSync(join(program, "deep"), 0o755);
    chmodSync(join(program, "deep/file"), 0o644);
    const lone = join(closed, "lone");
    writeFileSync(lone, ", alone as well");
    chmodSync(lone, 0o644);
    const { prefix, seen, ownUser } = await findConfinement({ program: [program, lone] });
    assert.equal(ownUser, process.getuid?.() === 0, "root on Debian can give children a user");
    const files = [join(program, "deep/file"), lone].map(seen);
    const [command = "", ...args] = [...prefix("opener", memory), "/bin/cat", ...files];
    assert.equal(execFileSync(command, args, { env: {}, encoding: "utf8" }), "readable, alone as well");
  });
});

describe("sandbox on lesser systems", { concurrency: false }, () => {
  const folder = mkdtempSync(join(tmpdir(), "sandbox-"));
  after(() => rmSync(folder, { recursive: true, force: true }));

  async function withProbe(confinement: Confinement, run: (probe: Probe) => Promise<void>): Promise<void> {
    const sandbox = await createSandbox({ scratchDir: folder, memory, alsoReadable, confinement });
    const probe = startProbe(sandbox);
    try {
      await run(probe);
    } finally {
      await probe.end();
      sandbox.dispose();
    }
  }

  it("names what is missing, and does not call it good enough for native code", async () => {
    const { ok, how, missing } = await findConfinement({ program: ["/"], toolFolders: [] });
    assert.equal(ok, false);
    assert.deepEqual(how, []);
    assert.deepEqual(missing, ["own user", "no network", "no new privileges", "resource limits"]);
  });

  it("shows the program at another place where a folder above it is closed to the child's user", async () => {
    const open = join(folder, "open");
    mkdirSync(open);
    writeFileSync(join(open, "program"), "readable");
    // `folder` itself is closed, as mkdtemp makes it.
    const { ownUser, missing, prefix, seen } = await findConfinement({ program: [open] });
    assert.equal(ownUser, !missing.includes("own user"));
    const [command = "", ...args] = [...prefix("opener", memory), "/bin/cat", seen(join(open, "program"))];
    assert.equal(execFileSync(command, args, { env: {}, encoding: "utf8" }), "readable");
  });

  it("still denies files, writing, network, processes and addons by Node's own model", async () => {
    await withProbe(await findConfinement({ program: ["/"], toolFolders: [] }), async (probe) => {
      assert.deepEqual(await probe.ask("read", { arg: "/etc/passwd" }), denied);
      assert.deepEqual(await probe.ask("write", { arg: "new" }), denied);
      assert.deepEqual(await probe.ask("tcp", { number: 9 }), denied);
      assert.deepEqual(await probe.ask("listen"), denied);
      assert.deepEqual(await probe.ask("spawn"), denied);
      assert.deepEqual(await probe.ask("addon", { arg: addon }), { code: "ERR_DLOPEN_DISABLED" });
    });
  });
});
