/** The configuration: names, units, defaults and prose in one place; `kind` says what people write. docs/configuration.md is generated from it. */
import { availableParallelism, hostname } from "node:os";
import { z } from "zod";
import { webSchema } from "./config-web.ts";
import { blobsSchema, clusterSchema, queueSchema } from "./config-cluster.ts";
import { parseNetwork } from "./core/network.ts";
import { parseDuration, parseSize } from "./core/units.ts";

const durationWords = "must be a duration such as 500ms, 30s, 5m, 2h or 7d";
const anyDuration = z
  .string(durationWords)
  .refine((text) => parseDuration(text) !== null, durationWords)
  .transform((text) => parseDuration(text) ?? 0);
const duration = (byDefault: string) => anyDuration.prefault(byDefault).meta({ kind: "duration" });
const optionalDuration = anyDuration.optional().meta({ kind: "duration" });
const sizeWords = "must be a size such as 64KiB, 25MiB or 2GiB";
const size = (byDefault: string) =>
  z
    .string(sizeWords)
    .refine((text) => parseSize(text) !== null, sizeWords)
    .transform((text) => parseSize(text) ?? 0)
    .prefault(byDefault)
    .meta({ kind: "size" });
const count = (byDefault: number, least = 1) => z.int().min(least).default(byDefault);
const hostPortWords = "must be host:port, such as mail.example.com:25 or [2001:db8::1]:25";
const hostPort = z
  .string(hostPortWords)
  .regex(/^(\[[0-9a-fA-F:]+\]|[^:\s[\]]+):\d{1,5}$/, hostPortWords)
  .refine((text) => Number(text.slice(text.lastIndexOf(":") + 1)) < 65_536, "must have a port below 65536")
  .meta({ kind: "host:port" });
const domain = z
  .string()
  .regex(/^(\*\.)?[^\s@*]+$/, "must be a domain such as example.com or *.example.com")
  .toLowerCase()
  .meta({ kind: "domain" });
const address = z
  .string()
  .regex(/^[^\s@]+@[^\s@]+$/, "must be an address such as postmaster@example.com")
  .meta({ kind: "mail address" });
const network = z
  .string()
  .refine((text) => parseNetwork(text) !== null, "must be an address or a network such as 192.0.2.1 or 2001:db8::/32")
  .meta({ kind: "network" });
const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/, "must be letters, digits, - and _, at most 64");
const path = z.string().min(1, "must be a path").meta({ kind: "path" });
const oneOrMore = <T extends z.ZodType>(item: T) => z.union([item.transform((one) => [one]), z.array(item).min(1)]);

