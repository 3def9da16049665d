import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startListener } from "../../../src/accept/listener.ts";
import { selfSigned } from "../../../src/accept/self-signed.ts";
import { GatewayError } from "../../../src/core/errors.ts";
import { reply } from "../../../src/core/status.ts";
import { type EdgeOptions, startEdge } from "../../support/edge.ts";
import { Talk } from "../../support/smtp-talk.ts";
import { temporaryFolder } from "../../support/spool.ts";

async function transaction(talk: Talk, sender = "a@client.example"): Promise<string> {
  await talk.ask(`MAIL FROM:<${sender}>`);
  await talk.ask("RCPT TO:<b@site.example>");
  return talk.ask("DATA");
}

async function hello(port: number): Promise<Talk> {
  const talk = await Talk.connect(port);
  await talk.reply();
  await talk.ask("EHLO client.example");
  return talk;
}

test("a large message arrives octet for octet, through a spool that is slower than the client", async (t) => {
  const edge = await startEdge(t);
  const talk = await hello(edge.port);
  await transaction(talk);
  const body = `Subject: x\r\n\r\n${`${"QUJD".repeat(19)}\r\n..stuffed\r\n`.repeat(80_000)}`;
  await talk.send(`${body}.\r\n`);
  assert.match((await talk.reply())[0] ?? "", /^250 /);
  assert.ok(edge.received[0]?.octets.equals(Buffer.from(body.replaceAll("\r\n..", "\r\n."), "latin1")));
  talk.end();
});

test("reading pauses when the spool does not take more, and no time-out of the client runs", async (t) => {
  let taken = 0;
  const options: EdgeOptions = {
    // The client's TCP asks ever more seldom whether a closed window is open again (RFC 9293 §3.8.6.1): here it does within 3.2 s.
    config: { smtp: { data_timeout: "4s" } },
    deps: {
      spool: {
        newId: () => "01HZZZZZZZZZZZZZZZZZZZZZZZ" as ReturnType<Parameters<typeof startListener>[0]["spool"]["newId"]>,
        room: () => Promise.resolve(1e9),
        async arrive(_envelope, content) {
          for await (const piece of content) {
            taken += piece.length;
            if (taken === piece.length) await sleep(5000);
          }
          throw new GatewayError("SPOOL_FULL");
        },
      },
    },
  };
  const edge = await startEdge(t, options);
  const talk = await hello(edge.port);
  await transaction(talk);
  const sent = talk.send(`Subject: x\r\n\r\n${`${"x".repeat(998)}\r\n`.repeat(20_000)}.\r\n`);
  await sleep(200);
  assert.ok(taken < 200_000, `${taken} octets were taken from a paused reader`);
  await sent;
  assert.match((await talk.reply())[0] ?? "", /^452 4\.3\.1/);
  assert.match(await talk.ask("NOOP"), /^250/);
  talk.end();
});

test("a spool that is full or broken in the middle of a message is a 4yz after the final dot, and the session is in step", async (t) => {
  for (const [code, wanted] of [
    ["SPOOL_FULL", /^452 4\.3\.1/],
    ["SPOOL_UNWRITABLE", /^451 4\.3\.0/],
  ] as const) {
    const broken = {
      newId: () => "01HZZZZZZZZZZZZZZZZZZZZZZZ" as ReturnType<Parameters<typeof startListener>[0]["spool"]["newId"]>,
      room: () => Promise.resolve(1e9),
      arrive: async (_envelope: unknown, content: AsyncIterable<Uint8Array>) => {
        for await (const _piece of content) throw new GatewayError(code);
        throw new GatewayError(code);
      },
    };
    const edge = await startEdge(t, { deps: { spool: broken } });
    const talk = await hello(edge.port);
    await transaction(talk);
    await talk.send(`Subject: x\r\n\r\n${`${"x".repeat(998)}\r\n`.repeat(2000)}MAIL FROM:<c@client.example>\r\n.\r\n`);
    assert.match((await talk.reply())[0] ?? "", wanted);
    assert.match(await talk.ask("NOOP"), /^250/);
    talk.end();
  }
});

test("overload is said at MAIL, and so is a declared size for which there is no room", async (t) => {
  let overloaded = true;
  const edge = await startEdge(t, {
    config: { smtp: { message_size: "64GiB" } },
    deps: { admit: () => (overloaded ? reply(4, 52, "3.1", "Too full") : null) },
  });
  const talk = await hello(edge.port);
  assert.equal(await talk.ask("MAIL FROM:<a@client.example>"), "452 4.3.1 Too full");
  overloaded = false;
  const room = await edge.spool.room();
  const tooLarge = Math.min(room + 2 ** 30, 64 * 2 ** 30);
  if (tooLarge > room) assert.match(await talk.ask(`MAIL FROM:<a@client.example> SIZE=${tooLarge}`), /^452 4\.3\.1/);
  assert.match(await talk.ask("MAIL FROM:<a@client.example> SIZE=1000000"), /^250/);
  talk.end();
});

test("a slow-drip sender is cut, by its average and not by its pauses", async (t) => {
  let now = 0;
  const clock = { now: () => new Date(), monotonic: () => now };
  const edge = await startEdge(t, { config: { smtp: { slowest_data: "1kB" } }, deps: { clock } });
  const talk = await hello(edge.port);
  await transaction(talk);
  await talk.send(`Subject: x\r\n\r\n${"x".repeat(40_000)}\r\n`);
  await sleep(30);
  now += 31_000;
  await talk.send("still fast enough on average\r\n");
  await sleep(30);
  assert.equal(talk.unread, "");
  now += 31_000;
  await talk.send("y\r\n");
  assert.match((await talk.reply())[0] ?? "", /^421 4\.4\.2/);
  await talk.closed();
  assert.equal(edge.received.length, 0);
});

