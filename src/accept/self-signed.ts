/** A self-signed certificate for our own name: enough for opportunistic TLS, where nobody checks names (RFC 7435). */
import { generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { isIP } from "node:net";
import { parseAddress } from "../core/network.ts";
import { bitString, boolean, integer, objectId, octetString, sequence, set, tagged, time, utf8 } from "./der.ts";
import { asciiDomain } from "./path.ts";

const validDays = 3650;
/** RFC 5280 appendix A.1, ub-common-name. */
const longestCommonName = 64;

const oid = {
  commonName: "2.5.4.3",
  ecdsaWithSha256: "1.2.840.10045.4.3.2",
  subjectAltName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  keyUsage: "2.5.29.15",
  extKeyUsage: "2.5.29.37",
  serverAuth: "1.3.6.1.5.5.7.3.1",
} as const;

const extension = (id: string, isCritical: boolean, value: Buffer): Buffer =>
  sequence(objectId(id), ...(isCritical ? [boolean(true)] : []), octetString(value));

/** RFC 5280 §4.2.1.6: dNSName, or iPAddress if that is what we are called. */
function altName(hostname: string): Buffer {
  const version = isIP(hostname);
  if (version === 0) return tagged(0x82, Buffer.from(asciiDomain(hostname), "latin1"));
  const octets = (parseAddress(hostname) ?? []).flatMap((group) => [group >> 8, group & 255]);
  return tagged(0x87, Buffer.from(version === 4 ? octets.slice(12) : octets));
}

const pem = (label: string, der: Buffer): string =>
  `-----BEGIN ${label}-----\n${der.toString("base64").replace(/(.{64})(?=.)/g, "$1\n")}\n-----END ${label}-----\n`;

/** PEM texts. RFC 5280 §4.1; the key is P-256, which every client with TLS 1.2 knows. */
export function selfSigned(hostname: string, now: Date): { readonly cert: string; readonly key: string } {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const algorithm = sequence(objectId(oid.ecdsaWithSha256));
  const commonName = hostname.length > longestCommonName ? "Sallyport" : hostname;
  const name = sequence(set(sequence(objectId(oid.commonName), utf8(commonName))));
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 127) | 64;
  const extensions = sequence(
    extension(oid.subjectAltName, false, sequence(altName(hostname))),
    extension(oid.basicConstraints, true, sequence()),
    extension(oid.keyUsage, true, bitString(Buffer.of(0x80), 7)),
    extension(oid.extKeyUsage, false, sequence(objectId(oid.serverAuth))),
  );
  const body = sequence(
    tagged(0xa0, integer(Buffer.of(2))),
    integer(serial),
    algorithm,
    name,
    sequence(time(new Date(now.getTime() - 3_600_000)), time(new Date(now.getTime() + validDays * 86_400_000))),
    name,
    publicKey.export({ type: "spki", format: "der" }),
    tagged(0xa3, extensions),
  );
  const certificate = sequence(body, algorithm, bitString(sign("sha256", body, privateKey)));
  return { cert: pem("CERTIFICATE", certificate), key: privateKey.export({ type: "pkcs8", format: "pem" }) };
}
