/** Password archives as Japan sends them: the archive first, its password in a second message; and nothing of the password stays behind. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { eicar, zip } from "../../fixtures/make.ts";
import { eventually } from "../support/eventually.ts";
import { type FakeNextHop, startFakeNextHop } from "../support/fake-next-hop.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { send } from "../support/send.ts";

const policy = (hold: string): string => `version: 1
rules:
  - name: dangerous
    if: { severity: high }
    then: quarantine
  - name: waits-for-its-password
    if: { outcome: encrypted }
    then: hold
    for: ${hold}
  - name: stayed-closed
    if: { outcome: encrypted }
    then: forward
    tags: [encrypted]
  - name: not-inspected
    if: { outcome: incomplete }
    then: quarantine
  - name: default
    then: forward
`;

const eicarRule = `rule eicar { meta: severity = "critical" strings: $a = "EICAR-STANDARD-ANTIVIRUS-TEST-FILE" condition: $a }`;

const withZip = (subject: string, archive: Buffer): Buffer =>
  Buffer.from(
    [
      "From: Tanaka <tanaka@partner.test>",
      `Subject: ${subject}`,
      "MIME-Version: 1.0",
      "Content-Type: multipart/mixed; boundary=b",
      "",
      "--b",
      "Content-Type: text/plain; charset=utf-8",
      "",
      "添付ファイルをお送りします。パスワードは別途お送りします。",
      "--b",
      'Content-Type: application/zip; name="report.zip"',
      "Content-Transfer-Encoding: base64",
      "",
      ...(archive.toString("base64").match(/.{1,76}/g) ?? []),
      "--b--",
      "",
    ].join("\r\n"),
  );
const withPassword = (password: string): Buffer =>
  Buffer.from(
    `From: Tanaka <tanaka@partner.test>\r\nSubject: password\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n先ほどのパスワードは以下のとおりです。\r\n\r\n${password}\r\n`,
  );

/** Files below a folder that hold the text, in any of the encodings in which a program would write it. */
function filesWith(folder: string, text: string): readonly string[] {
  const needles = [
    Buffer.from(text),
    Buffer.from(text, "utf16le"),
    Buffer.from(Buffer.from(text).toString("base64").slice(0, -4)),
  ];
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((file) => statSync(file).isFile())
    .filter((file) => {
      const bytes = readFileSync(file);
      return needles.some((needle) => bytes.includes(needle));
    });
}

describe("password archives", { concurrency: false }, () => {
  let hop: FakeNextHop;
  let gateway: Gateway;
  const dir = mkdtempSync(join(tmpdir(), "ppap-"));
  const file = join(dir, "policy.yaml");

  const start = async (hold: string): Promise<Gateway> => {
    writeFileSync(file, policy(hold));
    return startGateway({
      dir,
      nextHop: `127.0.0.1:${hop.port}`,
      route: "verify_recipients: false",
      rules: [join(dir, "rules")],
      more: `policy: ${file}`,
    });
  };
  const mailFrom = { from: "tanaka@partner.test" };
  const arrived = (subject: string) =>
    eventually(subject, () => hop.messages.find(({ octets }) => octets.includes(`Subject: ${subject}\r\n`)));
  const said = (event: string, id: string) =>
    gateway.log().some((line) => line["event"] === event && line["queue_id"] === id);
  const idOf = (reply: string | null): string => /[0-9A-Z]{26}/.exec(reply ?? "")?.[0] ?? "";

  before(async () => {
    hop = await startFakeNextHop();
    mkdirSync(join(dir, "rules", "test"), { recursive: true });
    writeFileSync(join(dir, "rules", "test", "eicar.yar"), eicarRule);
    gateway = await start("2h");
  });
  after(async () => {
    await gateway.stop();
    await hop[Symbol.asyncDispose]();
    gateway.cleanUp();
  });

  it("are held, and forwarded once the second message has brought the password", async () => {
    const password = "Qz7!kiku-4Momo";
    const held = await send(
      gateway.smtp,
      withZip("a report", zip([{ name: "report.txt", data: "Fine.", password }])),
      mailFrom,
    );
    assert.match(held.reply ?? "", /^250/);
    assert.equal(hop.messages.length, 0);
    await send(gateway.smtp, withPassword(password), mailFrom);
    const first = await arrived("a report");
    assert.ok(!first.octets.subarray(0, 2000).includes("encrypted"), "no tag says that it stayed closed");
    await arrived("password");
    await eventually("its last line", () => said("forwarded", idOf(held.reply)));
    const log = JSON.stringify(gateway.log());
    assert.ok(!log.includes(password) && !gateway.errors().includes(password));
    assert.deepEqual(filesWith(join(dir, "data"), password), []);
  });

  it("are quarantined when the password shows what is in them", async () => {
    const password = "Rw3!natsu-9Umi";
    const held = await send(
      gateway.smtp,
      withZip("a trap", zip([{ name: "note.txt", data: eicar(), password }])),
      mailFrom,
    );
    await send(gateway.smtp, withPassword(password), mailFrom);
    await eventually("quarantine", () => said("quarantined", idOf(held.reply)));
    assert.ok(!hop.messages.some(({ octets }) => octets.includes("Subject: a trap")));
    assert.deepEqual(filesWith(join(dir, "data"), password), []);
  });

  it("are opened by a password that came first, also after a restart", async () => {
    const password = "Tb5!haru-2Yuki";
    await send(gateway.smtp, withPassword(password), mailFrom);
    await gateway.stop();
    gateway = await start("2h");
    const sent = await send(
      gateway.smtp,
      withZip("came later", zip([{ name: "a.txt", data: "x", password }])),
      mailFrom,
    );
    assert.match(sent.reply ?? "", /^250/);
    await arrived("came later");
    const [key = 0, folder = 0] = ["words.key", "words"].map((name) => statSync(join(dir, "data", name)).mode & 0o777);
    assert.deepEqual([key, folder], [0o600, 0o700]);
  });

  it("stay closed to others: words of strangers are not tried", async () => {
    const password = "Uc6!aki-8Tsuki";
    const stranger = withPassword(password).toString().replace("tanaka@partner.test", "someone@elsewhere.test");
    await send(gateway.smtp, Buffer.from(stranger), { from: "someone@elsewhere.test" });
    const held = await send(
      gateway.smtp,
      withZip("not yours", zip([{ name: "a.txt", data: "x", password }])),
      mailFrom,
    );
    assert.match(held.reply ?? "", /queued as/);
    assert.ok(!hop.messages.some(({ octets }) => octets.includes("Subject: not yours")));
  });

  it("go by the line below when the time is over", async () => {
    await gateway.stop();
    gateway = await start("2s");
    await send(gateway.smtp, withZip("forgotten", zip([{ name: "a.txt", data: "x", password: "Vd7!fuyu" }])), mailFrom);
    const { octets } = await arrived("forgotten");
    assert.ok(octets.includes("encrypted"), "the tag of that line");
  });
});
