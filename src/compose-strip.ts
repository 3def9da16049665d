/** Wires stripping: asks a child where to cut, writes the copy, and lets it be judged like any message; only what would be forwarded is a copy. */
import { spliced } from "./dispose/splice.ts";
import type { Config } from "./config-schema.ts";
import type { Scanner } from "./compose-scan.ts";
import { isGatewayError } from "./core/errors.ts";
import type { Cutting, Edit } from "./core/cutting.ts";
import type { Target } from "./core/job.ts";
import type { Envelope, Part, QueueId } from "./core/message.ts";
import type { Dissection, Inspection } from "./core/outcome.ts";
import type { MakeCopy, StripGroup } from "./dispose/strip.ts";
import { type RemovedPart, stripNotice } from "./dispose/strip-notice.ts";
import { judge, type Stages } from "./pipeline.ts";
import type { Entry, Removed, Spool, Stripped } from "./spool/spool.ts";

export interface StripperOptions {
  readonly config: Pick<Config, "hostname" | "notifications">;
  readonly spool: Spool;
  readonly scanner: Pick<Scanner, "cutOut">;
  readonly stages: Stages;
}

/** What nobody says but by the octets: the dissector knows declared types alone. */
const sealed = /^application\/(?:x-)?pkcs7-mime$|^application\/pgp-encrypted$/;
const rootOf = (path: string): string => path.split("/", 1)[0] ?? path;
const scannerIsDown = (error: unknown): boolean =>
  isGatewayError(error, "SCANNER_UNAVAILABLE") || isGatewayError(error, "QUEUE_UNAVAILABLE");

class Refusal extends Error {}

interface Judged {
  readonly dissection: Dissection;
  /** By path; with members, and with identified types. */
  readonly parts: ReadonlyMap<string, Part>;
}

async function judged(entry: Entry): Promise<Judged> {
  const dissection = await entry.read<Dissection>("parts.json");
  const inspection = await entry.read<Inspection>("inspection.json");
  if (!dissection || !inspection) throw new Refusal("It is not known what it holds");
  return { dissection, parts: new Map(inspection.parts.map((part) => [part.path, part])) };
}

/** The parts that the reasons name, each with what was found inside it. What is said of the message itself shows in the judgement on the copy. */
function targetsOf({ because }: StripGroup, { dissection, parts }: Judged): ReadonlyMap<Target, readonly Part[]> {
  const known = new Map(dissection.parts.map((part) => [part.path, part]));
  const found = new Map<string, Part[]>();
  for (const { part: path } of because) {
    const root = known.get(rootOf(path));
    if (!root?.view || root.role === "message") continue;
    const inside = parts.get(path);
    found.set(root.path, [...(found.get(root.path) ?? []), ...(inside && path !== root.path ? [inside] : [])]);
  }
  return new Map(
    [...found].flatMap(([path, inside]) => {
      const root = known.get(path);
      return root?.view ? [[{ path, role: root.role, view: root.view }, inside] as const] : [];
    }),
  );
}

function factsOf(path: string, inside: readonly Part[], { parts }: Judged): RemovedPart & Removed {
  const part = parts.get(path);
  const names = inside.flatMap((each) => (each.role === "artefact" ? [] : each.names.slice(0, 1)));
  return {
    path,
    names: part?.names ?? [],
    types: [...(part?.types ?? []), ...(part?.declaredTypes ?? [])],
    size: part?.size ?? 0,
    sha256: part?.sha256 ?? ("" as Part["sha256"]),
    inside: [...new Set(names)],
  };
}

function copyOf({ envelope }: Entry, { forwardPaths }: StripGroup, id: QueueId): Envelope {
  const mine = envelope.forwardPaths.filter(({ address }) => forwardPaths.includes(address));
  return { ...envelope, queueId: id, forwardPaths: mine };
}

export function createStripper({ config, spool, scanner, stages }: StripperOptions): MakeCopy {
  const { hostname, notifications } = config;
  const contact = notifications.postmaster ?? `postmaster@${hostname}`;

  async function cut(entry: Entry, group: StripGroup, known: Judged, signal: AbortSignal) {
    const targets = targetsOf(group, known);
    if (targets.size === 0) throw new Refusal("What was found is no part that could be removed");
    const { signed } = group.disposition;
    const isSealed = [...targets.keys()].some(({ path }) => known.parts.get(path)?.types.some((t) => sealed.test(t)));
    if (!signed && isSealed) throw new Refusal("It is signed or encrypted");
    const cutting: Cutting = await scanner.cutOut(entry, [...targets.keys()], signal);
    if (cutting.refusal !== "") throw new Refusal(cutting.refusal);
    if (cutting.signed && !signed) throw new Refusal("It is signed or encrypted");
    const facts = new Map([...targets].map(([{ path }, inside]) => [path, factsOf(path, inside, known)]));
    return { edits: cutting.edits, facts };
  }

  function put({ put: what, parts }: Edit, entry: Entry, group: StripGroup, facts: ReadonlyMap<string, RemovedPart>) {
    if (what === "nothing") return Buffer.alloc(0);
    const removed = parts.flatMap((path) => facts.get(path) ?? []);
    const { reason, notice: wording } = group.disposition;
    const made = stripNotice({ removed, reason, id: entry.id, gateway: hostname, contact, wording });
    return what === "part" ? made : Buffer.concat([Buffer.from("MIME-Version: 1.0\r\n"), made]);
  }

  /** Judged with the rules and the policy of now: what it takes to be forwarded is theirs to say. */
  async function mustBeForwarded(copy: Entry, signal: AbortSignal): Promise<void> {
    const { groups } = await judge(copy, stages, signal);
    const other = groups.find(({ disposition }) => disposition.kind !== "forward");
    if (other) throw new Refusal(`What is left is not to be forwarded: line "${other.policyLine}" of the policy`);
  }

  async function make(entry: Entry, group: StripGroup, id: QueueId, signal: AbortSignal): Promise<Entry> {
    if (await entry.read("strip.json")) throw new Refusal("It was stripped before");
    const { edits, facts } = await cut(entry, group, await judged(entry), signal);
    const puts = edits.map((edit) => put(edit, entry, group, facts));
    const copy = await spool.arrive(copyOf(entry, group, id), spliced(entry.octets(), edits, puts));
    try {
      const removed = [...facts.values()].map(({ inside: _inside, ...each }) => each);
      await copy.once("strip.json", (): Stripped => ({ from: entry.id, policyLine: group.policyLine, removed }));
      await mustBeForwarded(copy, signal);
      return copy;
    } catch (error) {
      await copy.remove();
      throw error;
    }
  }

  return async (entry, group, id, signal) => {
    try {
      return await make(entry, group, id, signal);
    } catch (error) {
      if (error instanceof Refusal) return { refusal: error.message };
      // It was judged already: an outage of now must not make it a message that nobody could scan.
      if (scannerIsDown(error) && !signal.aborted) return { refusal: "The scanner is not available" };
      throw error;
    }
  };
}
