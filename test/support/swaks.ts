/** Sends a message with swaks, as an admin does who tries a set-up. */
import { spawn } from "node:child_process";

export interface Swaks {
  /** 0: sent; 24: every RCPT refused; 26: refused after the final dot (swaks(1), EXIT CODES). */
  readonly exit: number | null;
  readonly dialogue: string;
}

export function swaks(port: number, ...args: readonly string[]): Promise<Swaks> {
  const child = spawn("swaks", ["--server", "127.0.0.1", "--port", String(port), "--timeout", "60s", ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let dialogue = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => (dialogue += text));
  return new Promise((resolve, reject) => {
    child.once("error", () => reject(new Error("swaks is missing; on Debian: apt-get install swaks")));
    child.once("close", (exit) => resolve({ exit, dialogue }));
  });
}
