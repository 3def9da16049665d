/** Octets of a rule file → text, or why they are none: a compiler may take minutes to find that out of garbage. */

export interface Place {
  readonly line: number;
  readonly column: number;
}

export interface NoText {
  readonly message: string;
  readonly place: Place;
}

const lineFeed = 10;
/** All but tab, line feed, vertical tab, form feed, carriage return. */
const controls = new RegExp("[\\0-\\x08\\x0e-\\x1f\\x7f]");

function placeOf(octets: Buffer, at: number): Place {
  const before = octets.subarray(0, at);
  let line = 1;
  for (let next = before.indexOf(lineFeed); next >= 0; next = before.indexOf(lineFeed, next + 1)) line++;
  return { line, column: before.subarray(before.lastIndexOf(lineFeed) + 1).toString("utf8").length + 1 };
}

function isUtf8(octets: Buffer, stream = false): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(octets, { stream });
    return true;
  } catch {
    return false;
  }
}

/** Where the first octets are that are no UTF-8. */
function firstBroken(octets: Buffer): number {
  let [good, bad] = [0, octets.length];
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    // A beginning may end within a character, which `stream` allows.
    if (isUtf8(octets.subarray(0, middle), true)) good = middle;
    else bad = middle;
  }
  while (!isUtf8(octets.subarray(0, good))) good--;
  return good;
}

/** Without a byte order mark. YARA-X takes UTF-8 only. */
export function readText(octets: Buffer): string | NoText {
  const control = octets.toString("latin1").search(controls);
  if (control >= 0) {
    const code = octets.readUInt8(control).toString(16).padStart(2, "0");
    return { message: `not a text: it has the octet 0x${code}`, place: placeOf(octets, control) };
  }
  if (!isUtf8(octets)) return { message: "not UTF-8", place: placeOf(octets, firstBroken(octets)) };
  return new TextDecoder("utf-8").decode(octets);
}
