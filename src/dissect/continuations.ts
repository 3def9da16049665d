/** Parameters in sections, `name*0*=`, `name*1=` …, put together as readers do: in order, up to a gap or over it. RFC 2231 §3, §4. */

export interface Parameter {
  /** Lower case, without the marks of RFC 2231. */
  readonly name: string;
  /** Every value that a reader may take it for, as octets (latin1), the most plausible first. */
  readonly values: readonly string[];
  /** The charset that RFC 2231 states; null if the value is plain. */
  readonly charset: string | null;
  /** By the grammar it is none: behind a missing semicolon, inside of quotes or of a comment. */
  readonly doubtful?: boolean;
}

export interface RawParameter {
  readonly name: string;
  readonly values: readonly string[];
  readonly doubtful: boolean;
}

interface Section {
  readonly index: number;
  readonly extended: boolean;
  readonly text: string;
}

/** `%41` to the octet it stands for. */
export const unescapePercent = (text: string): string =>
  text.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));

/** The charset stands in front of the first extended section. */
function join(name: string, sections: readonly Section[]): Parameter {
  let charset: string | null = null;
  let value = "";
  let escaped = "";
  for (const { extended, text } of sections) {
    if (extended) {
      const start: readonly string[] = charset === null ? (/^([^']*)'[^']*'/.exec(text) ?? []) : [];
      charset ??= start[1] ?? "";
      // Not unescaped yet: some senders cut inside of `%41`.
      escaped += text.slice(start[0]?.length ?? 0);
    } else {
      value += unescapePercent(escaped) + text;
      escaped = "";
    }
  }
  return { name, values: [value + unescapePercent(escaped)], charset };
}

/** All sections in order; those before a gap; and as they stand in the field, if that is another order. */
function readings(name: string, sections: readonly Section[]): readonly Parameter[] {
  const ordered = [...sections].sort((a, b) => a.index - b.index);
  const gap = ordered.findIndex(({ index }, place) => index !== place + (ordered[0]?.index ?? 0));
  const all = [join(name, ordered)];
  if (gap > 0) all.push(join(name, ordered.slice(0, gap)));
  return all;
}

/** A section alone is its own parameter for readers that know nothing of RFC 2231. */
function sectionOf({ name, values }: RawParameter): { readonly base: string; readonly section: Section } | null {
  const [, base, index, star] = /^([^*]+)\*(?:(\d{1,4})(\*?))?$/.exec(name) ?? [];
  if (base === undefined) return null;
  const extended = index === undefined || star === "*";
  return { base, section: { index: Number(index ?? 0), extended, text: values[0] ?? "" } };
}

/** Extended parameters first, then the plain ones; the same section twice is two claims, not one longer value. */
export function joinSections(raw: readonly RawParameter[]): readonly Parameter[] {
  const plain: Parameter[] = [];
  const sections = new Map<string, Section[]>();
  for (const one of raw) {
    const found = sectionOf(one);
    if (!found) {
      plain.push({ name: one.name, values: one.values, charset: null, ...(one.doubtful ? { doubtful: true } : {}) });
      continue;
    }
    const { base, section } = found;
    const list = sections.get(base) ?? [];
    if (list.some((other) => other.index === section.index)) sections.set(`${base}*${sections.size}`, [section]);
    else sections.set(base, [...list, section]);
  }
  return [...[...sections].flatMap(([name, list]) => readings(name.split("*")[0] ?? name, list)), ...plain];
}
