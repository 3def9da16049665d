/** Alerts: gathered, mailed through a real next hop, never more than one of a kind in a time. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { startAlerts } from "../../../src/compose-alerts.ts";
import type { Config } from "../../../src/config-schema.ts";
import type { QueueId } from "../../../src/core/message.ts";
import { alertKinds } from "../../../src/observe/alerts.ts";
import { silent } from "../../../src/observe/log.ts";
import { createMetrics } from "../../../src/observe/metrics.ts";
import { type Life, type Rig, type RigOptions, started } from "../../support/custody-rig.ts";
import { eventually } from "../../support/eventually.ts";
import { makeCertificates } from "../../support/make-certificate.ts";

const to = "admin@client.test";
const id = "01ARZ3NDEKTSV4RRFFQ69G5FAV" as QueueId;

interface Stage {
  readonly rig: Rig;
  readonly life: Life;
  readonly metrics: ReturnType<typeof createMetrics>;
  readonly logged: Readonly<Record<string, unknown>>[];
  /** What stands wrong. */
  readonly wrong: {
    room: number;
    scanner: string | null;
    problems: { pack: string; file: string; message: string }[];
    unaccounted: QueueId[];
  };
  begin(): ReturnType<typeof startAlerts>;
}

async function stage(
  t: TestContext,
  options: RigOptions = {},
  { cert }: { readonly cert?: string } = {},
): Promise<Stage> {
  const { rig, life } = await started(t, { notifications: { postmaster: to, alerts_every: "1h" }, ...options });
  const metrics = createMetrics();
  const logged: Record<string, unknown>[] = [];
  const wrong: Stage["wrong"] = { room: 1e12, scanner: null, problems: [], unaccounted: [] };
  const scanner = {
    unready: () => wrong.scanner,
    rules: {
      get problems() {
        return wrong.problems.map((problem) => ({ ...problem, line: 3, column: 1, code: "", level: "error" as const }));
      },
    },
  };
  const begin = (): ReturnType<typeof startAlerts> => {
    const alerts = startAlerts({
      config: cert === undefined ? life.config : withCertificate(life.config, join(rig.dir, cert)),
      clock: rig.clock,
      log: { ...silent, warn: (event, fields = {}) => void logged.push({ event, ...fields }) },
      metrics,
      scanner,
      parts: life.parts,
      room: () => wrong.room,
      unaccounted: () => wrong.unaccounted,
      gatherMs: 60,
      lookEveryMs: 20,
    });
    t.after(() => alerts.close());
    return alerts;
  };
  return { rig, life, metrics, logged, wrong, begin };
}

const withCertificate = (config: Config, cert: string): Config => ({
  ...config,
  smtp: { ...config.smtp, tls: { ...config.smtp.tls, cert } },
});
const texts = (rig: Rig): readonly string[] => rig.taken.map(({ octets }) => octets.toString());
const about = (rig: Rig, subject: string): readonly string[] => texts(rig).filter((text) => text.includes(subject));
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test("a thousand corrupt messages make one mail, with the null reverse-path and for nobody's program to answer", async (t) => {
  const { rig, life, metrics, begin } = await stage(t);
  const alerts = begin();
  for (let i = 0; i < 1_000; i++) alerts.corrupt(id);
  await rig.arrive(1);
  for (let i = 0; i < 50; i++) alerts.corrupt(id);
  await pause(300);
  assert.equal(rig.taken.length, 1);
  const [message] = rig.taken;
  assert.deepEqual([message?.reversePath, message?.forwardPaths], ["", [to]]);
  const text = texts(rig)[0] ?? "";
  assert.match(text, /^Auto-Submitted: auto-generated\r$/m);
  assert.match(text, /^Subject: \[sallyport\] A message that is ours cannot be read\r$/m);
  assert.match(text, /^To: <admin@client\.test>\r$/m);
  assert.equal(text.split(`queue id ${id}`).length - 1, 20);
  assert.match(text, /and 980 more/);
  rig.clock.skip(3_600_000);
  await life.settled();
  assert.match(await metrics.registry.metrics(), /sallyport_alerts_total\{kind="corrupt"\} 1/);
});

test("what comes within the hour waits for its end, then goes in one mail", async (t) => {
  const { rig, begin } = await stage(t, { notifications: { postmaster: to, alerts_every: "400ms" } });
  const alerts = begin();
  alerts.corrupt(id);
  await rig.arrive(1);
  for (let i = 0; i < 5; i++) alerts.corrupt(id);
  await rig.arrive(2);
  assert.equal((texts(rig)[1] ?? "").split("queue id").length - 1, 5);
  assert.equal(rig.taken.length, 2);
});

