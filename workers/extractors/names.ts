/** Names in archives are octets of an unknown charset: every plausible decoding is a candidate. */
import iconv from "iconv-lite";

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
