/** What `doctor` and `config check` say of the database: each mistake with its remedy, and never a password. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { databaseChecks } from "../../src/cli/database-checks.ts";
import { freePort } from "../support/gateway.ts";
import { type PostgresServer, startPostgres } from "../support/postgres.ts";

let server: PostgresServer;
before(async () => {
  server = await startPostgres();
});
after(() => server.cleanUp());

const said = async (url: string): Promise<string> => {
  const checks = await databaseChecks({ url });
  const text = checks
    .map(({ verdict, name, text, remedy }) => `${verdict} ${name}: ${text} → ${remedy ?? ""}`)
    .join("\n");
  assert.doesNotMatch(text, /s3cr3t|wr0ng/);
  return text;
};

test("all is well", async () => {
  const text = await said(server.database());
  assert.match(text, /^ok catalog: tables can be made/);
  for (const name of ["version", "encoding", "pg_trgm", "clock"])
    assert.match(text, new RegExp(`^ok catalog ${name}: `, "m"));
  assert.doesNotMatch(text, /WARN|FAIL/);
});

test("each mistake is named with what to do", async () => {
  const url = server.database({ extensions: [] });
  server.psql("create role guest login password 's3cr3t-guest'");
  const as = (user: string, password: string): string =>
    url.replace("sallyport:", `${user}:`).replace(server.password, password);
  assert.match(
    await said(as("sallyport", "wr0ng")),
    /^FAIL catalog: password authentication failed.*catalog\.password_file/,
  );
  assert.match(await said(`${url}_absent`), /^FAIL catalog: database .* does not exist → createdb/);
  assert.match(await said(as("guest", "s3cr3t-guest")), /^FAIL catalog: guest may not create tables → .*grant create/m);
  assert.match(await said(url), /^WARN catalog pg_trgm: not installed.*create extension pg_trgm/m);
  assert.match(
    await said(server.database({ encoding: "SQL_ASCII" })),
    /^FAIL catalog encoding: .*SQL_ASCII.*--encoding=UTF8/m,
  );
  assert.match(await said(`${url}?sslmode=require`), /^FAIL catalog: .*SSL.* → .*tls_ca/);
  assert.match(
    await said(`postgres://a:wr0ng@127.0.0.1:${await freePort()}/db`),
    /^FAIL catalog: .*ECONNREFUSED.* → start PostgreSQL/,
  );
  assert.match(await said("postgres://a:wr0ng@nowhere.invalid/db"), /^FAIL catalog: .* → the name is unknown/);
});
