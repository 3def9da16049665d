/** What people have put on the allow and block lists, as it bears on one message and one recipient. */
import type { Envelope, Part } from "../core/message.ts";
import type { Finding } from "../core/outcome.ts";
import type { ListEntry, ListSubject } from "../records/records.ts";
import type { Evidence } from "./evidence.ts";

export interface Listed {
  /** What is left to answer for after allow entries have lifted theirs; the same array if none has. */
  readonly evidence: readonly Evidence[];
  /** Why it is blocked; empty if it is not. */
  readonly blocked: readonly Finding[];
  /** One for each allow entry that has lifted something; kept among the reasons. */
  readonly allowed: readonly Finding[];
}

interface Hit {
  readonly entry: ListEntry;
  /** Of a hash. */
  readonly part: Part | null;
}

type Index = ReadonlyMap<string, readonly ListEntry[]>;

/** A snapshot serves many messages; its index is made once. */
const indexes = new WeakMap<readonly ListEntry[], Index>();

function indexOf(entries: readonly ListEntry[]): Index {
  const known = indexes.get(entries);
  if (known) return known;
  const index = new Map<string, ListEntry[]>();
  for (const entry of entries) {
    const key = `${entry.subject} ${entry.value}`;
    const same = index.get(key);
    if (same) same.push(entry);
    else index.set(key, [entry]);
  }
  indexes.set(entries, index);
  return index;
}

/** Lists hold lower case in NFC; "@domain" is that domain and no subdomain. */
function addressHits(index: Index, subject: ListSubject, address: string): readonly Hit[] {
  const plain = address.normalize("NFC").toLowerCase();
  const domain = plain.slice(plain.lastIndexOf("@"));
  const values = domain.startsWith("@") ? new Set([plain, domain]) : [plain];
  return [...values].flatMap((value) => index.get(`${subject} ${value}`) ?? []).map((entry) => ({ entry, part: null }));
}

const hashHits = (index: Index, parts: readonly Part[]): readonly Hit[] =>
  parts.flatMap((part) => (index.get(`hash ${part.sha256}`) ?? []).map((entry) => ({ entry, part })));

/** Is `path` that part, or inside it? Members end in "/3", body parts in ".3"; another reading ("~2") has other octets. */
function within(path: string, outer: Part): boolean {
  if (outer.role === "message" || path === outer.path) return true;
  return path.startsWith(outer.path) && "./".includes(path.charAt(outer.path.length));
}

/** A known content is known to its last octet; an address on an envelope can be forged, so *critical* findings stay. */
const lifts = ({ part }: Hit, { finding }: Evidence): boolean =>
  part ? within(finding.part, part) : finding.severity !== "critical";

/** An allowed address beats the block of its whole domain; otherwise a block beats everything. */
function isOverruled({ entry: block }: Hit, all: readonly Hit[]): boolean {
  if (!block.value.startsWith("@")) return false;
  return all.some(({ entry: { kind, subject, value } }) => {
    return kind === "allow" && subject === block.subject && !value.startsWith("@");
  });
}

function listFinding({ entry, part }: Hit, text: string): Finding {
  return {
    part: part?.path ?? "0",
    inspector: "lists",
    rule: `lists.${entry.kind}-${entry.subject}`,
    severity: entry.kind === "block" ? "critical" : "info",
    tags: [entry.kind],
    text: `${text}: ${entry.reason} (${entry.by})`.slice(0, 300),
  };
}

function apply(evidence: readonly Evidence[], all: readonly Hit[]): Listed {
  const blocked = all
    .filter((hit) => hit.entry.kind === "block" && !isOverruled(hit, all))
    .map((hit) => listFinding(hit, `Blocked ${hit.entry.subject}`));
  let left = evidence;
  const allowed: Finding[] = [];
  for (const hit of all.filter(({ entry }) => entry.kind === "allow")) {
    const lifted = left.filter((one) => lifts(hit, one));
    if (lifted.length === 0) continue;
    left = left.filter((one) => !lifts(hit, one));
    const rules = [...new Set(lifted.map((one) => one.finding.rule))].slice(0, 4).join(", ");
    allowed.push(listFinding(hit, `Allowed ${hit.entry.subject} lifts ${rules}`));
  }
  return { evidence: left, blocked, allowed };
}

/** Returns what the lists say, by recipient; what they say of all recipients is worked out once. */
export function applyLists(
  evidence: readonly Evidence[],
  parts: readonly Part[],
  envelope: Pick<Envelope, "reversePath">,
  entries: readonly ListEntry[],
): (recipient: string) => Listed {
  const index = indexOf(entries);
  if (index.size === 0) return () => ({ evidence, blocked: [], allowed: [] });
  const common = [...hashHits(index, parts), ...addressHits(index, "sender", envelope.reversePath)];
  const forAll = apply(evidence, common);
  return (recipient) => {
    const own = addressHits(index, "recipient", recipient);
    return own.length === 0 ? forAll : apply(evidence, [...common, ...own]);
  };
}