test("standing conditions are told when they begin, and not again by the next look or the next start", async (t) => {
  const { rig, life, wrong, begin } = await stage(t, { notifications: { postmaster: to, alerts_every: "50ms" } });
  wrong.room = -1;
  wrong.scanner = "no scan child is ready";
  wrong.unaccounted = [id];
  wrong.problems = [{ pack: "own", file: "a.yar", message: "unknown \u202e\x1b[2J thing\r\nBcc: x@y" }];
  const first = begin();
  await rig.arrive(4);
  await pause(300);
  assert.equal(rig.taken.length, 4);
  for (const kind of ["disk", "scanner", "unaccounted", "rules"] as const)
    assert.equal(about(rig, `Subject: [sallyport] ${alertKinds[kind][0]}`).length, 1, kind);
  const [rules = ""] = about(rig, "own/a.yar:3");
  assert.doesNotMatch(rules, /[^\r\n\x20-\x7e]|^Bcc/m);
  await first.close();
  begin();
  await pause(300);
  assert.equal(rig.taken.length, 4);
  rig.clock.skip(86_400_001);
  await rig.arrive(8);
  await life.settled();
});

test("what was gathered and not sent when the gateway ended is told by the next", async (t) => {
  const { rig, wrong, begin } = await stage(t);
  wrong.room = -1;
  const first = begin();
  await pause(50);
  await first.close();
  assert.equal(rig.taken.length, 0);
  begin();
  await rig.arrive(1);
});

test("held messages about to expire, and a class that takes more than its share of the quota", async (t) => {
  const { rig, begin } = await stage(t);
  const alerts = begin();
  for (let i = 0; i < 3; i++) alerts.expiresSoon(id, 3_600_000 * 20);
  const fits = { count: 1, size: 2 ** 30, allowed: 2 ** 30 };
  const totals = { critical: fits, found: fits, policy: fits };
  for (const size of [30, 31]) alerts.held({ ...totals, incomplete: { ...fits, size: size * 2 ** 30 } });
  await rig.arrive(2);
  assert.match(about(rig, "expire within a day")[0] ?? "", /queue id \w{26}, in 20 hours/);
  assert.match(about(rig, "more than their share")[0] ?? "", /class incomplete: 30\.0 GiB held, 1\.0 GiB allowed/);
});

test("a certificate that ends within two weeks", async (t) => {
  const { rig, life, begin } = await stage(t, {}, { cert: "cert.pem" });
  const file = join(rig.dir, "cert.pem");
  writeFileSync(file, makeCertificates("mx.test").good.cert);
  begin();
  rig.clock.skip(10 * 86_400_000);
  await rig.arrive(1);
  assert.match(texts(rig)[0] ?? "", /cert\.pem: (?:9|10) days left/);
  await life.settled();
});

test("a next hop that has failed for long is told of once; one that is back meanwhile is not", async (t) => {
  const { rig, life, begin } = await stage(t, {
    route: { reply_after: "spool", next_hop: "127.0.0.1:1", retry: { first: "1h" } },
    notifications: { postmaster: to, next_hop_down: "10m", alerts_every: "50ms" },
  });
  begin();
  await life.send();
  await eventually("it has failed", () => life.parts.health.down(0).length === 1);
  await pause(100);
  assert.equal(rig.taken.length, 0, "not yet");
  rig.clock.skip(600_001);
  await eventually(
    "it is logged, since its mail cannot leave either",
    () => life.parts.health.down(600_000).length > 0,
  );
  const notices = await eventually("its mail is in the spool", async () => {
    for await (const line of life.journal.read()) if (line.forwardPaths.includes(to)) return line;
    return null;
  });
  assert.equal(notices.reversePath, "");
});

test("without a postmaster alerts are in the log and in the metrics alone", async (t) => {
  const { rig, metrics, logged, begin } = await stage(t, { notifications: {} });
  const alerts = begin();
  alerts.corrupt(id);
  const line = await eventually("it is logged", () => logged.find(({ event }) => event === "alert"));
  assert.deepEqual([line["alert"], line["mailed"], line["count"]], ["corrupt", false, 1]);
  assert.match(await metrics.registry.metrics(), /sallyport_alerts_total\{kind="corrupt"\} 1/);
  assert.equal(rig.taken.length, 0);
});
