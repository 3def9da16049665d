/** Decodes the 7-bit character sets that switch by escape sequences: ISO-2022-JP and its extensions, ISO-2022-KR, HZ. */
import iconv from "iconv-lite";

/** `ascii`, `roman` and `kana` are one octet wide; `latin` is the right half of an ISO 8859 set, after a single shift. */
type Set = "ascii" | "roman" | "kana" | "jis208" | "jis212" | "gb2312" | "ksc5601" | "unknown2";

/** What follows ESC. RFC 1468, RFC 1554 (-JP-2), RFC 2237 (-JP-1), JIS X 0213 (-JP-3, -JP-2004), ISO-2022-JP-MS. */
const escapes: readonly (readonly [string, Set])[] = [
  ["(B", "ascii"],
  ["(J", "roman"],
  ["(H", "roman"],
  ["(I", "kana"],
  ["$@", "jis208"],
  ["$B", "jis208"],
  ["$(@", "jis208"],
  ["$(B", "jis208"],
  ["$(O", "jis208"],
  ["$(Q", "jis208"],
  ["$(P", "unknown2"],
  ["$(D", "jis212"],
  ["$A", "gb2312"],
  ["$(A", "gb2312"],
  ["$(C", "ksc5601"],
  ["$)C", "ksc5601"],
];

const replacement = "\ufffd";

/** JIS row and cell to the two octets of CP932, whose table has the NEC and IBM characters that real mail uses. */
function toCp932(first: number, second: number): readonly [number, number] {
  const row = first - 0x20;
  const lead = ((row + 1) >> 1) + (row <= 62 ? 0x80 : 0xc0);
  if (row % 2 === 0) return [lead, second + 0x7e];
  return [lead, second + (second >= 0x60 ? 0x20 : 0x1f)];
}

function decodePair(set: Set, first: number, second: number): string {
  switch (set) {
    case "jis208":
      return iconv.decode(Buffer.from(toCp932(first, second)), "cp932");
    case "jis212":
      return iconv.decode(Buffer.from([0x8f, first | 0x80, second | 0x80]), "euc-jp");
    case "gb2312":
      return iconv.decode(Buffer.from([first | 0x80, second | 0x80]), "gbk");
    case "ksc5601":
      return iconv.decode(Buffer.from([first | 0x80, second | 0x80]), "cp949");
    case "ascii":
    case "roman":
    case "kana":
    case "unknown2":
      return replacement;
  }
}

function decodeSingle(set: Set, octet: number): string {
  // Kana states, and the 8-bit kana that some programs let through in the others: JIS X 0201.
  if (octet >= 0xa1 && octet <= 0xdf) return String.fromCharCode(octet - 0xa1 + 0xff61);
  if (octet >= 0x80) return replacement;
  if (set === "kana" && octet >= 0x21 && octet <= 0x5f) return String.fromCharCode(octet - 0x21 + 0xff61);
  // The yen sign of the Roman set is shown as a backslash by every reader of CP932; rules look for that one.
  if (set === "roman" && octet === 0x7e) return "~";
  return String.fromCharCode(octet);
}

const wide = (set: Set): boolean => set !== "ascii" && set !== "roman" && set !== "kana";

interface State {
  at: number;
  set: Set;
  /** What SO switches to: half-width kana, or the Korean set of RFC 1557. */
  shifted: Set;
  /** What SI returns to. */
  base: Set;
  /** The set behind ESC N: ISO 8859-1 or -7. */
  single: string;
}

/** Handles the escape sequence at `state.at`; returns the text that stands for it, if any. */
function escape(bytes: Buffer, state: State): string {
  const tail = bytes.toString("latin1", state.at + 1, state.at + 4);
  const found = escapes.find(([sequence]) => tail.startsWith(sequence));
  if (found) {
    state.at += 1 + found[0].length;
    if (found[0] === "$)C") state.shifted = found[1];
    else state.set = state.base = found[1];
    return "";
  }
  if (tail.startsWith(".A") || tail.startsWith(".F")) {
    state.single = tail[1] === "A" ? "iso-8859-1" : "iso-8859-7";
    state.at += 3;
    return "";
  }
  if (tail.startsWith("N") && tail.length > 1) {
    const octet = (bytes[state.at + 2] ?? 0) | 0x80;
    state.at += 3;
    return iconv.decode(Buffer.from([octet]), state.single);
  }
  // ESC & @ announces the revision of JIS X 0208 that follows and has no meaning of its own.
  state.at += tail.startsWith("&@") ? 3 : 1;
  return tail.startsWith("&@") ? "" : replacement;
}

/** Reads a character of the current set and steps over it. */
function character(bytes: Buffer, state: State): string {
  const octet = bytes[state.at] ?? 0;
  if (!wide(state.set) || octet < 0x21) {
    // RFC 1468: a line ends in ASCII, whatever was forgotten before.
    if (octet === 0x0a) state.set = state.base = "ascii";
    state.at++;
    return decodeSingle(state.set, octet);
  }
  const second = (bytes[state.at + 1] ?? 0) & 0x7f;
  state.at += second < 0x21 ? 1 : 2;
  return second < 0x21 ? replacement : decodePair(state.set, octet & 0x7f, second);
}

/** Octet by octet: for names and header fields, never for bodies. */
export function decodeIso2022(bytes: Buffer, language: "jp" | "kr" = "jp"): string {
  const shifted = language === "kr" ? "ksc5601" : "kana";
  const state: State = { at: 0, set: "ascii", shifted, base: "ascii", single: "iso-8859-1" };
  const out: string[] = [];
  while (state.at < bytes.length) {
    const octet = bytes[state.at];
    if (octet === 0x1b) out.push(escape(bytes, state));
    else if (octet === 0x0e || octet === 0x0f) {
      state.set = octet === 0x0e ? state.shifted : state.base;
      state.at++;
    } else out.push(character(bytes, state));
  }
  return out.join("");
}

/** HZ, RFC 1843: `~{` and `~}` around pairs of GB 2312. */
export function decodeHz(bytes: Buffer): string {
  return bytes
    .toString("latin1")
    .split("~{")
    .map((piece, index) => {
      const [inside = "", ...rest] = index === 0 ? ["", piece] : piece.split("~}");
      const octets = Buffer.from(inside, "latin1").map((octet) => octet | 0x80);
      return iconv.decode(octets, "gbk") + rest.join("").replaceAll("~~", "~").replaceAll("~\n", "");
    })
    .join("");
}
