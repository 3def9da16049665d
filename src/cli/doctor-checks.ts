/** Checks of `doctor` that need nothing but this machine: disk, clock, certificates, ports, what people have switched. */
import { X509Certificate, createPrivateKey } from "node:crypto";
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { recordsFile } from "../compose-stores.ts";
import type { Config } from "../config-schema.ts";
import { explain } from "../core/errors.ts";
import { roughSize } from "../core/units.ts";
import { systemClock } from "../observe/clock.ts";
import { freeBytes, keepingOf } from "../observe/disk.ts";
import { openSpool } from "../spool/disk-spool.ts";
import { silent } from "../observe/log.ts";
import { askGateway } from "./custody.ts";
import { withRecords } from "./with-records.ts";

export interface Check {
  readonly name: string;
  readonly verdict: "ok" | "WARN" | "FAIL";
  readonly text: string;
  readonly remedy?: string;
}

const day = 86_400_000;

function writable(folder: string): Check {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    accessSync(folder, constants.W_OK | constants.X_OK);
    const probe = join(folder, `.doctor-${process.pid}`);
    const began = performance.now();
    const fd = openSync(probe, "wx", 0o600);
    writeSync(fd, "probe");
    fsyncSync(fd);
    closeSync(fd);
    const ms = performance.now() - began;
    const drift = Math.abs(statSync(probe).mtimeMs - Date.now());
    rmSync(probe);
    if (drift > 5_000)
      return {
        name: "data_dir",
        verdict: "WARN",
        text: `its clock differs by ${Math.round(drift / 1000)} s from ours`,
        remedy: "synchronise the clocks",
      };
    return { name: "data_dir", verdict: "ok", text: `${folder} can be written; a sync takes ${ms.toFixed(1)} ms` };
  } catch (error) {
    return {
      name: "data_dir",
      verdict: "FAIL",
      text: explain(error),
      remedy: `make ${folder} writable for the user that runs sallyport`,
    };
  }
}

function clock(): Check {
  const built = statSync(new URL("../../package.json", import.meta.url)).mtimeMs;
  const isBehind = Date.now() < built - day;
  return isBehind
    ? {
        name: "clock",
        verdict: "FAIL",
        text: `it says ${new Date().toISOString()}, before this program was installed`,
        remedy: "set the clock (chrony, systemd-timesyncd)",
      }
    : { name: "clock", verdict: "ok", text: new Date().toISOString() };
}

export async function diskChecks(config: Config): Promise<readonly Check[]> {
  const first = writable(config.data_dir);
  if (first.verdict === "FAIL") return [first, clock()];
  const keeping = keepingOf(config.data_dir);
  const spool = await openSpool({
    dir: join(config.data_dir, "spool"),
    memoryLimit: 0,
    minFree: config.spool.min_free,
    clock: systemClock,
    log: silent,
    readOnly: true,
  }).catch((error: unknown) => explain(error));
  const room = freeBytes(config.data_dir) - config.spool.min_free;
  const corrupt = typeof spool === "string" ? 0 : await spool.count("corrupt");
  if (typeof spool !== "string") await spool.close();
  return [
    first,
    clock(),
    keeping.kind === "keeps"
      ? { name: "file system", verdict: "ok", text: keeping.text }
      : {
          name: "file system",
          verdict: keeping.kind === "forgets" ? "FAIL" : "WARN",
          text: keeping.text,
          remedy: "put data_dir on a local disk or a volume",
        },
    typeof spool === "string"
      ? { name: "spool", verdict: "FAIL", text: spool }
      : corrupt > 0
        ? {
            name: "spool",
            verdict: "WARN",
            text: `${corrupt} unreadable messages in corrupt/`,
            remedy: "docs/operations.md, «A message is corrupt»",
          }
        : { name: "spool", verdict: "ok", text: "readable" },
    room < 0
      ? {
          name: "disk",
          verdict: "FAIL",
          text: `less than spool.min_free (${roughSize(config.spool.min_free)}) is free: MAIL gets 452`,
          remedy: "free space, or lower spool.min_free",
        }
      : { name: "disk", verdict: "ok", text: `${roughSize(room)} above spool.min_free` },
  ];
}

