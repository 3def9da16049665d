/** The words that public rules compare `filetype` with: what the first octets say, nothing more. */

/** Latin-1. The longest of those that fit decides, so their order does not matter. */
const beginnings: readonly (readonly [string, string])[] = [
  ["MZ", "EXE"],
  ["\x7fELF", "ELF"],
  ["\xca\xfe\xba\xbe", "JAVACLASS"],
  ["\xcf\xfa\xed\xfe", "MACHO"],
  ["\xce\xfa\xed\xfe", "MACHO"],
  ["\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "OLE"],
  ["L\0\0\0\x01\x14\x02\0", "LNK"],
  ["\xe4R\\{\x8c\xd8\xa7M\xae\xb1Sx\xd0)\x96\xd3", "ONE"],
  ["PK\x03\x04", "ZIP"],
  ["PK\x05\x06", "ZIP"],
  ["Rar!\x1a\x07", "RAR"],
  ["7z\xbc\xaf\x27\x1c", "7Z"],
  ["\x1f\x8b", "GZIP"],
  ["BZh", "BZIP2"],
  ["\xfd7zXZ\0", "XZ"],
  ["MSCF", "CAB"],
  ["ITSF", "CHM"],
  ["%PDF", "PDF"],
  ["{\\rt", "RTF"],
  ["MDMP", "MDMP"],
  ["<?php", "PHP"],
  ["<?xml", "XML"],
  ["<html", "HTML"],
  ["<!DOCTYPE html", "HTML"],
  ["#!", "SCRIPT"],
  ["\x89PNG", "PNG"],
  ["GIF8", "GIF"],
  ["\xff\xd8\xff", "JPEG"],
  ["BM", "BMP"],
  ["RIFF", "RIFF"],
  ["SQLite format 3", "SQLITE"],
];
const longest = Math.max(...beginnings.map(([octets]) => octets.length));

export function fileWord(bytes: Uint8Array): string {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, longest)).toString("latin1");
  const fits = beginnings.filter(([octets]) => head.startsWith(octets));
  return fits.reduce((best, one) => (one[0].length > best[0].length ? one : best), ["", ""] as const)[1];
}
