/** Rows as they lie in a database → what is in force at a moment, frozen. */
import type { Selectable } from "kysely";
import type { Bypass, ListEntry, ListSnapshot } from "./records.ts";
import type { Tables } from "./tables.ts";

/** In the order of their ids and names. */
export interface Rows {
  readonly list: readonly Selectable<Tables["list"]>[];
  readonly disabledRules: readonly Tables["disabled_rules"][];
  readonly bypass: Tables["bypass"] | null;
}

export interface Picture {
  readonly snapshot: ListSnapshot;
  /** When something in it expires. */
  readonly goodUntil: number;
}

function toBypass({ until, by, reason, routes }: Tables["bypass"]): Bypass {
  return Object.freeze({ until, by, reason, routes: Object.freeze(JSON.parse(routes) as readonly string[]) });
}

/** Column by column: rows of SQLite have no prototype, and are not ours to freeze. */
const toEntry = ({ id, kind, subject, value, reason, by, at, expires }: Rows["list"][number]): ListEntry =>
  Object.freeze({ id, kind, subject, value, reason, by, at, expires }) as ListEntry;

export function pictureOf({ list, disabledRules, bypass: row }: Rows, now: string): Picture {
  const entries = list.filter(({ expires }) => expires === null || expires > now).map(toEntry);
  const bypass = row && row.until > now ? toBypass(row) : null;
  const ends = [...entries.flatMap(({ expires }) => expires ?? []), ...(bypass ? [bypass.until] : [])];
  return {
    snapshot: Object.freeze({
      entries: Object.freeze(entries),
      disabledRules: Object.freeze(disabledRules.map(({ rule }) => rule)),
      bypass,
    }),
    goodUntil: ends.reduce((first, end) => Math.min(first, Date.parse(end)), Number.POSITIVE_INFINITY),
  };
}
