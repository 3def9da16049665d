/** Passwords in the configuration: used, never shown. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { checkConfig, loadConfig } from "../../../src/config.ts";
import { settings } from "../../../src/config-origins.ts";
import { configFolder, smallest } from "../../support/config-folder.ts";

test("a URL alone stands for a mapping, and is shown without its password", () => {
  using folder = configFolder(`${smallest}catalog: postgres://u:s3cr:t@db.example:5432/mail?password=s3cret\n`);
  const loaded = loadConfig(folder.file);
  assert.deepEqual(loaded.config.catalog, { url: "postgres://u:s3cr:t@db.example:5432/mail?password=s3cret" });
  assert.deepEqual(
    settings(loaded).filter(({ key }) => key.startsWith("catalog")),
    [
      {
        key: "catalog.url",
        value: "postgres://u:***@db.example:5432/mail?password=***",
        origin: "sallyport.yaml:9",
      },
    ],
  );
});

test("files of passwords and certificates start at the folder of the configuration", () => {
  using folder = configFolder(
    `${smallest}catalog: { url: "postgres://u@db.example/mail", password_file: secret, tls_ca: ca.pem }\n`,
  );
  const checked = checkConfig(readFileSync(folder.file, "utf8"), folder.file);
  assert.ok(!checked.ok);
  assert.deepEqual(
    checked.problems.map(({ key, message }) => [key, message]),
    [
      ["catalog.password_file", `file ${join(folder.path, "secret")} does not exist`],
      ["catalog.tls_ca", `file ${join(folder.path, "ca.pem")} does not exist`],
    ],
  );
});

test("a wrong URL is refused in words without what was written", () => {
  for (const url of ["mysql://u:s3cret@h/d", "postgres://u:s3cret@h", "s3cret", "postgres://u:s3cret@/d"]) {
    using folder = configFolder(`${smallest}catalog: ${url}\n`);
    const checked = checkConfig(readFileSync(folder.file, "utf8"), folder.file);
    assert.ok(!checked.ok, url);
    assert.doesNotMatch(JSON.stringify(checked.problems), /s3cret/);
    assert.match(checked.problems[0]?.message ?? "", /postgres:\/\//);
  }
});
