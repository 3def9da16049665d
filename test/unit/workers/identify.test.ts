import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { test } from "node:test";
import { docx, docxFiles, jpeg, ole, pdf, png, xlsx } from "../../../fixtures/documents.ts";
import { gzip, peStub, tar, zip } from "../../../fixtures/make.ts";
import { createIdentifier } from "../../../workers/identify.ts";
import { holdsFiles, typeInfo } from "../../../workers/identify/types.ts";
import { executableAt } from "../../../workers/formats/pe.ts";

const { identify, version } = await createIdentifier();
const typesOf = (bytes: Buffer | string, role: "attachment" | "body" | "message" = "attachment") =>
  identify(Buffer.from(bytes), role);

/** Content, and the types that it must have, in this order. */
async function expectTypes(rows: readonly (readonly [string | Buffer, ...string[]])[]): Promise<void> {
  for (const [content, ...types] of rows)
    assert.deepEqual(await typesOf(content), types, JSON.stringify(content.toString("latin1").slice(0, 60)));
}

test("names the versions of both detectors, since other versions may see other types", () => {
  assert.match(version, /^identify \d+, file-type \d+\.\d+\.\d+, wasmagic \d+\.\d+\.\d+$/);
});

test("a whole message is not looked into: the dissector has taken it apart", async () => {
  assert.deepEqual(await typesOf(zip([{ name: "a", data: "b" }]), "message"), ["message/rfc822"]);
});

test("archives that nothing here opens are known as archives: what is in them is incomplete, not clean", async () => {
  const rest = "\0".repeat(600);
  const rows: readonly (readonly [string, string])[] = [
    ["\x04\x22\x4d\x18", "application/x-lz4"],
    ["ZOO 2.10 Archive.\x1a\0\0\xdc\xa7\xc4\xfd", "application/x-zoo"],
    ["SIT!\0\x01", "application/x-stuffit"],
    ["StuffIt (c)1997-2002 Aladdin Systems, Inc.\0", "application/x-stuffit"],
    ["(This file must be converted with BinHex 4.0)\r\n\r\n:", "application/mac-binhex40"],
  ];
  for (const [start, type] of rows) {
    assert.ok((await typesOf(Buffer.from(start + rest, "latin1"))).includes(type), type);
    assert.ok(holdsFiles(type), type);
  }
});

test("a body is HTML or plain text, whatever code it quotes", async () => {
  assert.deepEqual(await typesOf("#!/bin/sh\necho one\n", "body"), ["text/plain"]);
  assert.deepEqual(await typesOf("<html><body>x</body></html>", "body"), ["text/html"]);
  assert.deepEqual(await typesOf(peStub(), "body"), ["application/vnd.microsoft.portable-executable"]);
});

test("prose is plain text, also when it looks like the start of something", async () => {
  await expectTypes([
    ["MZ is how programs begin, and this is not one.", "text/plain"],
    ["BZh and Cr24 and FWS are marks; CWS too.", "text/plain"],
    ["CWS-1 is a ship.", "text/plain"],
    [
      "We set the values in the table: name = value; from now on import them.\nFrom there, call the office.\n",
      "text/plain",
    ],
    ["Dim lights are set in the function room. Please get and start early; end if late.\n", "text/plain"],
    ["Text about %PDF-1.4 headers is not a PDF document.", "text/plain"],
    ["日本語の文章です。", "text/plain"],
    ["subject,body\nFrom: here,To: there\n", "text/plain"],
  ]);
});

