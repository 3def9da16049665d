/** The settings and figures of many machines. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { Registry } from "prom-client";
import { clusterSeal, redisSettings } from "../../../src/compose-cluster.ts";
import { checkConfig } from "../../../src/config.ts";
import { isGatewayError } from "../../../src/core/errors.ts";
import { createClusterMetrics } from "../../../src/observe/cluster-metrics.ts";

const folder = mkdtempSync(join(tmpdir(), "sallyport-cluster-config-"));
after(() => rmSync(folder, { recursive: true, force: true }));
writeFileSync(join(folder, "key"), Buffer.alloc(32, 1));
writeFileSync(join(folder, "short"), "abc");
writeFileSync(join(folder, "password"), "from a file\n");

const check = (...lines: readonly string[]) =>
  checkConfig(
    [`routes: [{ domains: [a.test], next_hop: "127.0.0.1:2626" }]`, "rules: []", ...lines, ""].join("\n"),
    join(folder, "sallyport.yaml"),
  );
const configOf = (...lines: readonly string[]) => {
  const checked = check("blobs: ./shared", "cluster: { key_file: key }", ...lines);
  if (!checked.ok) throw new Error(JSON.stringify(checked.problems));
  return checked.value;
};
const settingsOf = (queue: string) => {
  const config = configOf(`queue: ${queue}`);
  return config.queue ? redisSettings(config.queue) : null;
};

test("a URL, Sentinels and a Cluster are understood", () => {
  const single = settingsOf("rediss://me:a%20secret@[::1]:6380/3");
  assert.deepEqual(single?.places, [{ host: "::1", port: 6380 }]);
  assert.equal(single?.username, "me");
  assert.equal(single?.password, "a secret");
  assert.equal(single?.db, 3);
  assert.deepEqual(single?.tls, {});
  const sentinel = settingsOf(`{ sentinels: ["s1:26379", "s2:26379"], name: mail, password_file: password }`);
  assert.equal(sentinel?.kind, "sentinel");
  assert.equal(sentinel?.master, "mail");
  assert.equal(sentinel?.password, "from a file");
  assert.equal(sentinel?.tls, null);
  const cluster = settingsOf(`{ cluster: ["n1:6379"], tls: true }`);
  assert.equal(cluster?.kind, "cluster");
  assert.deepEqual(cluster?.tls, {});
});

test("what does not go together is refused, with what is missing", () => {
  const says = (wanted: RegExp, ...lines: readonly string[]): void => {
    const checked = check(...lines);
    assert.ok(!checked.ok);
    assert.match(checked.problems.map(({ key, message }) => `${key}: ${message}`).join("\n"), wanted);
  };
  says(/queue: needs `blobs`/, "queue: redis://r:6379", "cluster: { key_file: key }");
  says(/queue: needs `cluster/, "queue: redis://r:6379", "blobs: ./shared");
  says(/key_file: file .* does not exist/, "blobs: ./shared", "cluster: { key_file: nowhere }");
  says(
    /needs one of `url`/,
    `queue: { url: "redis://r", cluster: ["n:1"] }`,
    "blobs: ./b",
    "cluster: { key_file: key }",
  );
  says(/must be a URL such as redis/, "queue: http://r:6379");
  says(/must be a folder, or a URL such as s3/, "blobs: gs://bucket");
  says(/belong together/, `blobs: { url: "s3://bucket", access_key: me }`, "cluster: { key_file: key }");
});

test("a folder is a path from the file on, a bucket is not", () => {
  assert.equal(configOf().blobs?.url, join(folder, "shared"));
  const s3 = check("blobs: s3://bucket/site", "cluster: { key_file: key }");
  assert.equal(s3.ok && s3.value.blobs?.url, "s3://bucket/site");
});

test("a key file that holds no key is refused", () => {
  const checked = check("blobs: ./shared", "cluster: { key_file: short }");
  assert.ok(checked.ok);
  assert.throws(
    () => clusterSeal(checked.value, "inspect"),
    (error) => isGatewayError(error, "CONFIG_INVALID"),
  );
});

test("docs/cluster.md explains every metric of the cluster", async () => {
  const registry = new Registry();
  createClusterMetrics(registry);
  const page = readFileSync(new URL("../../../docs/cluster.md", import.meta.url), "utf8");
  for (const { name } of await registry.getMetricsAsJSON()) assert.ok(page.includes(`\`${name}`), name);
});