export const routeSchema = z.strictObject({
  name: name.optional().describe("Used in logs and metrics. Default: the first domain."),
  domains: z
    .array(domain)
    .min(1)
    .describe(
      "Recipients that this route takes: exact (`example.com`) or wildcard (`*.example.com`, which does not include `example.com`). Nothing else is accepted: Sallyport is never an open relay.",
    ),
  next_hop: oneOrMore(hostPort).describe("Where messages go: `host:port`, or a list that is tried in order."),
  reply_after: z
    .enum(["delivery", "verdict", "spool"])
    .default("delivery")
    .describe(
      "When the client gets its reply: after the next hop has answered (the proxy: no custody, no bounce), after the verdict, or as soon as the octets are on stable storage.",
    ),
  reply_deadline: duration("60s").describe(
    "When this runs out first, the message is claimed, the client gets 250, and the work goes on.",
  ),
  on_scanner_failure: z
    .enum(["defer", "hold", "forward_tagged"])
    .default("defer")
    .describe(
      "If nothing can be scanned: ask the client to come back (451 4.7.1), claim and wait, or forward with a tag and scan later.",
    ),
  mode: z
    .enum(["enforce", "observe"])
    .default("enforce")
    .describe("`observe` forwards everything, tagged with what would have been done."),
  tls: z
    .enum(["opportunistic", "required", "verified", "none"])
    .default("opportunistic")
    .describe("STARTTLS to the next hop: if offered, always, always with a valid certificate for its name, or never."),
  tls_ca: path.optional().describe("File with the certificates that `tls: verified` trusts. Default: those of Node."),
  verify_recipients: z
    .boolean()
    .default(true)
    .describe("Ask the next hop at RCPT whether the recipient exists; its 5yz is passed on."),
  pass_client: z
    .enum(["none", "xforward", "xclient"])
    .default("none")
    .describe("Tell the next hop who the client was, if it offers that."),
  organisation: name
    .optional()
    .describe("Accounts of the console may be limited to routes by name, or to all routes of an organisation."),
  direction: z.enum(["inbound", "outbound"]).default("inbound").describe("For policies that differ."),
  connections: count(20).describe("To each next hop, at most."),
  max_active: z
    .int()
    .min(1)
    .optional()
    .describe(
      "Share of `scan.max_active`: messages of this route in custody that are judged or forwarded at the same time; beyond, RCPT gets 451 for this route alone. Default: with several routes, never more than are left free for the others; with one, all.",
    ),
  retry: z
    .strictObject({
      first: duration("5m").describe("Wait after the first failure; doubles each time."),
      longest: duration("4h").describe("Longest wait between attempts."),
      expire: duration("5d").describe("When forwarding is given up and a DSN is sent (RFC 5321 §4.5.4.1)."),
    })
    .prefault({})
    .describe("After the claim: when to try again."),
  timeouts: z
    .strictObject({
      connect: duration("30s").describe("TCP and TLS."),
      command: duration("5m").describe("Any reply but the last (RFC 5321 §4.5.3.2)."),
      data: duration("10m").describe("The reply after the final dot (RFC 5321 §4.5.3.2.6)."),
    })
    .prefault({})
    .describe("Towards the next hop."),
});

const smtpSchema = z.strictObject({
  max_connections: count(500).describe("In all; beyond: 421."),
  max_connections_per_client: count(50).describe("From one address; beyond: 421."),
  rate_per_client: count(0, 0).describe("Messages a minute from one address; beyond: 450. 0 is no limit."),
  max_messages: count(1000).describe("In one connection; beyond: 421."),
  max_recipients: count(1000, 1).describe(
    "In one transaction; beyond: 452 (RFC 5321 §4.5.3.1.8 asks for 100 at least).",
  ),
  message_size: size("50MiB").describe("Announced by SIZE; beyond: 552."),
  header_size: size("1MiB").describe("Octets before the first empty line; beyond: 552."),
  line_length: size("64KiB").describe("Longest line; beyond: 500. RFC 5321 allows 1,000 octets, real mail has more."),
  max_received: count(50).describe("Received fields; beyond: 554 5.4.6, a loop."),
  command_timeout: duration("5m").describe("Waiting for a command (RFC 5321 §4.5.3.2.7)."),
  data_timeout: duration("3m").describe("Waiting for the next piece of a message (RFC 5321 §4.5.3.2.5)."),
  session_timeout: duration("1h").describe("A whole connection."),
  slowest_data: size("256B").describe(
    "Octets a second that DATA must reach on average after its first 30 s; slower: 421.",
  ),
  max_errors: count(20).describe("Wrong commands and refused recipients in one connection; beyond: 421."),
  drain: duration("30s").describe("At SIGTERM, transactions that are under way may end within this time."),
  xclient_from: z.array(network).default([]).describe("Who may use XCLIENT."),
  xforward_from: z.array(network).default([]).describe("Who may use XFORWARD."),
  proxy_from: z
    .array(network)
    .default([])
    .describe("Who sends a PROXY line (v1 or v2) first; from these it is required."),
  tls: z
    .strictObject({
      cert: path
        .optional()
        .describe(
          "PEM file; re-read when it changes. Default: a self-signed one in `data_dir`/tls, made at first start.",
        ),
      key: path.optional().describe("PEM file of the private key."),
      require: z
        .boolean()
        .default(false)
        .describe("Refuse MAIL without TLS (RFC 3207 §4 forbids that for a public MX)."),
    })
    .prefault({})
    .describe("STARTTLS."),
});

