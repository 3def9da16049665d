/** Names in archives are octets of an unknown charset: every plausible decoding is a candidate. */
import iconv from "iconv-lite";
import type { Part } from "../../src/core/message.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true });

const isAscii = (raw: Buffer): boolean => !raw.some((octet) => octet > 0x7f);

function asUtf8(raw: Buffer): string[] {
  try {
    return [utf8.decode(raw)];
  } catch {
    return [];
  }
}

/** CP932 as Windows in Japan writes it; an unmapped octet shows that it is something else. */
function asCp932(raw: Buffer): string[] {
  const text = iconv.decode(raw, "cp932");
  return text.includes("\uFFFD") ? [] : [text];
}

/** Most plausible first. `saysUtf8`: the archive marks the name as UTF-8. PKWARE APPNOTE 6.3.10 appendix D */
export function decodeName(raw: Buffer, saysUtf8: boolean): readonly string[] {
  if (raw.length === 0) return [];
  if (isAscii(raw)) return [raw.toString("latin1")];
  const unicode = asUtf8(raw);
  if (saysUtf8 && unicode.length > 0) return unicode;
  return [...unicode, ...asCp932(raw), iconv.decode(raw, "cp437")];
}

const streamEndings =
  /^(.+)\.(gz|gzip|tgz|taz|svgz|emz|wmz|z|bz|bz2|tbz|tbz2|xz|txz|lzma|tlz|lz|zst|zstd|tzst|br|lz4)$/i;
const innerEndings: Readonly<Record<string, string>> = {
  ...Object.fromEntries(["tgz", "taz", "tbz", "tbz2", "txz", "tlz", "tzst"].map((ending) => [ending, ".tar"])),
  svgz: ".svg",
  emz: ".emf",
  wmz: ".wmf",
};

/** The names that the one file in a compressed stream has by those of the stream: "a.tar" of "a.tar.gz" and of "a.tgz". */
export function outerNames(part: Part): string[] {
  return part.names.flatMap((name) => {
    const [, stem, ending = ""] = streamEndings.exec(name.trimEnd()) ?? [];
    return stem === undefined ? [] : [stem + (innerEndings[ending.toLowerCase()] ?? "")];
  });
}
