/** One server per spool: a lock that the kernel lets go of when its holder dies, even by kill -9 (R13). */
import { chmodSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { GatewayError } from "../core/errors.ts";

const busy = 5;
const isBusy = (error: unknown): boolean => error instanceof Error && "errcode" in error && error.errcode === busy;

/** A number for people and scripts; the lock itself does not depend on it. */
function holder(pidFile: string): string {
  try {
    return readFileSync(pidFile, "utf8").trim();
  } catch {
    return "unknown";
  }
}

function notePid(pidFile: string): void {
  try {
    writeFileSync(pidFile, `${process.pid}\n`, { mode: 0o600 });
  } catch {
    // A full disk must not keep the gateway from starting: it may be about to make room. Better no number than an old one.
    rmSync(pidFile, { force: true });
  }
}

function open(file: string, root: string): DatabaseSync {
  try {
    return new DatabaseSync(file, { timeout: 0 });
  } catch (error) {
    const remedy = "it must be a folder that the user of sallyport may write";
    throw new GatewayError("SPOOL_UNWRITABLE", { spool: root, remedy }, error);
  }
}

/**
 * Node has no flock(); an exclusive transaction of SQLite is the same thing. Nothing is ever written in it, so the file stays empty
 * and cannot be damaged. Nobody else in this process may open it: closing any descriptor of it would let go of the lock (fcntl(2)).
 */
export function lockSpool(root: string): Disposable {
  const pidFile = join(root, "lock.pid");
  const file = join(root, "lock.sqlite");
  const database = open(file, root);
  try {
    chmodSync(file, 0o600);
    database.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    if (!isBusy(error)) throw error;
    throw new GatewayError(
      "SPOOL_LOCKED",
      { spool: root, pid: holder(pidFile), remedy: "stop that process, or give this one a data_dir of its own" },
      error,
    );
  }
  notePid(pidFile);
  return { [Symbol.dispose]: () => void (database.isOpen && database.close()) };
}
