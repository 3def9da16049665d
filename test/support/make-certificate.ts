/** X.509 certificates for tests, made on the spot: signed by an authority of the test, expired, or self-signed. RFC 5280 in the least DER. */
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { isIP } from "node:net";

export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

const der = (tag: number, ...content: readonly Uint8Array[]): Buffer => {
  const body = Buffer.concat(content);
  const length = body.length;
  const long = length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...(length < 128 ? [length] : long)]), body]);
};
const sequence = (...content: readonly Uint8Array[]): Buffer => der(0x30, ...content);
const hex = (text: string): Buffer => Buffer.from(text, "hex");

const ecdsaWithSha256 = sequence(hex("06082a8648ce3d040302"));
const commonName = (name: string): Buffer =>
  sequence(der(0x31, sequence(hex("0603550403"), der(0x0c, Buffer.from(name)))));
const time = (at: Date): Buffer => der(0x18, Buffer.from(`${at.toISOString().replace(/[-:T]|\..*/g, "")}Z`));
const isAuthority = sequence(hex("0603551d13"), hex("0101ff"), der(0x04, sequence(hex("0101ff"))));

function altName(name: string): Buffer {
  const value = isIP(name) === 4 ? der(0x87, Buffer.from(name.split(".").map(Number))) : der(0x82, Buffer.from(name));
  return sequence(hex("0603551d11"), der(0x04, sequence(value)));
}

interface Wanted {
  readonly subject: string;
  readonly publicKey: KeyObject;
  readonly issuer: string;
  readonly signer: KeyObject;
  readonly extension: Buffer;
  readonly notAfter: Date;
}

const day = 86_400_000;

function issue({ subject, publicKey, issuer, signer, extension, notAfter }: Wanted): string {
  const body = sequence(
    der(0xa0, hex("020102")),
    der(0x02, Buffer.concat([hex("01"), randomBytes(8)])),
    ecdsaWithSha256,
    commonName(issuer),
    sequence(time(new Date(notAfter.getTime() - 30 * day)), time(notAfter)),
    commonName(subject),
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, sequence(extension)),
  );
  const signature = der(0x03, hex("00"), sign("sha256", body, signer));
  const base64 = sequence(body, ecdsaWithSha256, signature)
    .toString("base64")
    .replace(/.{1,64}/g, "$&\n");
  return `-----BEGIN CERTIFICATE-----\n${base64}-----END CERTIFICATE-----\n`;
}

const keyPair = () => generateKeyPairSync("ec", { namedCurve: "P-256" });
const pem = (key: KeyObject): string => key.export({ type: "pkcs8", format: "pem" }).toString();
const inDays = (days: number): Date => new Date(Date.now() + days * day);

/** An authority, and what it certifies for `name` (a host name or an IPv4 address). */
export function makeCertificates(name: string): {
  readonly ca: string;
  readonly good: Certificate;
  readonly expired: Certificate;
  readonly selfSigned: Certificate;
} {
  const root = keyPair();
  const leaf = keyPair();
  const common = { subject: name, publicKey: leaf.publicKey, extension: altName(name) };
  const byRoot = { ...common, issuer: "Test authority", signer: root.privateKey };
  const certificate = (cert: string): Certificate => ({ cert, key: pem(leaf.privateKey) });
  return {
    ca: issue({
      subject: "Test authority",
      publicKey: root.publicKey,
      issuer: "Test authority",
      signer: root.privateKey,
      extension: isAuthority,
      notAfter: inDays(20),
    }),
    good: certificate(issue({ ...byRoot, notAfter: inDays(20) })),
    expired: certificate(issue({ ...byRoot, notAfter: inDays(-2) })),
    selfSigned: certificate(issue({ ...common, issuer: name, signer: leaf.privateKey, notAfter: inDays(20) })),
  };
}
