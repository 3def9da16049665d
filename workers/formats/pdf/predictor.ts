/** Undoes the differences that make rows compress better: TIFF's and PNG's predictors. ISO 32000-2 §7.4.4.4 */

export interface Rows {
  readonly predictor: number;
  readonly colors: number;
  readonly bits: number;
  readonly columns: number;
}

const mostColumns = 1 << 24;

function paeth(left: number, up: number, corner: number): number {
  const guess = left + up - corner;
  const [toLeft, toUp, toCorner] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)];
  if (toLeft <= toUp && toLeft <= toCorner) return left;
  return toUp <= toCorner ? up : corner;
}

/** What a row's kind adds to each of its octets. */
const additions: readonly ((left: number, up: number, corner: number) => number)[] = [
  () => 0,
  (left) => left,
  (_left, up) => up,
  (left, up) => (left + up) >> 1,
  paeth,
];
const nothing = (): number => 0;

function undoPng(bytes: Buffer, row: number, step: number): Buffer {
  const out = Buffer.alloc(Math.ceil(bytes.length / (row + 1)) * row);
  // In front of the first row, and of each row's first pixel, stand zeros.
  const at = (index: number, from: number): number => (index < from ? 0 : (out[index] ?? 0));
  let to = 0;
  for (let from = 0; from < bytes.length; from += row + 1) {
    const add = additions[bytes[from] ?? 0] ?? nothing;
    const size = Math.min(row, bytes.length - from - 1);
    for (let i = 0; i < size; i++) {
      const left = at(to + i - step, to);
      const up = at(to + i - row, 0);
      const corner = i < step ? 0 : at(to + i - row - step, 0);
      out[to + i] = (bytes[from + 1 + i] ?? 0) + add(left, up, corner);
    }
    to += size;
  }
  return out.subarray(0, to);
}

/** Of whole octets only; other depths are for pictures. */
function undoTiff(bytes: Buffer, row: number, colors: number): Buffer {
  const out = Buffer.from(bytes);
  for (let at = 0; at < out.length; at += row)
    for (let i = at + colors; i < Math.min(at + row, out.length); i++) out[i] = (out[i] ?? 0) + (out[i - colors] ?? 0);
  return out;
}

/** What makes no sense is left as it is. */
export function predict(bytes: Buffer, { predictor, colors, bits, columns }: Rows): Buffer {
  const pixel = colors * bits;
  if (predictor < 2 || !(pixel >= 1 && pixel <= 1024) || !(columns >= 1 && columns <= mostColumns)) return bytes;
  const row = Math.ceil((Math.floor(columns) * Math.floor(pixel)) / 8);
  if (predictor >= 10) return undoPng(bytes, row, Math.max(1, Math.floor(pixel / 8)));
  return bits === 8 ? undoTiff(bytes, row, Math.floor(colors)) : bytes;
}
