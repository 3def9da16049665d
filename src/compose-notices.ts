/** Mail of our own, DSNs and alerts: messages of ours like any other, claimed, retried, never answered. */
import type { Config } from "./config-schema.ts";
import type { Envelope, QueueId } from "./core/message.ts";
import type { Reply } from "./core/status.ts";
import { makeAlert } from "./dispose/alert-mail.ts";
import type { Custody } from "./dispose/custody.ts";
import { makeDsn } from "./dispose/dsn.ts";
import { isAscii } from "./dispose/paths.ts";
import { alertKinds, type Digest } from "./observe/alerts.ts";
import type { Clock } from "./observe/clock.ts";
import { derivedId } from "./spool/ids.ts";
import type { Journal } from "./spool/journal.ts";
import type { Entry, Release, Spool } from "./spool/spool.ts";

/** Our own notices leave by a route that no recipient can ask for. */
export const noticeRoute = "(notifications)";
const mostHeader = 65_536;

export interface NoticesOptions {
  readonly config: Config;
  readonly spool: Spool;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly custody: Custody;
  readonly enqueue: (entry: Entry) => void;
}

interface Notice {
  readonly envelope: Pick<Envelope, "sessionId" | "client">;
  readonly queueId: QueueId;
  readonly to: string;
  readonly octets: Uint8Array;
  readonly smtpUtf8: boolean;
  /** What it is about; itself, if it is about no message. */
  readonly about: QueueId;
  readonly why: string;
}

async function firstOctets(entry: Entry, wanted: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of entry.octets()) {
    chunks.push(chunk);
    size += chunk.length;
    if (size >= wanted) break;
  }
  return Buffer.concat(chunks).subarray(0, wanted);
}

export function createNotices({ config, spool, journal, clock, custody, enqueue }: NoticesOptions) {
  const { hostname, notifications } = config;
  const from = notifications.from ?? `postmaster@${hostname}`;

  async function send(notice: Notice): Promise<void> {
    const at = clock.now().toISOString();
    const envelope: Envelope = {
      ...notice.envelope,
      queueId: notice.queueId,
      // RFC 5321 §4.5.5, RFC 3834 §3.3: nothing comes back.
      reversePath: "",
      forwardPaths: [{ address: notice.to, route: noticeRoute }],
      extensions: { eightBitMime: false, smtpUtf8: notice.smtpUtf8 },
      arrivedAt: at,
      trace: "",
    };
    const entry = await spool.arrive(
      envelope,
      (async function* () {
        yield notice.octets;
      })(),
    );
    const release: Release = { from: notice.about, notice: true, by: "sallyport", why: notice.why, at };
    await entry.once("release.json", () => release);
    await custody.claim(entry, "incoming");
    enqueue(entry);
  }

  /** In the spool, or known to the journal since. */
  async function exists(id: QueueId, since: string): Promise<boolean> {
    for await (const line of journal.read(new Date(since))) if (line.queueId === id) return true;
    return spool.find(id).then(
      () => true,
      () => false,
    );
  }

  return {
    /** Its id comes from what it reports, so it is sent once. */
    async bounce(entry: Entry, failed: ReadonlyMap<string, Reply>, hop: string, again: boolean): Promise<void> {
      const reports = [...failed].map(([forwardPath, answer]) => ({ forwardPath, reply: answer, hop }));
      const original = await firstOctets(entry, mostHeader);
      const now = clock.now();
      const dsn = makeDsn({ envelope: entry.envelope, failed: reports, original, hostname, from, now });
      if (!dsn) return;
      const queueId = derivedId(entry.id, `dsn ${JSON.stringify([...failed.keys()].sort())}`);
      if (again && (await exists(queueId, entry.envelope.arrivedAt))) return;
      const { forwardPath: to, octets, smtpUtf8 } = dsn;
      const why = "delivery status notification";
      await send({ envelope: entry.envelope, queueId, to, octets, smtpUtf8, about: entry.id, why });
    },

    /** False if nobody is to be told by mail. */
    async alert({ kind, lines, more }: Digest): Promise<boolean> {
      const to = notifications.postmaster;
      if (to === undefined) return false;
      const queueId = spool.newId();
      const [subject, advice] = alertKinds[kind];
      const octets = makeAlert({ id: queueId, subject, lines, more, advice, hostname, from, to, now: clock.now() });
      const client = { address: "127.0.0.1", port: 0, name: null, helo: hostname, protocol: "SMTP", tls: null };
      const smtpUtf8 = !isAscii(to + from + hostname);
      const why = `alert: ${kind}`;
      await send({ envelope: { sessionId: "", client }, queueId, to, octets, smtpUtf8, about: queueId, why });
      return true;
    },
  };
}
