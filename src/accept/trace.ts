/** The Received field (RFC 5321 §4.4), and counting those that are there already. */
import type { Client } from "../core/message.ts";
import { asciiDomain } from "./path.ts";

export interface Trace {
  readonly client: Client;
  readonly hostname: string;
  readonly queueId: string;
  /** Named only if it is the one recipient: others must not learn of each other (RFC 5321 §7.2). Not if it is quoted either. */
  readonly forwardPaths: readonly string[];
  readonly at: Date;
}

const days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const two = (number: number): string => String(number).padStart(2, "0");

/** RFC 5322 §3.3, in UTC. */
export function dateTime(at: Date): string {
  const day = `${days[at.getUTCDay()]}, ${at.getUTCDate()} ${months[at.getUTCMonth()]} ${at.getUTCFullYear()}`;
  return `${day} ${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())} +0000`;
}

/** The client's words: nothing that could end a comment, a clause or a line. */
const tame = (text: string): string => text.replace(/[^0-9A-Za-z.:_[\]-]/g, "?").slice(0, 255);

/** RFC 5321 §4.1.3. */
const literal = (address: string): string => (address.includes(":") ? `[IPv6:${address}]` : `[${address}]`);

/** Folded before each clause, with its last CRLF. */
export function receivedField({ client, hostname, queueId, forwardPaths, at }: Trace): string {
  const only = forwardPaths.length === 1 ? (forwardPaths[0] ?? "") : "";
  const isPlain = /^[^\s"\\<>()]+$/.test(only);
  const name = client.name === null ? "" : `${tame(client.name)} `;
  const clauses = [
    `Received: from ${tame(client.helo) || "unknown"} (${name}${literal(tame(client.address))})`,
    ...(client.tls === null ? [] : [`(using ${client.tls.replace(/[^0-9A-Za-z._ -]/g, "?")})`]),
    `by ${tame(asciiDomain(hostname))} with ${client.protocol} id ${queueId}`,
    ...(isPlain ? [`for <${only}>`] : []),
  ];
  return `${clauses.join("\r\n\t")};\r\n\t${dateTime(at)}\r\n`;
}

/** RFC 5321 §6.3. `header` is latin1 text up to the first empty line. */
export const countReceived = (header: string): number => header.match(/^received[ \t]*:/gim)?.length ?? 0;
