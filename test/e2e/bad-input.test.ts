/** A start that cannot be: one sentence that names the place and the remedy, exit code 2, nothing left behind. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { DatabaseSync } from "node:sqlite";
import { makeCertificates } from "../support/make-certificate.ts";
import { run } from "../support/sallyport.ts";

const folder = mkdtempSync(join(tmpdir(), "sallyport-bad-"));
const readOnly = join(folder, "read-only");
const taken = createServer();
let port = 0;

before(async () => {
  mkdirSync(readOnly);
  execFileSync("mount", ["-t", "tmpfs", "-o", "ro", "tmpfs", readOnly]);
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  const address = taken.address();
  port = typeof address === "object" && address ? address.port : 0;
});
after(() => {
  taken.close();
  execFileSync("umount", [readOnly]);
  rmSync(folder, { recursive: true });
});

const good: Readonly<Record<string, string>> = {
  data_dir: "./data",
  listen: '{ smtp: "127.0.0.1:0", web: "127.0.0.1:0" }',
  routes: '[{ domains: [a.test], next_hop: "127.0.0.1:1" }]',
  rules: "[]",
};

interface Case {
  /** Settings that replace good ones; null leaves one out. */
  readonly change?: Readonly<Record<string, string>>;
  /** Instead of a file made of settings. */
  readonly text?: string | Buffer;
  readonly files?: Readonly<Record<string, string | Buffer>>;
  readonly prepare?: (dir: string) => void;
  readonly says: RegExp;
  /** What the start may leave in the folder; else only what lay there before. */
  readonly leaves?: readonly string[];
}

const { good: pair } = makeCertificates("one.test");
const { good: other } = makeCertificates("two.test");
const tls = { smtp: "{ tls: { cert: cert.pem, key: key.pem } }" };

const cases: Readonly<Record<string, Case>> = {
  "no YAML": { text: "routes: [\n  {", says: /sallyport\.yaml:2:\d+: not YAML: / },
  "an empty file": { text: "", says: /sallyport\.yaml:1:1: / },
  "octets that are no text": {
    text: Buffer.from([0xff, 0xfe, 0x00, 0x80]),
    says: /cannot be read; file: .*sallyport\.yaml; /,
  },
  "an unknown name": {
    change: { lisen: '{ smtp: "127.0.0.1:0" }' },
    says: /sallyport\.yaml:5:1: lisen: unknown name; did you mean listen\?/,
  },
  "a value of the wrong kind": {
    change: { smtp: "{ message_size: 25 }" },
    says: /sallyport\.yaml:5:\d+: smtp\.message_size: must be a size such as /,
  },
  "a billion laughs": {
    text: `a: &a [x, x, x, x, x, x, x, x, x]\n${[..."bcdefghi"].map((name, i) => `${name}: &${name} [${Array(9).fill(`*${"abcdefgh"[i]}`).join(", ")}]`).join("\n")}\n`,
    says: /sallyport\.yaml:1:1: (?:not usable|not YAML|\w+: unknown name)/,
  },
  "times that contradict each other": {
    change: { routes: '[{ domains: [a.test], next_hop: "127.0.0.1:1", retry: { first: 5h, longest: 1h } }]' },
    says: /:3:\d+: routes\[0\]\.retry\.first: must not be longer than `longest`/,
  },
  "a next hop that is ourselves": {
    change: { listen: '{ smtp: "127.0.0.1:2525" }', routes: '[{ domains: [a.test], next_hop: "127.0.0.1:2525" }]' },
    says: /:3:\d+: routes\[0\]\.next_hop: 127\.0\.0\.1:2525 is our own listener: .*loop/,
  },
  "no route": { change: { routes: "[]" }, says: /:3:\d+: routes: / },
  "a folder of rules that is not there": {
    change: { rules: "[./no-rules]" },
    says: /:4:\d+: rules\[0\]: folder .*no-rules does not exist; write `rules: \[\]` to run without/,
  },
  "a policy that is not there": {
    change: { policy: "p.yaml" },
    says: /policy: file .*p\.yaml does not exist; leave `policy` out/,
  },
  "a policy with a mistake": {
    change: { policy: "p.yaml" },
    files: { "p.yaml": "version: 1\nrules:\n  - if: { severty: high }\n    then: quarantine\n  - then: forward\n" },
    says: /The policy is wrong; problem: .*p\.yaml:3:\d+: rules\[0\]\.if\.severty: unknown name; did you mean severity\?/,
  },
  "a policy without an answer for what could not be inspected": {
    change: { policy: "p.yaml" },
    files: { "p.yaml": "version: 1\nrules:\n  - if: { severity: high }\n    then: quarantine\n" },
    says: /The policy is wrong; problem: .*p\.yaml:\d+:\d+: /,
  },
  "a certificate without its key": {
    change: { smtp: "{ tls: { cert: cert.pem } }" },
    says: /smtp\.tls\.cert: has no `key` beside it/,
  },
  "a certificate that is not there": { change: tls, says: /smtp\.tls\.cert: file .*cert\.pem does not exist/ },
  "a certificate with another one's key": {
    change: tls,
    files: { "cert.pem": pair.cert, "key.pem": other.key },
    says: /smtp\.tls.*(?:key values mismatch|mismatch)/,
    leaves: ["data"],
  },
  "a certificate that is none": {
    change: tls,
    files: { "cert.pem": "rubbish", "key.pem": pair.key },
    says: /smtp\.tls.*cert\.pem/,
    leaves: ["data"],
  },
  "an SMTP port that is taken": {
    change: { listen: "{ smtp: 127.0.0.1:PORT, web: null }" },
    says: /cannot listen where it should; key: listen\.smtp; address: 127\.0\.0\.1:\d+; remedy: .*EADDRINUSE/,
    leaves: ["data"],
  },
  "a web port that is taken": {
    change: { listen: '{ smtp: "127.0.0.1:0", web: 127.0.0.1:PORT }' },
    says: /cannot listen where it should; key: listen\.web; .*EADDRINUSE/,
    leaves: ["data"],
  },
  "an address that is not ours": {
    change: { listen: '{ smtp: "192.0.2.1:2525", web: null }' },
    says: /cannot listen where it should; key: listen\.smtp; address: 192\.0\.2\.1:2525; remedy: .*EADDRNOTAVAIL/,
    leaves: ["data"],
  },
  "a data_dir that is a file": {
    files: { data: "" },
    says: /folder of the gateway's data cannot be used; data_dir: .*\/data; remedy: /,
  },
  "a data_dir on a file system that is read-only": {
    change: { data_dir: `${readOnly}/data` },
    says: /folder of the gateway's data cannot be used; data_dir: .*; remedy: .*(?:EROFS|read-only)/,
  },
  "a spool that cannot be made": {
    prepare: (dir) => {
      mkdirSync(join(dir, "data"));
      writeFileSync(join(dir, "data/spool"), "");
    },
    says: /The spool cannot be written; .*spool/,
  },
  "a spool of a newer version": {
    prepare: (dir) => {
      mkdirSync(join(dir, "data/spool"), { recursive: true });
      writeFileSync(join(dir, "data/spool/format"), "99\n");
    },
    says: /The spool has a format that this version does not know; found: 99; known: 1; remedy: start the version of Sallyport that wrote/,
  },
  "decisions of a newer version": {
    prepare: (dir) => {
      mkdirSync(join(dir, "data"));
      const database = new DatabaseSync(join(dir, "data/records.sqlite"));
      database.exec("PRAGMA user_version = 99");
      database.close();
    },
    says: /What people decided cannot be read; file: .*records\.sqlite; found: 99; known: 2; remedy: start the version/,
  },
  "decisions that are damaged": {
    prepare: (dir) => {
      mkdirSync(join(dir, "data"));
      writeFileSync(join(dir, "data/records.sqlite"), "rubbish".repeat(1_000));
    },
    says: /What people decided cannot be read; file: .*records\.sqlite; remedy: .*restore it from a backup; /,
  },
  "decisions that cannot be opened": {
    prepare: (dir) => mkdirSync(join(dir, "data/records.sqlite"), { recursive: true }),
    says: /What people decided cannot be read; file: .*records\.sqlite; remedy: look at its owner and mode/,
  },
};

