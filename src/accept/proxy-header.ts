/** The PROXY protocol, versions 1 and 2, as bytes: who the client behind a balancer is. (The library reads version 1 only.) */
import { isIP } from "node:net";

/** `more`: not complete yet. `bad`: no PROXY header. A header without a source (UNKNOWN, LOCAL, a UNIX socket) leaves the connection's own address. */
export type ProxyHeader =
  | { readonly kind: "more" }
  | { readonly kind: "bad" }
  | {
      readonly kind: "header";
      readonly source: { readonly address: string; readonly port: number } | null;
      readonly length: number;
    };

const more: ProxyHeader = { kind: "more" };
const bad: ProxyHeader = { kind: "bad" };

/** Specification §2.1: 107 octets with CRLF. */
const longestLine = 107;
/** Specification §2.2. */
const signature = Buffer.from("0d0a0d0a000d0a515549540a", "hex");
const fixedPart = 16;
/** TLVs may follow the addresses; more than this nobody sends. */
const longestBinary = 4096;

/** Both kinds of addresses and ports, exactly as §2.1 has them; the target is of no use but must be right. */
const textual = /^PROXY (TCP[46]) ([0-9a-fA-F.:]+) ([0-9a-fA-F.:]+) (\d{1,5}) \d{1,5}$/;

function readLine(octets: Buffer): ProxyHeader {
  const end = octets.subarray(0, longestLine).indexOf("\r\n");
  if (end === -1) return octets.length >= longestLine ? bad : more;
  const line = octets.toString("latin1", 0, end);
  if (/^PROXY UNKNOWN( |$)/.test(line)) return { kind: "header", source: null, length: end + 2 };
  const [, family, address = "", target = "", port = ""] = textual.exec(line) ?? [];
  const version = family === "TCP4" ? 4 : 6;
  if (isIP(address) !== version || isIP(target) !== version || Number(port) > 65_535) return bad;
  return { kind: "header", source: { address, port: Number(port) }, length: end + 2 };
}

function ipv6(octets: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, i) => octets.readUInt16BE(i * 2).toString(16));
  return groups.join(":");
}

function readBinary(octets: Buffer): ProxyHeader {
  if (octets.length < fixedPart) return more;
  const version = octets.readUInt8(12) >> 4;
  const command = octets.readUInt8(12) & 15;
  const family = octets.readUInt8(13);
  const size = octets.readUInt16BE(14);
  if (version !== 2 || command > 1 || size > longestBinary) return bad;
  const length = fixedPart + size;
  if (octets.length < length) return more;
  const body = octets.subarray(fixedPart, length);
  if (command === 0) return { kind: "header", source: null, length };
  if (family === 0x11)
    return size < 12
      ? bad
      : { kind: "header", source: { address: body.subarray(0, 4).join("."), port: body.readUInt16BE(8) }, length };
  if (family === 0x21)
    return size < 36 ? bad : { kind: "header", source: { address: ipv6(body), port: body.readUInt16BE(32) }, length };
  return { kind: "header", source: null, length };
}

/** Reads the beginning of a connection. */
export function readProxyHeader(octets: Buffer): ProxyHeader {
  const known = Math.min(octets.length, signature.length);
  if (octets.subarray(0, known).equals(signature.subarray(0, known)))
    return known < signature.length ? more : readBinary(octets);
  const word = Buffer.from("PROXY ");
  const begun = Math.min(octets.length, word.length);
  return octets.subarray(0, begun).equals(word.subarray(0, begun)) ? readLine(octets) : bad;
}
