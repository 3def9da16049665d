/** The effective configuration as a flat list: each value as people write it, and where it comes from. */
import { basename } from "node:path";
import type { LoadedConfig } from "./config.ts";
import { configFields } from "./config-fields.ts";
import { hidePassword } from "./core/secret.ts";
import { showDuration, showSize } from "./core/units.ts";
import { showPath } from "./yaml/check.ts";
import type { Path } from "./yaml/source.ts";

export interface Setting {
  readonly key: string;
  /** Durations and sizes with their unit; a number, text, boolean, null, or a list of texts. */
  readonly value: unknown;
  /** "sallyport.yaml:3", or "default". */
  readonly origin: string;
}

/** Lists of plain values are one setting; lists of mappings (routes) are walked. */
const isWalked = (value: unknown): value is object =>
  typeof value === "object" &&
  value !== null &&
  (!Array.isArray(value) || value.some((one) => typeof one === "object"));

export function settings({ config, file, origins }: LoadedConfig): readonly Setting[] {
  const kinds = new Map(configFields().map((field) => [field.key, field.kind]));
  const written = (value: unknown, key: string): unknown => {
    const kind = kinds.get(key.replaceAll(/\[\d+\]/g, "[]"));
    if (typeof value === "string") return hidePassword(value);
    if (typeof value !== "number") return value;
    return kind === "duration" ? showDuration(value) : kind === "size" ? showSize(value) : value;
  };
  const walk = (value: unknown, path: Path): readonly Setting[] => {
    if (isWalked(value))
      return Array.isArray(value)
        ? value.flatMap((one, i) => walk(one, [...path, i]))
        : Object.entries(value).flatMap(([key, one]) => walk(one, [...path, key]));
    const key = showPath(path);
    // A URL alone stands for a mapping with no more than it.
    const place = origins(path) ?? (path.at(-1) === "url" ? origins(path.slice(0, -1)) : null);
    return [{ key, value: written(value, key), origin: place ? `${basename(file)}:${place.line}` : "default" }];
  };
  return walk(config, []);
}
