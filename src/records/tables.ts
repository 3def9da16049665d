/** The tables of what people decided, the same for every database. */
import type { ColumnDataType, CreateTableBuilder, Generated, Kysely } from "kysely";

export interface Tables {
  list: {
    id: Generated<number>;
    kind: string;
    subject: string;
    value: string;
    reason: string;
    by: string;
    at: string;
    expires: string | null;
  };
  disabled_rules: { rule: string; by: string; reason: string; at: string };
  /** One row at most. */
  bypass: { id: number; until: string; by: string; reason: string; routes: string };
}

/** In the order of their making. `id`: how the database counts by itself. */
export function tables(
  db: Kysely<Tables>,
  id: { readonly type: ColumnDataType; readonly counts: boolean },
): readonly CreateTableBuilder<string, string>[] {
  const table = (name: string) => db.schema.createTable(name);
  const texts = (made: CreateTableBuilder<string, string>, columns: readonly string[]) =>
    columns.reduce((so, column) => so.addColumn(column, "text", (it) => it.notNull()), made);
  return [
    texts(
      table("list").addColumn("id", id.type, (it) => (id.counts ? it.primaryKey().autoIncrement() : it.primaryKey())),
      ["kind", "subject", "value", "reason", "by", "at"],
    )
      .addColumn("expires", "text")
      .addUniqueConstraint("list_once", ["kind", "subject", "value"]),
    texts(
      table("disabled_rules").addColumn("rule", "text", (it) => it.primaryKey()),
      ["by", "reason", "at"],
    ),
    texts(
      table("bypass").addColumn("id", "integer", (it) => it.primaryKey()),
      ["until", "by", "reason", "routes"],
    ),
  ];
}
