/** IP addresses and networks as bits, without a socket module: for policy conditions and lists of trusted clients. */

/** An address as eight groups of 16 bits; IPv4 lies in ::ffff:0:0/96 (RFC 4291 §2.5.5.2), so both kinds compare alike. */
type Groups = readonly number[];

export interface Network {
  readonly groups: Groups;
  /** Of 128. */
  readonly prefix: number;
}

function parseV4(text: string): Groups | null {
  const octets = text.split(".");
  if (octets.length !== 4 || !octets.every((octet) => /^(0|[1-9]\d{0,2})$/.test(octet) && Number(octet) < 256))
    return null;
  const [a = 0, b = 0, c = 0, d = 0] = octets.map(Number);
  return [0, 0, 0, 0, 0, 0xffff, a * 256 + b, c * 256 + d];
}

/** "a:b" to groups; a dotted quad may be the last piece (RFC 4291 §2.2). */
function parsePieces(text: string): number[] | null {
  if (text === "") return [];
  const groups: number[] = [];
  const pieces = text.split(":");
  for (const [i, piece] of pieces.entries()) {
    const v4 = i === pieces.length - 1 && piece.includes(".") ? parseV4(piece) : null;
    if (v4) groups.push(...v4.slice(6));
    else if (/^[0-9a-fA-F]{1,4}$/.test(piece)) groups.push(Number.parseInt(piece, 16));
    else return null;
  }
  return groups;
}

/** Null if the text is no address. Zones ("%eth0") are left out. */
export function parseAddress(text: string): Groups | null {
  const bare = text.replace(/%.*$/, "");
  if (!bare.includes(":")) return parseV4(bare);
  const halves = bare.split("::");
  if (halves.length > 2) return null;
  const head = parsePieces(halves[0] ?? "");
  const tail = halves.length === 2 ? parsePieces(halves[1] ?? "") : [];
  if (!head || !tail) return null;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return null;
  return [...head, ...new Array<number>(missing).fill(0), ...tail];
}

/** "192.0.2.1", "192.0.2.0/24", "2001:db8::/32"; null if it is none of these. */
export function parseNetwork(text: string): Network | null {
  const [address = "", bits, ...rest] = text.split("/");
  const groups = parseAddress(address);
  if (!groups || rest.length > 0 || (bits !== undefined && !/^\d{1,3}$/.test(bits))) return null;
  const width = address.includes(":") ? 128 : 32;
  const prefix = bits === undefined ? width : Number(bits);
  return prefix > width ? null : { groups, prefix: prefix + (128 - width) };
}

/** False for anything that is no address. */
export function inNetwork(address: string, network: Network): boolean {
  const groups = parseAddress(address);
  if (!groups) return false;
  for (let i = 0, left = network.prefix; left > 0; i++, left -= 16) {
    const shift = Math.max(0, 16 - left);
    if ((groups[i] ?? 0) >> shift !== (network.groups[i] ?? 0) >> shift) return false;
  }
  return true;
}
