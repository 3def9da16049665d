import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateSync } from "node:zlib";
import { zip } from "../../../../fixtures/make.ts";
import { biffRecord, biffWorkbook, callToken, textToken, type WorkbookShape } from "../../../../fixtures/make-biff.ts";
import { compound } from "../../../../fixtures/make-ole.ts";
import { oleExtractor } from "../../../../workers/extractors/ole.ts";
import { workbookExtractor } from "../../../../workers/extractors/workbook.ts";
import { zipExtractor } from "../../../../workers/extractors/zip.ts";
import { createIdentifier } from "../../../../workers/identify.ts";
import { type Given, given } from "../../../support/given.ts";

const look = (shape: WorkbookShape): Given =>
  given(oleExtractor, compound([{ name: "Workbook", data: biffWorkbook(shape) }]), {
    types: ["application/vnd.ms-excel"],
  });

const alert = { row: 0, tokens: Buffer.concat([textToken("harmless"), callToken(0x8076, 1)]) };
const exec = {
  row: 1,
  tokens: Buffer.concat([
    textToken("echo "),
    Buffer.from([0x1e, 65, 0]),
    callToken(111, 1),
    Buffer.from([0x08]),
    callToken(110, 1),
  ]),
};
const halt = { row: 2, tokens: callToken(54, 0) };

test("formulas of a macro sheet are told as text, cell by cell", () => {
  const { macro, odd } = look({ cells: [alert, exec, halt] });
  assert.equal(macro, 'A1: =ALERT("harmless")\nA2: =EXEC("echo "&CHAR(65))\nA3: =HALT()');
  assert.deepEqual(odd, ["medium xlm.macro"]);
});

test("a hidden macro sheet and one that starts by itself are odd", () => {
  assert.deepEqual(look({ cells: [alert], hidden: true, autoOpen: true }).odd, [
    "medium xlm.macro",
    "high xlm.hidden-sheet",
    "high xlm.auto-open",
  ]);
  assert.deepEqual(look({ hidden: true }).odd, []);
});

test("links over DDE are commands, texts of cells are text", () => {
  const { commands, text, odd } = look({ dde: ["cmd", "/c echo harmless"], strings: ["請求書", "合計"] });
  assert.deepEqual([commands, text, odd], ["DDE cmd /c echo harmless", "請求書\n合計\n", ["high office.dde"]]);
});

test("texts go on in the next record, there perhaps in another width", () => {
  const head = Buffer.from("0100000001000000", "hex");
  const first = Buffer.concat([head, Buffer.from([6, 0, 0]), Buffer.from("abc")]);
  const second = Buffer.concat([Buffer.from([1]), Buffer.from("def", "utf16le")]);
  const stream = Buffer.concat([biffWorkbook({}).subarray(0, 20), biffRecord(0xfc, first), biffRecord(0x3c, second)]);
  assert.equal(given(workbookExtractor, stream, {}).text, "abcdef\n");
});

test("records without a compound file around are a workbook too", async () => {
  const bytes = biffWorkbook({ cells: [alert] });
  assert.equal(workbookExtractor.wants({ role: "attachment" } as never, bytes), true);
  assert.match(given(workbookExtractor, bytes, {}).macro, /ALERT/);
  const { identify } = await createIdentifier();
  assert.deepEqual(await identify(bytes, "attachment"), [
    "application/vnd.ms-excel",
    "application/vnd.ms-excel.macrosheet+xml",
  ]);
});

test("formulas that only macros may have are told in binary parts of Open XML", () => {
  const record = (id: number, data: Buffer): Buffer =>
    Buffer.concat([
      id < 128 ? Buffer.from([id]) : Buffer.from([(id & 0x7f) | 0x80, id >>> 7]),
      Buffer.from([data.length]),
      data,
    ]);
  const tokens = Buffer.concat([Buffer.from([0x17, 8, 0]), Buffer.from("harmless", "utf16le"), callToken(0x8076, 1)]);
  const size = Buffer.from([tokens.length, 0, 0, 0]);
  const sheet = Buffer.concat([
    record(129, Buffer.alloc(0)),
    record(0, Buffer.concat([Buffer.from([4, 0, 0, 0]), Buffer.alloc(20)])),
    record(9, Buffer.concat([Buffer.alloc(16), Buffer.alloc(2), size, tokens])),
  ]);
  const { macro } = given(zipExtractor, zip([{ name: "xl/macrosheets/sheet1.bin", data: sheet }]), {
    types: ["application/zip"],
  });
  assert.equal(macro, 'A5: =ALERT("harmless")');
});

test("objects of binary presentations are members, text of slides is text", () => {
  const atom = (version: number, type: number, data: Buffer): Buffer => {
    const head = Buffer.alloc(8);
    head.writeUInt16LE(version, 0);
    head.writeUInt16LE(type, 2);
    head.writeUInt32LE(data.length, 4);
    return Buffer.concat([head, data]);
  };
  const inner = compound([{ name: "x", data: "harmless" }]);
  const stream = Buffer.concat([
    atom(0x0f, 1000, atom(0, 0x0fa0, Buffer.from("表題", "utf16le"))),
    atom(0x10, 0x1011, Buffer.concat([Buffer.alloc(4), deflateSync(inner)])),
  ]);
  const { members, text } = given(oleExtractor, compound([{ name: "PowerPoint Document", data: stream }]), {
    types: ["application/vnd.ms-powerpoint"],
  });
  assert.deepEqual([members, text], [[[[], inner.toString("hex")]], "表題\n"]);
});
