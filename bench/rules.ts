/** Synthetic rules of the shape of public sets: a few text and hex strings each, some with regular expressions and module conditions. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A small deterministic generator: the same rules in every run. */
function* numbers(seed: number): Generator<number, never> {
  for (let state = seed >>> 0; ; ) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield state;
  }
}

const syllables = [
  "kernel",
  "load",
  "create",
  "remote",
  "thread",
  "socket",
  "inject",
  "dump",
  "crypt",
  "shell",
  "start",
  "reg",
  "task",
  "pass",
  "hook",
  "mutex",
];

function rule(index: number, next: () => number): string {
  const word = (): string =>
    Array.from({ length: 2 + (next() % 3) }, () => syllables[next() % syllables.length]).join(next() % 2 ? "_" : "") +
    (next() % 10_000);
  const hex = (): string =>
    Array.from({ length: 8 + (next() % 12) }, (_, i) =>
      i > 3 && next() % 9 === 0 ? "??" : (next() % 256).toString(16).padStart(2, "0"),
    ).join(" ");
  const texts = Array.from(
    { length: 2 + (next() % 4) },
    (_, i) => `    $s${i} = "${word()}" ${["ascii", "wide", "ascii wide", "nocase"][next() % 4]}`,
  );
  const patterns = [
    ...texts,
    ...(next() % 2 ? [`    $h0 = { ${hex()} }`] : []),
    ...(next() % 8 === 0 ? [`    $r0 = /${word()}[0-9a-f]{4,16}\\.(exe|dll)/`] : []),
  ];
  const where = ["uint16(0) == 0x5a4d and ", "filesize < 2MB and ", "", "uint32be(0) == 0x504b0304 and "][next() % 4];
  const condition = `${where}${["all of them", "2 of them", "all of ($s*)"][next() % 3]}`;
  return `rule bench_${index}\n{\n  meta:\n    description = "synthetic rule ${index}"\n    severity = "high"\n  strings:\n${patterns.join("\n")}\n  condition:\n    ${condition}\n}\n`;
}

/** Writes `count` rules, 50 to a file, and returns the folder. */
export function synthesiseRules(dir: string, count: number): string {
  mkdirSync(dir, { recursive: true });
  const source = numbers(4242);
  const next = (): number => source.next().value >>> 8;
  for (let start = 0; start < count; start += 50) {
    const text = Array.from({ length: Math.min(50, count - start) }, (_, i) => rule(start + i, next)).join("\n");
    writeFileSync(join(dir, `set-${String(start).padStart(5, "0")}.yar`), text);
  }
  return dir;
}