test("scripts are told by their marks, in UTF-16 and behind a byte order mark too", async () => {
  const vbs = 'On Error Resume Next\r\nSet x = CreateObject("WScript.Shell")\r\n';
  const ps1 = "$client = New-Object System.Net.WebClient\r\nInvoke-Expression $x\r\n";
  await expectTypes([
    [vbs, "text/vbscript"],
    [Buffer.from(`\ufeff${vbs}`, "utf16le"), "text/vbscript"],
    [Buffer.from(vbs, "utf16le"), "text/vbscript"],
    [Buffer.from(`\ufeff${vbs}`, "utf16le").swap16(), "text/vbscript"],
    [Buffer.from(`\ufeff${vbs}`), "text/vbscript"],
    [ps1, "text/x-powershell"],
    ['@echo off\r\nstart "" calc\r\n', "text/x-msdos-batch"],
    ["function f(a) { return eval(a); }\n", "text/javascript"],
    ["#!/usr/bin/env node\nprocess.exit();\n", "text/javascript"],
    ["#!/usr/bin/perl\n1;\n", "text/x-perl"],
    ["import os\nfrom sys import argv\ndef main():\n  return 1\n", "text/x-python"],
    ["<?php echo 1; ?>", "text/x-php"],
    ['<?xml version="1.0"?><scriptlet><registration progid="x"/></scriptlet>', "application/x-wsf"],
    ['<?xml version="1.0"?><MMC_ConsoleFile ConsoleVersion="3.0"/>', "application/x-ms-console"],
    ["#@~^DgAAAA==abc^#~@", "application/x-vbe"],
  ]);
});

test("markup, messages and small settings files are told apart", async () => {
  await expectTypes([
    ['<svg xmlns="http://www.w3.org/2000/svg"></svg>', "image/svg+xml"],
    ["<!-- x -->\n<?xml version='1.0'?>\n<!DOCTYPE svg>\n<svg/>", "image/svg+xml"],
    ["<div>fragment</div>", "text/html"],
    ["Some words <script>alert(1)</script>", "text/html"],
    ["<?xml version='1.0'?><feed/>", "text/xml"],
    ["From: a@client.example\nSubject: x\nDate: now\n\nbody", "message/rfc822"],
    [
      "MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=x\r\nContent-Location: file:x\r\n\r\n--x--",
      "application/x-mimearchive",
    ],
    ["[autorun]\nopen=setup.exe\n", "application/x-autorun"],
    ["[Shell]\nCommand=2\nIconFile=\\\\client.example\\x\n", "application/x-ms-scf"],
    ['{"a": 1}', "application/json"],
  ]);
});

test("programs, libraries and mere DOS headers differ", () => {
  assert.equal(executableAt(peStub()), "program");
  assert.equal(executableAt(peStub({ library: true })), "library");
  assert.equal(executableAt(Buffer.from("MZ")), "dos");
  assert.equal(executableAt(Buffer.from("MZ\0\0 more", "latin1")), "dos");
  assert.equal(executableAt(Buffer.from("MZungu is a word")), null);
});

test("Office documents keep their macros, whatever they call the part", async () => {
  const vba = "application/vnd.ms-office.vbaproject";
  for (const hidden of ["hidden", "renamed", "declared"] as const) {
    const types = await typesOf(docx({ vba: hidden }));
    assert.ok(types.includes(vba), hidden);
    assert.notEqual(types[0], vba);
  }
  assert.deepEqual(await typesOf(xlsx({ kind: "binary" })), ["application/vnd.ms-excel.sheet.binary.macroenabled.12"]);
});

test("an embedded workbook with macros does not make a Word document one", async () => {
  const list = `<Types><Default Extension="xlsm" ContentType="application/vnd.ms-excel.sheet.macroEnabled.12"/><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>`;
  const files = docxFiles().map((file) => (file.name === "[Content_Types].xml" ? { ...file, data: list } : file));
  assert.deepEqual(await typesOf(zip(files)), [
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
  ]);
});

test("a damaged document is still known by its local headers", async () => {
  const types = await typesOf(zip(docxFiles(), { withoutDirectory: true }));
  assert.deepEqual(types, ["application/vnd.openxmlformats-officedocument.wordprocessingml.document"]);
});

test("compound files are told by class, else by their streams", async () => {
  assert.deepEqual(await typesOf(ole("", [{ name: "Workbook", data: Buffer.alloc(8) }])), ["application/vnd.ms-excel"]);
  assert.deepEqual(await typesOf(ole("", [{ name: "Unknown", data: Buffer.alloc(8) }])), ["application/x-ole-storage"]);
  assert.deepEqual(await typesOf(ole("84100c0000000000c000000000000046", [])), ["application/x-msi"]);
});