const scanSchema = z.strictObject({
  engine: z
    .enum(["auto", "wasm", "native"])
    .default("auto")
    .describe("`auto`: native where it is installed and the system can confine it, else WASM."),
  workers: count(Math.max(1, Math.min(availableParallelism(), 16)))
    .describe("Sandboxed children that work at the same time.")
    .meta({ computed: "processors, at most 16" }),
  memory: size("512MiB").describe(
    "Resident memory of one child; beyond, it is killed and the part is *incomplete: limit*.",
  ),
  deadline: duration("30s").describe(
    "For one job; beyond, the child is killed and the part is *incomplete: timeout*. A whole message may take ten times as long; beyond, its other parts are *incomplete: limit*.",
  ),
  cache: count(20_000, 0).describe(
    "Results kept by content, names and versions, within 4 KiB of memory each on average. 0 switches the cache off.",
  ),
  max_active: count(200).describe(
    "Messages in custody that are judged or forwarded at the same time (Postfix's active window).",
  ),
  passwords: z
    .strictObject({
      window: duration("24h").describe(
        "How long words of a message that speaks of a password are kept, sealed, and tried on other messages of the same correspondence, earlier or later. `0s`: only words of the message itself.",
      ),
      list: path
        .optional()
        .describe(
          "File of passwords that partners use, one a line, tried on everything that stays closed; at most 64.",
        ),
    })
    .prefault({})
    .describe("What is tried on encrypted attachments, see [policy.md](policy.md)."),
  limits: z
    .strictObject({
      parts: count(2_000).describe("MIME parts of a message."),
      depth: count(16).describe("Attached messages and archives within each other."),
      members: count(10_000).describe("Files found inside the parts of one message."),
      bytes: size("512MiB").describe("Octets that unpacking one message may produce."),
      member_size: size("128MiB").describe("Octets of one file inside a part."),
      ratio: count(200).describe("Produced : given of one container, above its first MiB."),
    })
    .prefault({})
    .describe("One budget for a whole message; beyond: *incomplete: limit*."),
});

const heldClass = (share: number, why: string) =>
  z
    .strictObject({
      share: count(share).describe(`Held ${why}: their part of the quota, in proportion to the other classes.`),
      keep: optionalDuration.describe("How long. Default: `quarantine.keep`."),
    })
    .prefault({})
    .describe(`Held ${why}.`);

const postgresWords = "must be a URL such as postgres://user@host:5432/database";
const isPostgres = (text: string): boolean => {
  const url = URL.parse(text);
  return url !== null && /^postgres(?:ql)?:$/.test(url.protocol) && url.hostname !== "" && url.pathname.length > 1;
};
const postgresUrl = z.string(postgresWords).refine(isPostgres, postgresWords).meta({ kind: "URL" });
const databaseSchema = z.strictObject({
  url: postgresUrl.describe("`postgres://user@host:port/database`; `?sslmode=verify-full` for TLS."),
  password_file: path.optional().describe("File with the password, instead of one in the URL."),
  tls_ca: path.optional().describe("File with the certificates that TLS to the database trusts."),
});
export type DatabaseConfig = z.infer<typeof databaseSchema>;
const catalogSchema = z.union([postgresUrl.transform((url): DatabaseConfig => ({ url })), databaseSchema]);

