/** The certificate of STARTTLS: read from files, re-read when they change, made at the first start if none is configured. */
import { X509Certificate } from "node:crypto";
import { mkdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createSecureContext } from "node:tls";
import type { Config } from "../config-schema.ts";
import { explain, GatewayError } from "../core/errors.ts";
import type { Clock } from "../observe/clock.ts";
import type { Log } from "../observe/log.ts";
import { selfSigned } from "./self-signed.ts";

export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export interface Certificates {
  readonly current: Certificate;
  /** Looks at the files; true if there was a new pair, which is then current. A pair that does not fit together changes nothing. */
  refresh(): Promise<boolean>;
}

const warnDays = 14;

async function readPair(cert: string, key: string): Promise<Certificate> {
  const pair = { cert: await readFile(cert, "utf8"), key: await readFile(key, "utf8") };
  createSecureContext(pair);
  return pair;
}

/** What changes when a file is replaced or rewritten. */
async function fingerprint(files: readonly string[]): Promise<string> {
  const stats = await Promise.all(files.map((file) => stat(file, { bigint: true })));
  return stats.map(({ ino, size, mtimeNs }) => `${ino}:${size}:${mtimeNs}`).join(" ");
}

async function writeWhole(file: string, content: string, mode: number): Promise<void> {
  await writeFile(`${file}.new`, content, { mode });
  await rename(`${file}.new`, file);
}

const expiry = (pair: Certificate): number => new X509Certificate(pair.cert).validToDate.getTime();

/** Ours may be replaced when it is over; nobody trusts it more than the next. */
async function ownPair(config: Config, cert: string, key: string, clock: Clock): Promise<void> {
  const isGood = await readPair(cert, key).then(
    (pair) => expiry(pair) > clock.now().getTime(),
    () => false,
  );
  if (isGood) return;
  const made = selfSigned(config.hostname, clock.now());
  await mkdir(dirname(key), { recursive: true, mode: 0o700 });
  await writeWhole(key, made.key, 0o600);
  await writeWhole(cert, made.cert, 0o644);
}

/** Throws CONFIG_UNREADABLE if the configured files cannot be used at the start; later it keeps what it has. */
export async function openCertificates(config: Config, clock: Clock, log: Log): Promise<Certificates> {
  const { cert, key } = config.smtp.tls;
  const files =
    cert !== undefined && key !== undefined
      ? ([cert, key] as const)
      : ([join(config.data_dir, "tls", "cert.pem"), join(config.data_dir, "tls", "key.pem")] as const);
  if ((cert === undefined) !== (key === undefined))
    throw new GatewayError("CONFIG_INVALID", { key: "smtp.tls", problem: "cert and key belong together" });
  if (cert === undefined) await ownPair(config, ...files, clock);

  const warnIfOld = (pair: Certificate): void => {
    const left = Math.floor((expiry(pair) - clock.now().getTime()) / 86_400_000);
    if (left < warnDays) log.warn("certificate_expires", { file: files[0], days_left: left });
  };
  let seen = "";
  let current: Certificate;
  try {
    seen = await fingerprint(files);
    current = await readPair(...files);
  } catch (error) {
    throw new GatewayError("CONFIG_UNREADABLE", { key: "smtp.tls", files: files.join(", ") }, error);
  }
  warnIfOld(current);

  return {
    get current() {
      return current;
    },
    async refresh() {
      try {
        const now = await fingerprint(files);
        if (now === seen) return false;
        seen = now;
        current = await readPair(...files);
        warnIfOld(current);
        log.info("certificate_read", { file: files[0] });
        return true;
      } catch (error) {
        log.warn("certificate_unreadable", { file: files[0], error_cause: explain(error) });
        return false;
      }
    },
  };
}
