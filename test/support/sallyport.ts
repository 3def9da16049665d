/** The command line as a process of its own. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { root } from "./gateway.ts";

export interface Ran {
  readonly exit: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Of standard output. */
  json<T>(): T;
}

export interface RunOptions {
  readonly cwd?: string;
  /** Killed when it takes longer. */
  readonly limitMs?: number;
}

export function run(args: readonly string[], { cwd = root, limitMs = 120_000 }: RunOptions = {}): Promise<Ran> {
  const child = spawn(process.execPath, [join(root, "src/main.ts"), ...args], {
    cwd,
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env["PATH"] ?? "" },
    timeout: limitMs,
    killSignal: "SIGKILL",
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  return new Promise((resolve) =>
    child.once("close", (exit) => resolve({ exit, stdout, stderr, json: <T>() => JSON.parse(stdout) as T })),
  );
}

/** Commands about one configuration. */
export const sallyport =
  (config: string) =>
  (...args: readonly string[]): Promise<Ran> =>
    run([...args, "--config", config]);
