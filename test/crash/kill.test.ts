/** The real gateway under kill -9 and a next hop that comes and goes: what got a 250 arrives or is held, nothing hostile arrives, all is accounted for. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { eicar, zip } from "../../fixtures/make.ts";
import { startFakeNextHop } from "../support/fake-next-hop.ts";
import { freePort, type Gateway, root, startGateway } from "../support/gateway.ts";
import { send } from "../support/send.ts";

interface Sent {
  readonly id: string;
  readonly isBad: boolean;
  replies: string[];
}

/** Sixty in `npm test`, two thousand in `npm run test:crash`. */
const count = Number(process.env["CRASH_MESSAGES"]) || 60;
const kills = Math.ceil(count / 12);

function message(id: string, isBad: boolean, size: number): Buffer {
  const head = `From: a@client.test\r\nTo: b@bench.test\r\nSubject: ${id}\r\nX-Test-Id: ${id}\r\n`;
  const filler = `${"0123456789".repeat(7)}\r\n`.repeat(Math.ceil(size / 72));
  if (!isBad) return Buffer.from(`${head}\r\n${filler}`);
  const attached = zip([{ name: "eicar.com", data: eicar() }])
    .toString("base64")
    .replace(/.{1,76}/g, "$&\r\n");
  return Buffer.from(
    `${head}MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n${filler}--b\r\nContent-Type: application/zip; name=a.zip\r\nContent-Transfer-Encoding: base64\r\n\r\n${attached}--b--\r\n`,
  );
}

/** As a sender's MTA does: again and again until it hears 2yz. */
async function deliver(port: number, one: Sent): Promise<void> {
  const octets = message(one.id, one.isBad, one.id.endsWith("7") ? 600_000 : 2_000);
  for (let tries = 0; tries < 200; tries++) {
    const { reply } = await send(port, octets);
    one.replies.push(reply ?? "none");
    if (reply?.startsWith("2")) return;
    assert.ok(!reply?.startsWith("5"), `${one.id} was refused for good: ${reply}`);
    await sleep(300);
  }
  assert.fail(`${one.id} was never taken: ${one.replies.slice(-5).join(", ")}`);
}

for (const mode of ["delivery", "verdict", "spool"] as const)
  test(`nothing is lost and nothing leaks under kill -9, with reply_after ${mode}`, {
    timeout: 120_000 + count * 2_000,
  }, async (t) => {
    const hop = await startFakeNextHop();
    const dir = mkdtempSync(join(tmpdir(), "kill-"));
    const options = {
      dir,
      smtpPort: await freePort(),
      nextHop: hop.hop,
      route: `reply_after: ${mode}, verify_recipients: false, retry: { first: 500ms, longest: 1s, expire: 1d }`,
      more: "scan: { workers: 1 }\nspool: { min_free: 1MiB }\nlog: { level: error }",
    };
    let gateway: Gateway = await startGateway(options);
    t.after(async () => {
      await gateway.stop("SIGKILL");
      await hop.close();
      gateway.cleanUp();
    });

    const all: Sent[] = Array.from({ length: count }, (_, i) => ({
      id: `m${mode}${i}`,
      isBad: i % 4 === 3,
      replies: [],
    }));
    const waiting = [...all];
    const sender = async (): Promise<void> => {
      for (let one = waiting.shift(); one; one = waiting.shift()) await deliver(gateway.smtp, one);
    };
    const senders = Promise.all([sender(), sender(), sender(), sender()]);
    for (let kill = 0; kill < kills; kill++) {
      await sleep(300 + ((kill * 137) % 700));
      hop.say({ RCPT: kill % 2 === 0 ? "451 4.3.0 not now" : "250 2.1.5 ok" });
      await gateway.stop("SIGKILL");
      gateway = await startGateway(options);
    }
    hop.say({ RCPT: "250 2.1.5 ok" });
    await senders;

    const pending = async (): Promise<number> => {
      const metrics = await (await fetch(`http://127.0.0.1:${gateway.web}/metrics`)).text();
      return [...metrics.matchAll(/^sallyport_spool_messages\{state="(?:incoming|active|deferred)"\} (\d+)/gm)].reduce(
        (sum, [, n]) => sum + Number(n),
        0,
      );
    };
    for (let looks = 0; (await pending()) > 0 && looks < 300; looks++) await sleep(200);
    assert.equal(await pending(), 0, "messages still wait");

    const arrived = hop.messages.map((one) => /^X-Test-Id: (\S+)/m.exec(one.octets.toString("latin1"))?.[1] ?? "");
    for (const { id, isBad, replies } of all) {
      const times = arrived.filter((each) => each === id).length;
      if (isBad) assert.equal(times, 0, `${id} is hostile and has arrived`);
      else assert.ok(times >= 1, `${id} is lost`);
      // A copy more for each time that nobody heard our reply (RFC 1047), and for each kill between the next hop's 250 and our record of it.
      assert.ok(times <= replies.length + kills, `${id} arrived ${times} times after ${replies.join(", ")}`);
    }
    assert.equal((await gateway.stop("SIGTERM")) ?? 0, 0);
    const account = JSON.parse(
      execFileSync(
        process.execPath,
        [join(root, "src/main.ts"), "doctor", "--reconcile", "--days", "all", "--json", "--config", gateway.config],
        { encoding: "utf8" },
      ),
    ) as { readonly unaccounted: readonly string[] };
    assert.deepEqual(account.unaccounted, []);
    gateway = await startGateway(options);
  });
