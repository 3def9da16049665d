/** Kysely on Node's own SQLite. */
import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import { type SqliteDatabase, SqliteDialect, type SqliteStatement } from "kysely";

const mostKept = 64;
/** Longer ones insert many rows at a time, each time another number of them. */
const longestKept = 4_000;

/** Statements are kept by their text: preparing costs more than most of them cost to run. */
function adapt(database: DatabaseSync): SqliteDatabase {
  const kept = new Map<string, SqliteStatement>();
  const prepare = (sql: string): SqliteStatement => {
    const statement = database.prepare(sql);
    const reader = statement.columns().length > 0;
    // FTS5 leaves row numbers of its own behind as the last ones inserted, beyond 2^53: as a number each would be an error.
    if (!reader) statement.setReadBigInts(true);
    return {
      reader,
      all: (parameters) => statement.all(...(parameters as readonly SQLInputValue[])),
      run: (parameters) => statement.run(...(parameters as readonly SQLInputValue[])),
      iterate: (parameters) => statement.iterate(...(parameters as readonly SQLInputValue[])),
    };
  };
  return {
    close: () => database.close(),
    prepare: (sql) => {
      if (sql.length > longestKept) return prepare(sql);
      const statement = kept.get(sql) ?? prepare(sql);
      kept.delete(sql);
      kept.set(sql, statement);
      if (kept.size > mostKept)
        for (const oldest of [...kept.keys()].slice(0, kept.size - mostKept)) kept.delete(oldest);
      return statement;
    },
  };
}

export const nodeSqlite = (database: DatabaseSync): SqliteDialect => new SqliteDialect({ database: adapt(database) });
