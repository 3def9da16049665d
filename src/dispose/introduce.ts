/** Tells the next hop who our client was: XFORWARD for its log, XCLIENT for its decisions (Postfix XFORWARD_README, XCLIENT_README). */
import { isIPv6 } from "node:net";
import type { Envelope } from "../core/message.ts";
import type { SmtpClient } from "./smtp-client.ts";

/** Short enough for all of them in one line of 512 octets (RFC 5321 §4.5.3.1.4). */
const longestValue = 180;
const attributes = ["NAME", "ADDR", "PORT", "PROTO", "HELO", "IDENT", "SOURCE"] as const;
type Attribute = (typeof attributes)[number];

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

/** With the attributes that the hop names in its EHLO reply; null if that is none. */
function command(client: SmtpClient, verb: "XFORWARD" | "XCLIENT", envelope: Envelope): string | null {
  const offered = client.extensions.get(verb)?.toUpperCase().split(/\s+/) ?? [];
  const all = values(envelope);
  const pairs = attributes.filter((name) => offered.includes(name)).map((name) => ` ${name}=${xtext(all[name])}`);
  return client.target.policy.pass_client === verb.toLowerCase() && pairs.length > 0
    ? `${verb}${pairs.join("")}`
    : null;
}

/** XFORWARD counts for the next transaction only, and may be pipelined with it. Null if not wanted or not offered. */
export const forwardCommand = (client: SmtpClient, envelope: Envelope): string | null =>
  command(client, "XFORWARD", envelope);

/** XCLIENT makes the session that of our client: it starts anew with EHLO, and the connection serves nobody else afterwards. */
export async function impersonate(client: SmtpClient, envelope: Envelope): Promise<void> {
  const xclient = command(client, "XCLIENT", envelope);
  if (xclient === null) return;
  client.isSpent = true;
  // A hop that does not believe us says 550; the message goes on under our own name.
  if ((await client.ask(xclient)).code !== 220) return;
  const { helo } = envelope.client;
  // Postfix takes the name from this EHLO, whatever XCLIENT has said before.
  await client.hello(/^[!-~]{1,255}$/.test(helo) ? helo : client.target.hostname);
}