function made(name: string, { change, text, files, prepare }: Case): string {
  const dir = mkdtempSync(join(folder, "case-"));
  const settings = Object.entries({ ...good, ...change }).map(([key, value]) => `${key}: ${value}\n`);
  const written = text ?? settings.join("").replaceAll("PORT", String(port));
  writeFileSync(join(dir, "sallyport.yaml"), written);
  for (const [file, content] of Object.entries(files ?? {})) writeFileSync(join(dir, file), content);
  prepare?.(dir);
  assert.ok(name);
  return dir;
}

const listed = (dir: string): readonly string[] => readdirSync(dir).sort();

test("a start that cannot be says why in one sentence", { concurrency: 2 }, async (t) => {
  for (const [name, one] of Object.entries(cases))
    void t.test(name, async () => {
      const dir = made(name, one);
      const before = listed(dir);
      const { exit, stdout, stderr } = await run(["run"], { cwd: dir });
      assert.match(stderr, one.says);
      assert.match(stderr, /^sallyport: [^\n]+\n$/, "one line");
      assert.doesNotMatch(stderr, /internal error|\n {4}at |undefined|\[object/);
      assert.equal(exit, 2);
      assert.doesNotMatch(stdout, /"event":"started"/);
      assert.deepEqual(listed(dir), [...new Set([...before, ...(one.leaves ?? [])])].sort());
      if (existsSync(join(dir, "data/spool/incoming")))
        assert.deepEqual(readdirSync(join(dir, "data/spool/incoming")), []);
    });
});

test("a configuration that is not there, or is a folder, is named", async () => {
  const missing = await run(["run", "--config", join(folder, "nowhere.yaml")]);
  assert.match(missing.stderr, /^sallyport: The configuration cannot be read; file: .*nowhere\.yaml; ENOENT/);
  const none = await run(["run"], { cwd: folder });
  assert.match(
    none.stderr,
    /^sallyport: The configuration cannot be read; problem: there is no .*; remedy: write one /,
  );
  const aFolder = await run(["run", "--config", folder]);
  assert.match(aFolder.stderr, /^sallyport: The configuration cannot be read; file: .*EISDIR/);
  assert.deepEqual([missing.exit, none.exit, aFolder.exit], [2, 2, 2]);
});
