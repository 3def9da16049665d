/** The next hop of the demonstration: takes every message and keeps it in a folder. */
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SMTPServer } from "smtp-server";
import { GatewayError } from "../src/core/errors.ts";

export interface DemoNextHop {
  /** Names of the files, in the order of arrival. */
  readonly arrived: readonly string[];
  close(): Promise<void>;
}

export async function startNextHop(port: number, folder: string): Promise<DemoNextHop> {
  mkdirSync(folder, { recursive: true });
  const arrived: string[] = [];
  const before = readdirSync(folder).length;
  const server = new SMTPServer({
    disabledCommands: ["AUTH", "STARTTLS"],
    disableReverseLookup: true,
    size: 100 * 2 ** 20,
    onData(stream, _session, callback) {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        const name = `${String(before + arrived.length + 1).padStart(4, "0")}.eml`;
        writeFileSync(join(folder, name), Buffer.concat(chunks));
        arrived.push(name);
        callback(null, `Ok: kept as ${name}`);
      });
    },
  });
  await new Promise<void>((resolve, reject) => {
    server.on("error", (error) =>
      reject(
        new GatewayError(
          "LISTEN_FAILED",
          { address: `127.0.0.1:${port}`, remedy: "stop what listens there: another demonstration?" },
          error,
        ),
      ),
    );
    server.listen(port, "127.0.0.1", () => resolve());
  });
  return { arrived, close: () => new Promise((resolve) => server.close(() => resolve())) };
}
