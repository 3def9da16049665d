/** Real Postfix in a folder of its own: as the server in front of Sallyport, or as the next hop that delivers into a maildir-like folder. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const sbin = "/usr/lib/postfix/sbin";

export interface PostfixOptions {
  readonly port: number;
  /** host:port: everything goes there. */
  readonly relayTo?: string;
  /** Domains that are delivered locally, each message to a file of its own. */
  readonly deliver?: readonly string[];
  /** Recipients that exist; default: all. */
  readonly recipients?: readonly string[];
  readonly extra?: Readonly<Record<string, string>>;
}

export interface Postfix {
  readonly dir: string;
  readonly pid: number;
  readonly port: number;
  /** Raw messages that have been delivered, in no order. */
  delivered(): readonly string[];
  /** Queue ids that still wait. */
  queued(): number;
  log(): string;
  /** Tries what waits now. */
  flush(): void;
  stop(): Promise<void>;
}

export function requirePostfix(): void {
  if (!existsSync(join(sbin, "master")))
    throw new Error("Postfix is missing; on Debian: apt-get install --no-install-recommends postfix swaks");
  if (process.getuid?.() !== 0) throw new Error("Postfix can only be started by root");
}

async function portIsOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket
      .once("data", () => resolve(true))
      .once("error", () => resolve(false))
      .setTimeout(500, () => resolve(false));
    socket.once("close", () => resolve(false));
    setTimeout(() => socket.destroy(), 600).unref();
  });
}

function mainCf(dir: string, options: PostfixOptions): string {
  const settings: Record<string, string> = {
    compatibility_level: "3.6",
    queue_directory: join(dir, "queue"),
    data_directory: join(dir, "data"),
    command_directory: "/usr/sbin",
    daemon_directory: sbin,
    mail_owner: "postfix",
    setgid_group: "postdrop",
    maillog_file: join(dir, "log"),
    maillog_file_prefixes: dir,
    myhostname: "mx.postfix.test",
    mydestination: "",
    local_recipient_maps: "",
    alias_maps: "",
    alias_database: "",
    mynetworks: "127.0.0.0/8",
    inet_interfaces: "127.0.0.1",
    inet_protocols: "ipv4",
    message_size_limit: "104857600",
    mailbox_size_limit: "0",
    virtual_mailbox_limit: "0",
    smtpd_tls_security_level: "none",
    smtp_tls_security_level: "none",
    smtpd_peername_lookup: "no",
    disable_dns_lookups: "yes",
    smtp_host_lookup: "native",
    smtputf8_enable: "yes",
    ...(options.relayTo
      ? { relayhost: `[${options.relayTo.split(":")[0] ?? ""}]:${options.relayTo.split(":")[1] ?? ""}` }
      : {}),
    ...(options.deliver
      ? {
          virtual_mailbox_domains: options.deliver.join(" "),
          virtual_mailbox_base: join(dir, "mail"),
          virtual_mailbox_maps: options.recipients
            ? `inline:{${options.recipients.map((each) => `{${each}=inbox/}`).join(" ")}}`
            : "static:inbox/",
          virtual_uid_maps: "static:65534",
          virtual_gid_maps: "static:65534",
          virtual_minimum_uid: "100",
        }
      : {}),
    ...options.extra,
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name} = ${value}\n`)
    .join("");
}

const masterCf = (port: number): string =>
  [
    `127.0.0.1:${port} inet n - n - - smtpd`,
    "pickup unix n - n 60 1 pickup",
    "cleanup unix n - n - 0 cleanup",
    "qmgr unix n - n 300 1 qmgr",
    "rewrite unix - - n - - trivial-rewrite",
    "bounce unix - - n - 0 bounce",
    "defer unix - - n - 0 bounce",
    "trace unix - - n - 0 bounce",
    "verify unix - - n - 1 verify",
    "flush unix n - n 1000? 0 flush",
    "proxymap unix - - n - - proxymap",
    "smtp unix - - n - - smtp",
    "relay unix - - n - - smtp",
    "showq unix n - n - - showq",
    "error unix - - n - - error",
    "retry unix - - n - - error",
    "discard unix - - n - - discard",
    "virtual unix - n n - - virtual",
    "anvil unix - - n - 1 anvil",
    "scache unix - - n - 1 scache",
    "postlog unix-dgram n - n - 1 postlogd",
    "tlsmgr unix - - n 1000? 1 tlsmgr",
    "",
  ].join("\n");

function files(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
}

export async function startPostfix(options: PostfixOptions): Promise<Postfix> {
  requirePostfix();
  const dir = mkdtempSync(join(tmpdir(), "postfix-"));
  chmodSync(dir, 0o755);
  const conf = join(dir, "conf");
  for (const folder of [conf, join(dir, "queue"), join(dir, "data"), join(dir, "mail")]) mkdirSync(folder);
  writeFileSync(join(conf, "main.cf"), mainCf(dir, options));
  writeFileSync(join(conf, "master.cf"), masterCf(options.port));
  execFileSync("chown", ["postfix", join(dir, "data")]);
  execFileSync("chown", ["65534:65534", join(dir, "mail")]);
  const log = (): string => (existsSync(join(dir, "log")) ? readFileSync(join(dir, "log"), "utf8") : "");
  const child: ChildProcess = spawn("postfix", ["-c", conf, "start-fg"], { stdio: "ignore", detached: true });
  const stop = async (): Promise<void> => {
    try {
      execFileSync("postfix", ["-c", conf, "abort"], { stdio: "ignore" });
    } catch {
      // it may be down already; what counts is that its group is gone
    }
    try {
      if (child.pid) process.kill(-child.pid, "SIGKILL");
    } catch {
      // no such group any more
    }
    await sleep(50);
    rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  };
  for (let tries = 0; !(await portIsOpen(options.port)); tries++) {
    if (child.exitCode !== null || tries > 100) {
      const said = log();
      await stop();
      throw new Error(`Postfix did not start:\n${said}`);
    }
    await sleep(100);
  }
  return {
    dir,
    port: options.port,
    pid: Number(readFileSync(join(dir, "queue/pid/master.pid"), "utf8")),
    delivered: () =>
      [...files(join(dir, "mail/inbox/new")), ...files(join(dir, "mail/inbox/cur"))].map((file) =>
        readFileSync(file, "latin1"),
      ),
    // Files of `deferred` lie in folders of its own (hash_queue_names).
    queued: () =>
      ["incoming", "active", "deferred", "maildrop"].flatMap((name) =>
        readdirSync(join(dir, "queue", name), { recursive: true, withFileTypes: true }).filter((each) => each.isFile()),
      ).length,
    log,
    flush: () => void execFileSync("postqueue", ["-c", conf, "-f"], { stdio: "ignore" }),
    stop,
  };
}