export const configSchema = z.strictObject({
  hostname: z
    .string()
    .default(() => hostname())
    .describe("Our name: greeting, EHLO, trace fields.")
    .meta({ computed: "the machine's" }),
  data_dir: path
    .default("./data")
    .describe("Spool, journal, databases. Relative paths start at the folder of this file."),
  listen: z
    .strictObject({
      smtp: oneOrMore(hostPort).prefault("127.0.0.1:2525").describe("One `host:port` or a list."),
      web: hostPort
        .nullable()
        .default("127.0.0.1:8025")
        .describe("The console, its API, metrics and health; `null` for none."),
    })
    .prefault({})
    .describe("Where we listen."),
  routes: z.array(routeSchema).min(1).describe("Who gets mail, and where it goes."),
  rules: z.array(path).default(["./rules"]).describe("Folders of rule packs."),
  policy: path
    .optional()
    .describe(
      "Policy file, see [policy.md](policy.md). Default: quarantine what is found from `high` upwards and what could not be inspected to its end, forward what is encrypted or suspicious with a tag, forward the rest.",
    ),
  catalog: catalogSchema
    .optional()
    .describe(
      "PostgreSQL (13 or later) for catalog and records, shared by all gateways, see [cluster.md](cluster.md): a URL, or a mapping of `url`, `password_file` and `tls_ca`. Default: SQLite files in `data_dir`.",
    ),
  queue: queueSchema
    .optional()
    .describe(
      "Redis (6.2 or later) that brings attachments to `sallyport work` on other machines, see [cluster.md](cluster.md): a URL, or a mapping. Default: this process and its own workers.",
    ),
  queue_failure: z
    .enum(["local", "fail"])
    .default("local")
    .describe(
      "What becomes of a job when Redis, the blob store or all workers are away: our own workers do it, or nobody (then `on_scanner_failure` of the route holds).",
    ),
  blobs: blobsSchema
    .optional()
    .describe(
      "Where attachments lie, sealed, for workers on other machines: a folder that all nodes mount, or S3; a path, a URL, or a mapping.",
    ),
  cluster: clusterSchema.prefault({}).describe("What all nodes have in common, and what this one is called."),
  web: webSchema.prefault({}).describe("The console and its API."),
  smtp: smtpSchema.prefault({}).describe("The SMTP edge and its limits."),
  scan: scanSchema.prefault({}).describe("Inspection."),
  spool: z
    .strictObject({
      memory: size("256KiB").describe("Messages up to this size stay in memory until they are claimed."),
      min_free: size("512MiB").describe("Free disk below which MAIL gets 452 4.3.1; what is inside goes on."),
    })
    .prefault({})
    .describe("The spool."),
  quarantine: z
    .strictObject({
      keep: duration("30d").describe("How long a message is held; its expiry is announced in the log a day before."),
      quota: size("20GiB").describe(
        "Octets in all; beyond, messages expire, never those younger than a day, and only those of classes that take more than their share.",
      ),
      classes: z
        .strictObject({
          critical: heldClass(40, "for a finding of severity `critical`"),
          found: heldClass(30, "for other findings"),
          incomplete: heldClass(20, "since something could not be inspected to its end"),
          policy: heldClass(10, "for nothing but a line of the policy or an entry of a list"),
        })
        .prefault({})
        .describe("Room and time by why a message is held, see [operations.md](operations.md#what-expires-when)."),
    })
    .prefault({})
    .describe("Held messages."),
  journal: z
    .strictObject({ keep: duration("400d").describe("How long daily files are kept.") })
    .prefault({})
    .describe("The journal."),
  notifications: z
    .strictObject({
      relay: hostPort.optional().describe("Where DSNs and alerts leave. Default: the next hop of the first route."),
      from: address.optional().describe("Sender of notices in the From field. Default: postmaster@`hostname`."),
      postmaster: address
        .optional()
        .describe(
          "Who gets mail to `postmaster` without a domain or at `hostname`, and alerts. Default: no alerts by mail.",
        ),
      alerts_every: duration("1h").describe(
        "At most one alert of a kind is mailed in this time; it lists what has happened.",
      ),
      next_hop_down: duration("15m").describe("A next hop that has failed for this long is worth an alert."),
    })
    .prefault({})
    .describe("Mail that we send ourselves."),
  log: z
    .strictObject({
      level: z.enum(["debug", "info", "warn", "error"]).default("info").describe("Least level that is written."),
    })
    .prefault({})
    .describe("JSON lines on standard output."),
});

export type Config = z.infer<typeof configSchema>;
export type RouteConfig = z.infer<typeof routeSchema>;
export type SmtpConfig = Config["smtp"];
export type ScanConfig = Config["scan"];

export const routeName = (route: RouteConfig): string => route.name ?? route.domains[0]?.replace(/^\*\./, "") ?? "";
