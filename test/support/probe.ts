/** A child of tests that tries, when asked, what no child may do; its answers are what came of it. */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { Worker } from "node:worker_threads";
import { FrameSource, writeFrame } from "../../workers/frames.ts";

interface Try {
  readonly what: string;
  readonly arg?: string;
  readonly number?: number;
}

const hoard: Buffer[] = [];

function connecting(
  options: { readonly path: string } | { readonly host: string; readonly port: number },
): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(options, () => resolve("connected"));
    socket.on("error", reject);
  });
}

function listening(at: string | number): Promise<string> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(at, () => resolve("listening"));
  });
}

function balloon(): string {
  for (;;) hoard.push(Buffer.alloc(16 * 2 ** 20, 1));
}

function heapBalloon(): string {
  const values: unknown[] = [];
  for (;;) values.push({ list: new Array(1000).fill(values.length) });
}

const tries: Readonly<Record<string, (ask: Try) => unknown>> = {
  read: ({ arg = "" }) => readFileSync(arg, "latin1").length,
  readText: ({ arg = "" }) => readFileSync(arg, "utf8"),
  list: ({ arg = "" }) => readdirSync(arg).length,
  write: ({ arg = "" }) => writeFileSync(arg, "x"),
  tcp: ({ number = 0 }) => connecting({ host: "127.0.0.1", port: number }),
  unix: ({ arg = "" }) => connecting({ path: arg }),
  listen: () => listening(0),
  listenUnix: ({ arg = "" }) => listening(arg),
  spawn: () => {
    const { error } = spawnSync("/bin/true");
    if (error) throw error;
  },
  thread: () => new Worker("0", { eval: true }).threadId,
  addon: ({ arg = "" }) => process.dlopen({ exports: {} }, arg),
  environment: () => process.env,
  kill: ({ number = 0 }) => process.kill(number, "SIGTERM"),
  eval: () => process.getuid?.(),
  status: () => readFileSync("/proc/self/status", "utf8"),
  balloon,
  heapBalloon,
  loop: () => {
    for (;;);
  },
  exit: () => process.exit(3),
  abort: () => process.abort(),
  garbage: () => writeFileSync(1, Buffer.alloc(4096, 0xff)),
  twice: () => writeFrame(1, { value: "first" }),
  flood: () => {
    for (;;) writeFileSync(2, Buffer.alloc(65_536, 0x21));
  },
};

const asked = new FrameSource(0, { header: 65_536, body: 2 ** 24 });
for (let frame = asked.next(); frame; frame = asked.next()) {
  const ask = frame.header as unknown as Try;
  let answer: Readonly<Record<string, unknown>>;
  try {
    answer = { value: (await tries[ask.what]?.(ask)) ?? "done", bytes: frame.body.length };
  } catch (error) {
    answer = { code: (error as NodeJS.ErrnoException).code ?? (error as Error).message };
  }
  writeFrame(1, answer);
}
