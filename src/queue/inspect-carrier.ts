/** Carries inspect jobs: the octets of a part go sealed into the blob store under a name that tells nothing, all else sealed into Redis. */
import { createHash } from "node:crypto";
import type { BlobStore } from "../blobs/blob-store.ts";
import type { Content, InspectJob, Job, JobResult } from "../core/job.ts";
import type { Bytes, Millis, View } from "../core/message.ts";
import type { PartReport } from "../core/outcome.ts";
import { type Seal, sealBytes } from "../seal.ts";
import type { Answer, Carrier, Unpacked } from "./carrier.ts";

export interface Held {
  readonly content: Content;
  readonly size: Bytes;
  release(): Promise<void>;
}

export interface InspectCarrierOptions {
  readonly seal: Seal;
  readonly blobs: BlobStore;
  /** Inspector → version, of the code that judges here. */
  readonly versions: () => Readonly<Record<string, string>>;
  /** The octets of a view of a file, still wrapped as they came. */
  readonly read: (content: Extract<Content, { readonly kind: "file" }>, view: View) => AsyncIterable<Uint8Array>;
  /** Keeps octets until they are released, in memory or in a file. */
  readonly hold: (octets: AsyncIterable<Uint8Array>) => Promise<Held>;
  readonly isLasting: (report: PartReport) => boolean;
}

/** Below `parts/`; swept after `partsKeptMs`. */
export const partsPrefix = "parts/";
export const partsKeptMs: Millis = 3_600_000;
/** A part that was put so long ago is put again, lest it be swept before it is fetched. */
const freshMs: Millis = partsKeptMs / 2;
/** Asking whether it is there costs as much as putting it, below this. */
const askFrom: Bytes = 256 * 1024;
const mostKnown = 50_000;
/** Names by the thousand are not worth sending: such a part is judged where it is. */
const largestOrder: Bytes = 256 * 1024;

/** What a job is without its octets. */
interface Order {
  readonly id: string;
  readonly blob: string;
  readonly job: Omit<InspectJob, "content" | "id">;
}

/** Both engines give the same findings (the engines' contract), so a worker may have either. */
const withoutEngine = (versions: Readonly<Record<string, string>>): readonly (readonly string[])[] =>
  Object.entries(versions)
    .map(([name, version]) => [name, version.replace(/ (?:wasm|native)\b/, "")])
    .sort(([a = ""], [b = ""]) => (a < b ? -1 : 1));

/** What the result of a job depends on besides the job: rules and code. */
export const fitOf = (ruleSet: string, versions: Readonly<Record<string, string>>): string =>
  createHash("sha256")
    .update(JSON.stringify([ruleSet, withoutEngine(versions)]))
    .digest("hex")
    .slice(0, 32);

const requireInspect = (job: Job): InspectJob => {
  if (job.kind !== "inspect") throw new TypeError(`a ${job.kind} job is not sent away`);
  return job;
};

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

export function inspectCarrier(options: InspectCarrierOptions): Carrier<Job, JobResult> {
  const { seal, blobs, hold } = options;
  /** Blobs that were put or seen, and when; in flight ones as well, so that equal parts are put once. */
  const known = new Map<string, { readonly at: Millis; readonly put: Promise<void> }>();

  const keyOf = ({ part, view }: InspectJob): string => `${partsPrefix}${seal.nameOf(part.sha256)}.${view.encoding}`;

  async function bring(key: string, { content, view }: InspectJob): Promise<void> {
    if (view.length >= askFrom) {
      const there = await blobs.stat(key);
      if (there && Date.now() - there.modifiedAt.getTime() < freshMs) return;
    }
    const context = `blob ${key}`;
    const octets =
      content.kind === "bytes"
        ? seal.seal(content.bytes.subarray(view.offset, view.offset + view.length), context)
        : seal.sealAll(options.read(content, view), context);
    await blobs.put(key, view.length + sealBytes, octets, { transient: true });
  }

  function ensure(key: string, job: InspectJob): Promise<void> {
    const before = known.get(key);
    if (before && Date.now() - before.at < freshMs) return before.put;
    const put = bring(key, job);
    known.delete(key);
    known.set(key, { at: Date.now(), put });
    put.catch(() => known.delete(key));
    for (const oldest of known.keys()) {
      if (known.size <= mostKnown) break;
      known.delete(oldest);
    }
    return put;
  }

  return {
    idOf: ({ id }) => seal.nameOf(id),
    fitOf: (job) => fitOf(requireInspect(job).ruleSet, options.versions()),
    async pack(given, signal) {
      const job = requireInspect(given);
      const blob = keyOf(job);
      const { content: _content, id, ...rest } = job;
      const view: View = { ...job.view, offset: 0 };
      const order: Order = { id, blob, job: { ...rest, view, part: { ...job.part, view } } };
      const plain = json(order);
      if (plain.length > largestOrder) throw new RangeError("a job with too many names");
      await ensure(blob, job);
      signal.throwIfAborted();
      return { sealed: seal.seal(plain, `job ${seal.nameOf(id)}`), priority: job.priority ?? null };
    },
    async unpack(sealed, id): Promise<Unpacked<Job>> {
      const { blob, ...order } = JSON.parse(seal.open(sealed, `job ${id}`).toString()) as Order;
      const { content, size, release } = await hold(seal.openAll(await blobs.get(blob), `blob ${blob}`));
      // Equal content may be wrapped in lines of other lengths: what counts is what was fetched.
      const view: View = { ...order.job.view, length: size };
      const job: InspectJob = { ...order.job, id: order.id, content, view, part: { ...order.job.part, view } };
      return { job, release };
    },
    forget: (job) => void known.delete(keyOf(requireInspect(job))),
    sealResult: (id, answer) => seal.seal(json(answer), `result ${id}`),
    openResult: (id, sealed) => JSON.parse(seal.open(sealed, `result ${id}`).toString()) as Answer<JobResult>,
    isLasting: (result) => "outcomes" in result && "spent" in result && options.isLasting(result),
    poisoned: (): PartReport => ({
      types: [],
      members: [],
      outcomes: [
        {
          part: "",
          inspector: "sandbox",
          kind: "incomplete",
          why: "crashed",
          text: "Three workers that looked at it died",
        },
      ],
      spent: { members: 0, bytes: 0, ms: 0 },
      timings: {},
      versions: options.versions(),
    }),
  };
}