function certificate({ cert, key }: Config["smtp"]["tls"]): Check {
  const name = "certificate";
  if (!cert || !key)
    return { name, verdict: "ok", text: "self-signed, made at first start: enough for opportunistic TLS" };
  try {
    const parsed = new X509Certificate(readFileSync(cert));
    const left = (Date.parse(parsed.validTo) - Date.now()) / day;
    if (!parsed.checkPrivateKey(createPrivateKey(readFileSync(key))))
      return { name, verdict: "FAIL", text: `${key} is not the key of ${cert}`, remedy: "name the pair" };
    if (left < 0)
      return {
        name,
        verdict: "FAIL",
        text: `${cert} expired on ${parsed.validTo}`,
        remedy: "renew it; it is re-read when the file changes",
      };
    return left < 14
      ? { name, verdict: "WARN", text: `${cert} expires on ${parsed.validTo}`, remedy: "renew it" }
      : { name, verdict: "ok", text: `${cert}, valid until ${parsed.validTo}` };
  } catch (error) {
    return { name, verdict: "FAIL", text: explain(error), remedy: `check ${cert} and ${key}` };
  }
}

function port(name: string, listen: string): Promise<Check> {
  const at = listen.lastIndexOf(":");
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error) =>
      resolve({
        name,
        verdict: "FAIL",
        text: `${listen}: ${error.message}`,
        remedy: "stop what listens there, or (ports below 1024) run as root or with CAP_NET_BIND_SERVICE",
      }),
    );
    server.listen(Number(listen.slice(at + 1)), listen.slice(0, at).replace(/^\[|\]$/g, ""), () =>
      server.close(() => resolve({ name, verdict: "ok", text: `${listen} is free` })),
    );
  });
}

export async function edgeChecks(config: Config): Promise<readonly Check[]> {
  const running = await askGateway(config, "status").then(
    (status) => status as { readonly pid: number },
    () => null,
  );
  const ports = running
    ? [{ name: "gateway", verdict: "ok" as const, text: `running, pid ${running.pid}` }]
    : await Promise.all([
        ...config.listen.smtp.map((listen) => port("listen.smtp", listen)),
        ...(config.listen.web ? [port("listen.web", config.listen.web)] : []),
      ]);
  return [certificate(config.smtp.tls), ...ports];
}

/** What people have switched and may have forgotten. */
export async function listChecks(config: Config): Promise<readonly Check[]> {
  const observing = config.routes.filter((route) => route.mode === "observe").map((route) => route.domains[0] ?? "");
  const checks: Check[] =
    observing.length > 0
      ? [
          {
            name: "mode",
            verdict: "WARN",
            text: `only observing, nothing is held: ${observing.join(", ")}`,
            remedy: "mode: enforce, when you trust it",
          },
        ]
      : [];
  if (config.notifications.postmaster === undefined)
    checks.push({
      name: "alerts",
      verdict: "WARN",
      text: "nobody gets them by mail; they are in the log and in sallyport_alerts_total alone",
      remedy: "notifications.postmaster",
    });
  if (config.catalog === undefined && !existsSync(recordsFile(config))) return checks;
  const opened = await withRecords(config, async (records) => ({
    ...records.snapshot(),
    audit: await records.audit.verify(),
  })).catch((error: unknown) => explain(error));
  if (typeof opened === "string") return [...checks, { name: "records", verdict: "FAIL", text: opened }];
  const { bypass, disabledRules, audit } = opened;
  checks.push(
    audit.ok
      ? {
          name: "audit",
          verdict: "ok",
          text: `${audit.lines} lines, the chain is whole, its end is ${audit.head.slice(0, 16)}`,
        }
      : {
          name: "audit",
          verdict: "FAIL",
          text: `the audit log was changed: ${audit.problem}`,
          remedy: "compare with a backup of the records; who has access to the database?",
        },
  );
  if (bypass)
    checks.push({
      name: "bypass",
      verdict: "WARN",
      text: `on until ${bypass.until} by ${bypass.by}: ${bypass.reason}`,
      remedy: "sallyport bypass off",
    });
  if (disabledRules.length > 0)
    checks.push({ name: "rules", verdict: "WARN", text: `switched off: ${disabledRules.join(", ")}` });
  return checks;
}