test("an archive or a program behind a picture is seen", async () => {
  const inner = zip([{ name: "a.txt", data: "x" }]);
  await expectTypes([
    [Buffer.concat([jpeg(), inner]), "image/jpeg", "application/zip"],
    [Buffer.concat([png(), inner, Buffer.from("trailing octets")]), "image/png", "application/zip"],
    [Buffer.concat([Buffer.alloc(100, 1), pdf()]), "application/pdf"],
    [Buffer.concat([jpeg(), Buffer.from("Rar!\x1a\x07\0", "latin1")]), "image/jpeg", "application/vnd.rar"],
  ]);
});

test("an archive that another container holds as it is does not make it two things", async () => {
  const inner = docx();
  assert.deepEqual(await typesOf(tar([{ name: "a.docx", data: inner }])), ["application/x-tar"]);
  assert.deepEqual(await typesOf(ole("0b0d020000000000c000000000000046", [{ name: "attachment", data: inner }])), [
    "application/vnd.ms-outlook",
  ]);
});

test("disk images are found by their marks far from the start", async () => {
  const iso = Buffer.alloc(0x9000);
  iso.write("CD001", 0x8001, "latin1");
  const vhd = Buffer.alloc(4096, 1);
  vhd.write("conectix", 4096 - 512, "latin1");
  await expectTypes([
    [iso, "application/x-iso9660-image"],
    [vhd, "application/x-vhd"],
    [
      Buffer.concat([jpeg(), Buffer.alloc(0x8001 - jpeg().length), Buffer.from("CD001\x01\0", "latin1")]),
      "image/jpeg",
      "application/x-iso9660-image",
    ],
  ]);
});

test("what our own marks do not know is left to the detectors", async () => {
  await expectTypes([
    [Buffer.concat([Buffer.from("fLaC\0\0\0\x22", "latin1"), Buffer.alloc(34)]), "audio/flac"],
    [
      Buffer.concat([Buffer.from("070701", "latin1"), Buffer.alloc(104, 0x30), Buffer.from("name\0\0", "latin1")]),
      "application/x-cpio",
    ],
    [Buffer.from([1, 2, 3, 4, 5, 6, 7, 8]), "application/octet-stream"],
    ["", "application/x-empty"],
  ]);
});

test("S/MIME is enveloped, opaque or a mere signature", async () => {
  const start = "308006092a864886f70d0107";
  await expectTypes([
    [Buffer.from(`${start}03a0803080`, "hex"), "application/pkcs7-mime", "application/x-encrypted-document"],
    [Buffer.from(`${start}02a08030800201013100308006092a864886f70d010701a0802480`, "hex"), "application/pkcs7-mime"],
    [Buffer.from(`${start}02a08030800201013100308006092a864886f70d0107010000`, "hex"), "application/pkcs7-signature"],
  ]);
});

test("old tar files without a mark are known by their checksum", async () => {
  assert.deepEqual(await typesOf(tar([{ name: "a.txt", data: "x", old: true }])), ["application/x-tar"]);
  assert.deepEqual(await typesOf(gzip("x")), ["application/gzip"]);
});

test("repetition does not make the marks of text slow", async () => {
  for (const piece of [
    "\n",
    " ",
    "\t\r\n",
    "<job>",
    "<Project ",
    "<!--",
    "function ",
    "( async",
    "new ActiveXObject",
    "[Version]\n",
    "eval(",
    "import a, ",
    "From: a\n",
  ]) {
    const text = Buffer.from(`[Version]${piece.repeat(32_768 / piece.length)}`);
    const started = performance.now();
    await identify(text, "attachment");
    assert.ok(performance.now() - started < 1000, JSON.stringify(piece));
  }
});

test("encrypted or random octets are hardly ever taken for something that acts", async () => {
  const acting = new Set(["executable", "script", "shortcut", "disk-image"]);
  let wrong = 0;
  for (let first = 0; first < 256; first++)
    for (let seed = 0; seed < 8; seed++) {
      const noise = Buffer.concat([
        Buffer.from([first]),
        hash("sha512", `${first} ${seed}`, "buffer"),
        hash("sha512", `${seed} ${first}`, "buffer"),
      ]);
      if ((await identify(noise, "attachment")).some((type) => acting.has(typeInfo(type).kind))) wrong++;
    }
  assert.ok(wrong <= 2, `${wrong} of 2048`);
});
