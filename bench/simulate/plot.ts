/** A drawing of lines over logarithmic axes, as SVG. */

export interface Line {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface Panel {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly lines: readonly Line[];
}

const size = { width: 460, height: 340, left: 62, right: 18, top: 40, bottom: 48 } as const;
const colours = ["#1b6ca8", "#c0392b", "#2e8b57", "#7d5ba6"];

const escaped = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
const short = (value: number): string => (value >= 1_000 ? `${value / 1_000}k` : String(value));

/** 1, 2, 5, 10 … from below the least to above the most. */
function ticks(values: readonly number[]): readonly number[] {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const all: number[] = [];
  for (let power = 10 ** Math.floor(Math.log10(least)); power <= most * 10; power *= 10)
    all.push(power, 2 * power, 5 * power);
  const from = all.findLastIndex((tick) => tick <= least);
  const to = all.findIndex((tick) => tick >= most);
  return all.slice(from, to + 1);
}

function panel({ title, x, y, lines }: Panel, offset: number): string {
  const points = lines.flatMap((line) => line.points);
  const [xs, ys] = [ticks(points.map(([a]) => a)), ticks(points.map(([, b]) => b))];
  const scale = (marks: readonly number[], from: number, to: number) => (value: number) => {
    const [least, most] = [Math.log(marks[0] ?? 1), Math.log(marks.at(-1) ?? 10)];
    return Number((from + ((Math.log(value) - least) / (most - least)) * (to - from)).toFixed(1));
  };
  const { width, height, left, right, top, bottom } = size;
  const atX = scale(xs, offset + left, offset + width - right);
  const atY = scale(ys, height - bottom, top);
  const grid = [
    ...xs.map(
      (mark) =>
        `<path class="grid" d="M${atX(mark)} ${top}V${height - bottom}"/><text x="${atX(mark)}" y="${height - bottom + 16}" text-anchor="middle">${short(mark)}</text>`,
    ),
    ...ys.map(
      (mark) =>
        `<path class="grid" d="M${offset + left} ${atY(mark)}H${offset + width - right}"/><text x="${offset + left - 6}" y="${atY(mark) + 4}" text-anchor="end">${short(mark)}</text>`,
    ),
  ];
  const drawn = lines.map(({ name, points: all }, i) => {
    const colour = colours[i % colours.length];
    const path = all.map(([a, b], at) => `${at === 0 ? "M" : "L"}${atX(a)} ${atY(b)}`).join("");
    const dots = all.map(([a, b]) => `<circle cx="${atX(a)}" cy="${atY(b)}" r="3" fill="${colour}"/>`).join("");
    const row = top + 14 + 16 * i;
    return `<path d="${path}" fill="none" stroke="${colour}" stroke-width="2"/>${dots}<path d="M${offset + left + 10} ${row}h18" stroke="${colour}" stroke-width="2"/><text x="${offset + left + 34}" y="${row + 4}">${escaped(name)}</text>`;
  });
  const middle = offset + (left + width - right) / 2;
  return [
    `<text class="title" x="${middle}" y="20" text-anchor="middle">${escaped(title)}</text>`,
    ...grid,
    ...drawn,
    `<text x="${middle}" y="${height - 10}" text-anchor="middle">${escaped(x)}</text>`,
    `<text transform="translate(${offset + 14} ${(top + height - bottom) / 2}) rotate(-90)" text-anchor="middle">${escaped(y)}</text>`,
  ].join("\n");
}

export function plot(panels: readonly Panel[]): string {
  const width = size.width * panels.length;
  const style =
    "text{font:12px sans-serif;fill:#333}.title{font-weight:bold}.grid{stroke:#ddd;stroke-width:1;fill:none}";
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${size.height}" width="${width}" height="${size.height}">`,
    `<style>${style}</style><rect width="100%" height="100%" fill="#fff"/>`,
    ...panels.map((one, i) => panel(one, i * size.width)),
    "</svg>\n",
  ].join("\n");
}
