/** Tells the next hop who our client was: XFORWARD for its log, XCLIENT for its decisions (Postfix XFORWARD_README, XCLIENT_README). */
import { isIPv6 } from "node:net";
import type { Envelope } from "../core/message.ts";
import type { SmtpClient } from "./smtp-client.ts";

const longestValue = 255;
/** In two commands, since each line has 512 octets (RFC 5321 §4.5.3.1.4). */
const groups = [
  ["NAME", "ADDR", "PORT"],
  ["PROTO", "HELO", "IDENT", "SOURCE"],
] as const;
type Attribute = (typeof groups)[number][number];

/** RFC 3461 §4: octets other than "!" to "~" without "+" and "=" become "+XX". */
function xtext(value: string): string {
  const encoded = Buffer.from(value)
    .toString("latin1")
    .replace(/[^!-~]|[+=]/g, (octet) => `+${octet.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`);
  return encoded.slice(0, longestValue).replace(/\+.?$/, "");
}

function values({ client, queueId }: Envelope): Readonly<Record<Attribute, string>> {
  return {
    NAME: client.name ?? "[UNAVAILABLE]",
    ADDR: isIPv6(client.address) ? `IPV6:${client.address}` : client.address,
    PORT: String(client.port),
    // Both extensions know these two words only.
    PROTO: client.protocol === "SMTP" ? "SMTP" : "ESMTP",
    HELO: client.helo === "" ? "[UNAVAILABLE]" : client.helo,
    IDENT: queueId,
    SOURCE: "REMOTE",
  };
}

/** Only attributes that the hop names in its EHLO reply. */
function commands(verb: "XFORWARD" | "XCLIENT", envelope: Envelope, offered: string): string[] {
  const names = new Set(offered.toUpperCase().split(/\s+/));
  const all = values(envelope);
  return groups
    .map((group) => group.filter((name) => names.has(name)).map((name) => ` ${name}=${xtext(all[name])}`))
    .filter((pairs) => pairs.length > 0)
    .map((pairs) => `${verb}${pairs.join("")}`);
}

/** XFORWARD counts for the next transaction only, and may be pipelined with it. Empty if not wanted or not offered. */
export function forwardCommands(client: SmtpClient, envelope: Envelope): string[] {
  const offered = client.extensions.get("XFORWARD");
  return client.target.policy.pass_client !== "xforward" || offered === undefined
    ? []
    : commands("XFORWARD", envelope, offered);
}

/** XCLIENT makes the session that of our client: greeting and EHLO come anew, and the connection serves nobody else afterwards. */
export async function impersonate(client: SmtpClient, envelope: Envelope): Promise<void> {
  const offered = client.extensions.get("XCLIENT");
  if (client.target.policy.pass_client !== "xclient" || offered === undefined) return;
  for (const command of commands("XCLIENT", envelope, offered)) {
    client.isSpent = true;
    // A hop that does not believe us says 550; the message goes on under our own name.
    if ((await client.ask(command)).code === 220) await client.hello();
  }
}
