import assert from "node:assert/strict";
import { test } from "node:test";
import type { Part } from "../../../../src/core/message.ts";
import { encryptionInspector } from "../../../../workers/inspectors/encryption.ts";
import { fileTypeInspector } from "../../../../workers/inspectors/file-type.ts";
import { attachment } from "../../../support/part.ts";

const pe = "application/vnd.microsoft.portable-executable";
const docx = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
const vba = "application/vnd.ms-office.vbaproject";

/** What is found when octets of these types bear this name and were declared so. */
async function judge(
  types: readonly string[],
  name: string,
  declared = "application/octet-stream",
  given: Partial<Part> = {},
): Promise<readonly string[]> {
  const part = attachment(Buffer.alloc(0), {
    types,
    names: name === "" ? [] : [name],
    declaredTypes: [declared],
    ...given,
  });
  const outcome = await fileTypeInspector.inspect(part, Buffer.alloc(0), {});
  return outcome.kind === "found"
    ? outcome.findings.map(({ severity, rule }) => `${severity} ${rule.slice("type.".length)}`)
    : [];
}

test("ordinary mail is clean", async () => {
  const ordinary: readonly (readonly [type: string, name: string, declared?: string])[] = [
    [docx, "report.docx"],
    [docx, "report.docx", "application/zip"],
    [docx, "report.doc", "application/msword"],
    [docx, "", docx],
    ["application/msword", "report.docx"],
    ["application/pdf", "REPORT.PDF", "application/x-pdf"],
    ["application/pdf", "report", "application/pdf"],
    ["image/png", "photo.jpg", "image/jpeg"],
    ["image/jpeg", "photo", "image/pjpeg"],
    ["text/plain", "table.csv", "text/csv"],
    ["text/plain", "table.csv", "application/vnd.ms-excel"],
    ["text/html", "page.txt", "text/plain"],
    ["text/plain", "notes", "text/html"],
    ["text/xml", "data.xml", "application/octet-stream"],
    ["application/zip", "things.zip", "application/x-zip-compressed"],
    ["application/vnd.rar", "things.zip"],
    [docx, "report.zip"],
    ["application/vnd.ms-tnef", "winmail.dat", "application/ms-tnef"],
    ["message/rfc822", "mail.eml", "message/rfc822"],
    ["application/pkcs7-signature", "smime.p7s", "application/pkcs7-signature"],
    ["application/octet-stream", "data.bin"],
    ["application/x-empty", "empty.pdf"],
    ["image/heic", "photo.jpg", "image/jpeg"],
    ["text/calendar", "invite.ics", "text/calendar"],
    ["text/plain", "key.asc", "application/pgp-keys"],
  ];
  for (const [type, name, declared] of ordinary)
    assert.deepEqual(await judge([type], name, declared), [], `${type} as ${name}`);
});

test("a program is high, and critical if name or declared type speak of something to read", async () => {
  assert.deepEqual(await judge([pe], "setup.exe"), ["high executable"]);
  assert.deepEqual(await judge([pe], ""), ["high executable"]);
  assert.deepEqual(await judge([pe], "data.001"), ["high executable"]);
  assert.deepEqual(await judge([pe], "invoice.pdf"), ["critical executable-disguised"]);
  assert.deepEqual(await judge([pe], "photo.jpg"), ["critical executable-disguised"]);
  assert.deepEqual(await judge([pe], "setup.exe", "image/png"), ["critical executable-disguised"]);
  assert.deepEqual(await judge(["application/x-elf"], "notes.txt", "text/plain"), ["critical executable-disguised"]);
});

test("classes in a zip run only under their own extension", async () => {
  assert.deepEqual(await judge(["application/java-archive"], "library.zip"), []);
  assert.deepEqual(await judge(["application/java-archive"], "tool.jar"), ["high executable"]);
});

test("scripts and shortcuts are grave unless they are opened as text", async () => {
  assert.deepEqual(await judge(["text/javascript"], "invoice.js"), ["high script"]);
  assert.deepEqual(await judge(["text/vbscript"], ""), ["high script"]);
  assert.deepEqual(await judge(["text/javascript"], "invoice.pdf"), ["high script"]);
  assert.deepEqual(await judge(["text/javascript"], "example.txt"), ["info script"]);
  assert.deepEqual(await judge(["text/x-shellscript"], "", "text/plain"), ["info script"]);
  assert.deepEqual(await judge(["application/x-ms-shortcut"], "report.lnk"), ["high shortcut"]);
  assert.deepEqual(await judge(["application/x-mswinurl"], "site.url"), ["high shortcut"]);
});

test("macros are medium, and high where the name promises a document without", async () => {
  assert.deepEqual(await judge(["application/vnd.ms-word.document.macroenabled.12", vba], "macros.docm"), [
    "medium macro-document",
  ]);
  assert.deepEqual(await judge([docx, vba], "report.docx"), ["high macro-document"]);
  assert.deepEqual(await judge(["application/vnd.ms-excel", "application/vnd.ms-excel.macrosheet+xml"], "table.xls"), [
    "high macro-document",
  ]);
});

test("several things at once are a polyglot, unless it is an archive that unpacks itself", async () => {
  assert.deepEqual(await judge(["image/jpeg", "application/zip"], "photo.jpg"), ["high polyglot"]);
  assert.deepEqual(await judge(["image/jpeg", "text/html"], "photo.jpg"), ["medium polyglot"]);
  assert.deepEqual(await judge(["application/pdf", "application/x-mimearchive"], "order.pdf"), ["high polyglot"]);
  assert.deepEqual(await judge([pe, "application/zip"], "archive.exe"), ["high executable"]);
});

test("content that is not what the name says is a mismatch, by how grave it is", async () => {
  assert.deepEqual(await judge(["application/zip"], "report.docx"), ["medium mismatch"]);
  assert.deepEqual(await judge(["text/html"], "photo.jpg"), ["medium mismatch"]);
  assert.deepEqual(await judge(["text/html"], "statement.pdf"), ["low mismatch"]);
  assert.deepEqual(await judge(["text/html"], "export.xls"), ["info mismatch"]);
  assert.deepEqual(await judge(["application/zip"], "", "image/jpeg"), ["medium mismatch"]);
});

test("disk images are medium", async () => {
  assert.deepEqual(await judge(["application/x-iso9660-image"], "disk.iso"), ["medium disk-image"]);
});

test("the message itself is not asked for its type", () => {
  assert.equal(fileTypeInspector.wants(attachment(Buffer.alloc(0), { role: "message" })), false);
});

test("an encrypted document is incomplete, never clean", async () => {
  const part = attachment(Buffer.alloc(0), { types: ["application/msword", "application/x-encrypted-document"] });
  assert.equal(encryptionInspector.wants(part), true);
  const outcome = await encryptionInspector.inspect(part, Buffer.alloc(0), {});
  assert.equal(outcome.kind === "incomplete" && outcome.why, "encrypted");
  assert.equal(encryptionInspector.wants({ ...part, types: ["application/msword"] }), false);
});
