/** A server of a test as a process of its own: started, waited for, killed, and gone when the test run is. */
import { type ChildProcess, spawn } from "node:child_process";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

export interface ServerProcess {
  readonly pid: number;
  /** What it has said last. */
  words(): string;
  stop(signal?: NodeJS.Signals): Promise<void>;
}

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

export function startProcess(command: readonly [string, ...string[]], env: NodeJS.ProcessEnv = {}): ServerProcess {
  const [program, ...args] = command;
  const child = spawn(program, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", ...env },
  });
  running.add(child);
  let words = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (piece: string) => {
      words = (words + piece).slice(-20_000);
    });
  const ended = new Promise<void>((resolve) => {
    child.once("error", (error) => {
      words += error.message;
      resolve();
    });
    child.once("exit", () => resolve());
  }).finally(() => running.delete(child));
  return {
    pid: child.pid ?? 0,
    words: () => words,
    async stop(signal = "SIGKILL") {
      child.kill(signal);
      await ended;
    },
  };
}

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });

/** Throws with what the server said if nobody listens on the port in time. */
export async function untilListening(port: number, server: ServerProcess): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if (await answers(port)) return;
    await sleep(50);
  }
  throw new Error(`nobody listens on ${port}:\n${server.words()}`);
}