test("verify that fails, or the client leaving while it runs, does no harm", async (t) => {
  let aborted = false;
  const edge = await startEdge(t, {
    deps: {
      verify: (_route, _from, to, signal) =>
        to.startsWith("bug@")
          ? Promise.reject(new TypeError("a bug"))
          : new Promise((resolve) => {
              signal.addEventListener("abort", () => {
                aborted = true;
                resolve(reply(4, 51, "4.1", "aborted"));
              });
            }),
    },
  });
  const talk = await hello(edge.port);
  await talk.ask("MAIL FROM:<a@client.example>");
  assert.match(await talk.ask("RCPT TO:<bug@site.example>"), /^450 4\.4\.1/);
  await talk.send("RCPT TO:<b@site.example>\r\n");
  await sleep(30);
  talk.end();
  await sleep(50);
  assert.ok(aborted);
});

test("a new certificate is used for the next STARTTLS", async (t) => {
  const dir = await temporaryFolder(t);
  const files = { cert: join(dir, "c.pem"), key: join(dir, "k.pem") };
  const write = async (name: string): Promise<void> => {
    const made = selfSigned(name, new Date());
    await writeFile(files.cert, made.cert);
    await writeFile(files.key, made.key);
  };
  await write("one.test");
  const edge = await startEdge(t, { config: { smtp: { tls: files } } });
  const subject = async (): Promise<string> => {
    const talk = await hello(edge.port);
    assert.match(await talk.ask("STARTTLS"), /^220/);
    await talk.startTls();
    const name = talk.certificate;
    talk.end();
    return name;
  };
  assert.equal(await subject(), "one.test");
  await write("two.test");
  await edge.listener.refreshCertificate();
  assert.equal(await subject(), "two.test");
});

test("an old TLS version is not spoken", async (t) => {
  const edge = await startEdge(t);
  const talk = await hello(edge.port);
  await talk.ask("STARTTLS");
  await assert.rejects(talk.startTls({ maxVersion: "TLSv1.1", minVersion: "TLSv1" }));
  talk.end();
});

test("an address that is taken is an error at the start, and nothing stays open", async (t) => {
  const edge = await startEdge(t);
  await assert.rejects(startEdge(t, { config: { listen: { smtp: ["127.0.0.1:0", `127.0.0.1:${edge.port}`] } } }), {
    code: "EADDRINUSE",
  });
});

test("several addresses, IPv6 among them, share one count of connections", async (t) => {
  const edge = await startEdge(t, {
    config: { listen: { smtp: ["127.0.0.1:0", "[::1]:0"] }, smtp: { max_connections: 1 } },
  });
  const [, second] = edge.listener.addresses;
  const talk = await hello(edge.port);
  const other = await Talk.connect(second?.port ?? 0, "::1");
  assert.match((await other.reply())[0] ?? "", /^421 /);
  talk.end();
  other.end();
});

test("the log and the metrics say what happened to each message", async (t) => {
  const edge = await startEdge(t);
  const talk = await hello(edge.port);
  await transaction(talk);
  await talk.send("x\r\n.\r\n");
  await talk.reply();
  await talk.ask("MAIL FROM:<a@client.example>");
  await talk.ask("RCPT TO:<nobody@site.example>");
  await talk.ask("QUIT");
  await talk.closed();
  const id = edge.received[0]?.envelope.queueId;
  const mine = edge.log.filter((entry) => entry["queue_id"] === id).map((entry) => entry["event"]);
  assert.deepEqual(mine, ["accepted", "replied"]);
  const rejected = edge.log.find((entry) => entry["event"] === "rejected");
  assert.equal(rejected?.["forward_path"], "nobody@site.example");
  assert.deepEqual([rejected?.["reply"], rejected?.["status"]], [550, "5.1.1"]);
  const kinds = edge.events.map((event) => event.kind);
  assert.deepEqual(kinds, ["connected", "received", "replied", "refused"]);
});

test("connections that end in any way are forgotten", async (t) => {
  const edge = await startEdge(t, { config: { smtp: { max_connections: 8, command_timeout: "5s" } } });
  const ways: readonly ((talk: Talk) => Promise<unknown>)[] = [
    () => Promise.resolve(),
    (talk) => talk.reply(),
    (talk) => talk.send("STARTTLS\r\n"),
    (talk) => talk.send("EHLO client.example\r\nSTARTTLS\r\n\x16\x03\x01garbage garbage garbage\r\n"),
    (talk) => talk.send("EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<b@site.example>\r\n"),
    async (talk) => {
      await talk.reply();
      await talk.ask("EHLO x");
      await transaction(talk);
      await talk.send(`${"x".repeat(70_000)}\r\n`);
    },
    async (talk) => {
      await talk.reply();
      await talk.ask("EHLO x");
      await transaction(talk, "hang@client.example");
      await talk.send("x\r\n.\r\n");
    },
  ];
  for (let round = 0; round < 6; round++) {
    const talks = await Promise.all(ways.map(() => Talk.connect(edge.port)));
    await Promise.all(talks.map((talk, i) => ways[i]?.(talk)));
    if (round % 2 === 0) await sleep(20);
    for (const talk of talks) talk.end();
    await sleep(60);
  }
  const talks = await Promise.all(Array.from({ length: 8 }, () => Talk.connect(edge.port)));
  for (const talk of talks) assert.match((await talk.reply())[0] ?? "", /^220 /);
  for (const talk of talks) talk.end();
  const failures = edge.log.filter((entry) => entry["level"] === "error");
  assert.deepEqual(failures, []);
});
