/** Contradictions that no single setting shows: each names the setting to change and what to do. */
import { existsSync } from "node:fs";
import { clusterComplaints, clusterFiles } from "./config-cluster.ts";
import { type Config, type RouteConfig, routeName } from "./config-schema.ts";
import { parseAddress } from "./core/network.ts";

type Complaint = readonly [path: readonly PropertyKey[], message: string];

interface HostPort {
  readonly host: string;
  readonly port: number;
}

function split(text: string): HostPort {
  const colon = text.lastIndexOf(":");
  return {
    host: text
      .slice(0, colon)
      .replace(/^\[|\]$/g, "")
      .toLowerCase(),
    port: Number(text.slice(colon + 1)),
  };
}

const isAny = (host: string): boolean => host === "0.0.0.0" || host === "::";
const isLoopback = (host: string): boolean => host === "localhost" || host === "::1" || host.startsWith("127.");

/** Port 0 is any free port and meets nobody. */
function meets(listen: HostPort, other: HostPort): boolean {
  if (listen.port === 0 || listen.port !== other.port) return false;
  return listen.host === other.host || isAny(listen.host) || isAny(other.host);
}

/** Would a connection to `hop` end at our own listener? */
function isOurs(hop: HostPort, listen: HostPort, ourName: string): boolean {
  if (listen.port !== hop.port) return false;
  if (listen.host === hop.host || (isLoopback(listen.host) && hop.host === "localhost")) return true;
  return isAny(listen.host) && (isLoopback(hop.host) || hop.host === ourName.toLowerCase());
}

function* duplicates(routes: readonly RouteConfig[]): Generator<Complaint> {
  const domains = new Map<string, string>();
  const names = new Map<string, number>();
  for (const [r, route] of routes.entries()) {
    const name = routeName(route);
    for (const [d, domain] of route.domains.entries()) {
      const other = domains.get(domain);
      if (other !== undefined) yield [["routes", r, "domains", d], `${domain} belongs to route ${other} already`];
      domains.set(domain, name);
    }
    const before = names.get(name);
    if (before !== undefined && (route.name !== undefined || !domains.has(name)))
      yield [["routes", r, "name"], `${name} is the name of routes[${before}] too; give one of them a \`name\``];
    names.set(name, r);
  }
}

function* routeComplaints(config: Config, route: RouteConfig, path: readonly PropertyKey[]): Generator<Complaint> {
  const listeners = config.listen.smtp.map(split);
  for (const text of route.next_hop) {
    const hop = split(text);
    if (hop.port === 0) yield [[...path, "next_hop"], `${text}: nobody listens on port 0`];
    if (listeners.some((listen) => isOurs(hop, listen, config.hostname)))
      yield [[...path, "next_hop"], `${text} is our own listener: messages would go round in a loop`];
    if (route.tls === "verified" && parseAddress(hop.host) !== null)
      yield [
        [...path, "tls"],
        `a certificate names a host, and ${text} is an address; name the host or use \`required\``,
      ];
  }
  if (route.tls_ca !== undefined) yield* missing(route.tls_ca, [...path, "tls_ca"], "file");
  const { first, longest, expire } = route.retry;
  if (first > longest) yield [[...path, "retry", "first"], "must not be longer than `longest`"];
  if (longest > expire) yield [[...path, "retry", "longest"], "must not be longer than `expire`"];
}

function* missing(file: string, path: readonly PropertyKey[], kind: string, remedy = ""): Generator<Complaint> {
  if (!existsSync(file)) yield [path, `${kind} ${file} does not exist${remedy}`];
}

function* listenComplaints({ listen }: Config): Generator<Complaint> {
  const smtp = listen.smtp.map(split);
  for (const [i, one] of smtp.entries())
    if (smtp.slice(0, i).some((other) => meets(one, other)))
      yield [["listen", "smtp"], `${listen.smtp[i]} is listened on twice`];
  const { web } = listen;
  if (web !== null && smtp.some((one) => meets(split(web), one)))
    yield [["listen", "web"], `${web} is taken by \`smtp\`; choose another port`];
}

function* fileComplaints(config: Config): Generator<Complaint> {
  const { cert, key } = config.smtp.tls;
  if (cert !== undefined && key === undefined) yield [["smtp", "tls", "cert"], "has no `key` beside it"];
  if (key !== undefined && cert === undefined) yield [["smtp", "tls", "key"], "has no `cert` beside it"];
  if (cert !== undefined) yield* missing(cert, ["smtp", "tls", "cert"], "file");
  if (key !== undefined) yield* missing(key, ["smtp", "tls", "key"], "file");
  if (config.policy !== undefined)
    yield* missing(config.policy, ["policy"], "file", "; leave `policy` out for the built-in one");
  for (const [i, folder] of config.rules.entries())
    yield* missing(folder, ["rules", i], "folder", "; write `rules: []` to run without");
}

/** Of servers that the gateway talks to. */
function* serverComplaints(config: Config): Generator<Complaint> {
  const { catalog } = config;
  if (catalog?.password_file !== undefined) yield* missing(catalog.password_file, ["catalog", "password_file"], "file");
  if (catalog?.tls_ca !== undefined) yield* missing(catalog.tls_ca, ["catalog", "tls_ca"], "file");
  for (const [key, file] of clusterFiles(config)) yield* missing(file, key, "file");
  yield* clusterComplaints(config);
}

/** Expects absolute paths. */
export function* configComplaints(config: Config): Generator<Complaint> {
  yield* duplicates(config.routes);
  for (const [r, route] of config.routes.entries()) yield* routeComplaints(config, route, ["routes", r]);
  yield* listenComplaints(config);
  yield* fileComplaints(config);
  yield* serverComplaints(config);
  if (config.scan.limits.member_size > config.scan.limits.bytes)
    yield [["scan", "limits", "member_size"], "must not be more than `bytes`, which holds for all members together"];
  if (config.smtp.header_size > config.smtp.message_size)
    yield [["smtp", "header_size"], "must not be more than `message_size`"];
}
