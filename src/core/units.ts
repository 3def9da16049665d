/** Durations and sizes as people write them: "60s", "25MiB". */

const durations: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const sizes: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
};

function parse(text: string, units: Readonly<Record<string, number>>): number | null {
  const [, digits, unit = ""] = /^(\d+(?:\.\d+)?)\s*([A-Za-z]+)$/.exec(text.trim()) ?? [];
  const factor = units[unit];
  return digits === undefined || factor === undefined ? null : Math.round(Number(digits) * factor);
}

/** Milliseconds, or null if the text is not a duration. Units: ms, s, m, h, d. */
export const parseDuration = (text: string): number | null => parse(text, durations);
/** Bytes, or null if the text is not a size. Units: B, kB, MB, GB, KiB, MiB, GiB. */
export const parseSize = (text: string): number | null => parse(text, sizes);

function show(value: number, units: readonly (readonly [string, number])[]): string {
  for (const [unit, factor] of units) if (value !== 0 && value % factor === 0) return `${value / factor}${unit}`;
  return `${value}${units.at(-1)?.[0] ?? ""}`;
}

export const showDuration = (ms: number): string => show(ms, Object.entries(durations).reverse());
export const showSize = (bytes: number): string =>
  show(bytes, [
    ["GiB", 2 ** 30],
    ["MiB", 2 ** 20],
    ["KiB", 2 ** 10],
    ["B", 1],
  ]);

/** For people, rounded down: "3 h", "12 d". */
export function roughAge(ms: number): string {
  for (const unit of ["d", "h", "m"]) {
    const length = durations[unit] ?? 1;
    if (ms >= length) return `${Math.floor(ms / length)} ${unit === "m" ? "min" : unit}`;
  }
  return `${Math.max(0, Math.floor(ms / 1000))} s`;
}

/** For people, rounded: "1.4 MiB". */
export function roughSize(bytes: number): string {
  for (const [unit, factor] of [
    ["GiB", 2 ** 30],
    ["MiB", 2 ** 20],
    ["KiB", 2 ** 10],
  ] as const)
    if (bytes >= factor) return `${(bytes / factor).toFixed(1)} ${unit}`;
  return `${bytes} B`;
}
