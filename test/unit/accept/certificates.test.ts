import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { copyFile, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { openCertificates } from "../../../src/accept/certificates.ts";
import { selfSigned } from "../../../src/accept/self-signed.ts";
import { configSchema } from "../../../src/config-schema.ts";
import { isGatewayError } from "../../../src/core/errors.ts";
import { systemClock } from "../../../src/observe/clock.ts";
import { createLog } from "../../../src/observe/log.ts";
import { temporaryFolder } from "../../support/spool.ts";

const now = new Date("2026-11-22T00:00:00Z");

function open(dir: string, tls: { cert?: string; key?: string } = {}, lines: string[] = []) {
  const config = configSchema.parse({
    hostname: "gateway.test",
    data_dir: dir,
    routes: [{ domains: ["a.test"], next_hop: "127.0.0.1:1" }],
    smtp: { tls },
  });
  return openCertificates(config, systemClock, createLog("info", { write: (line) => void lines.push(line) }));
}

async function ownFiles(t: TestContext, made: { cert: string; key: string }) {
  const dir = await temporaryFolder(t);
  const files = { cert: join(dir, "c.pem"), key: join(dir, "k.pem") };
  await writeFile(files.cert, made.cert);
  await writeFile(files.key, made.key);
  return { dir, files };
}

test("a self-signed certificate names us, fits its key, and lasts ten years", () => {
  for (const [hostname, san] of [
    ["gateway.test", "DNS:gateway.test"],
    ["bücher.test", "DNS:xn--bcher-kva.test"],
    ["192.0.2.1", "IP Address:192.0.2.1"],
    ["2001:db8::1", "IP Address:2001:DB8:0:0:0:0:0:1"],
    [`${"a".repeat(60)}.gateway.test`, `DNS:${"a".repeat(60)}.gateway.test`],
  ] as const) {
    const certificate = new X509Certificate(selfSigned(hostname, now).cert);
    assert.equal(certificate.subjectAltName, san);
    assert.ok(certificate.verify(certificate.publicKey));
    assert.ok(!certificate.ca);
    assert.deepEqual(certificate.keyUsage, ["1.3.6.1.5.5.7.3.1"]);
    assert.equal(certificate.validToDate.getUTCFullYear(), 2036);
  }
});

test("validity beyond 2049 is written in four digits", () => {
  const certificate = new X509Certificate(selfSigned("gateway.test", new Date("2045-01-01T00:00:00Z")).cert);
  assert.equal(certificate.validToDate.getUTCFullYear(), 2054);
});

test("the first start makes a pair that only we can read, and the next start uses it", async (t) => {
  const dir = await temporaryFolder(t);
  const first = await open(dir);
  assert.equal((await stat(join(dir, "tls", "key.pem"))).mode & 0o777, 0o600);
  assert.equal((await stat(join(dir, "tls"))).mode & 0o777, 0o700);
  assert.equal((await open(dir)).current.cert, first.current.cert);
});

test("half a pair, or one of ours that has expired, is made anew", async (t) => {
  const dir = await temporaryFolder(t);
  const first = await open(dir);
  await rm(join(dir, "tls", "cert.pem"));
  const second = await open(dir);
  assert.notEqual(second.current.key, first.current.key);
  const old = selfSigned("gateway.test", new Date("2001-01-01T00:00:00Z"));
  await writeFile(join(dir, "tls", "cert.pem"), old.cert);
  await writeFile(join(dir, "tls", "key.pem"), old.key);
  assert.ok(new X509Certificate((await open(dir)).current.cert).validToDate > new Date());
});

test("files that change are read again; a pair that does not fit changes nothing", async (t) => {
  const { dir, files } = await ownFiles(t, selfSigned("one.test", new Date()));
  const lines: string[] = [];
  const certificates = await open(dir, files, lines);
  assert.equal(await certificates.refresh(), false);
  const two = selfSigned("two.test", new Date());
  await writeFile(`${files.cert}.new`, two.cert);
  await copyFile(`${files.cert}.new`, files.cert);
  assert.equal(await certificates.refresh(), false);
  assert.match(new X509Certificate(certificates.current.cert).subject, /one\.test/);
  assert.match(lines.join(""), /certificate_unreadable/);
  await writeFile(files.key, two.key);
  assert.equal(await certificates.refresh(), true);
  assert.match(new X509Certificate(certificates.current.cert).subject, /two\.test/);
  await rm(files.key);
  assert.equal(await certificates.refresh(), false);
  assert.equal(certificates.current.cert, await readFile(files.cert, "utf8"));
});

test("an expired certificate is used, with a warning", async (t) => {
  const { dir, files } = await ownFiles(t, selfSigned("old.test", new Date("2001-01-01T00:00:00Z")));
  const lines: string[] = [];
  await open(dir, files, lines);
  assert.match(lines.join(""), /"event":"certificate_expires".*"days_left":-\d+/);
});

test("what cannot be used at the start is named", async (t) => {
  const { dir, files } = await ownFiles(t, selfSigned("one.test", new Date()));
  await assert.rejects(open(dir, { cert: files.cert }), (error) => isGatewayError(error, "CONFIG_INVALID"));
  await assert.rejects(open(dir, { ...files, key: join(dir, "none.pem") }), (error) =>
    isGatewayError(error, "CONFIG_UNREADABLE"),
  );
  await writeFile(files.key, "nonsense");
  await assert.rejects(open(dir, files), (error) => isGatewayError(error, "CONFIG_UNREADABLE"));
});
