/** Outlook items (.msg, .oft): bodies and attachments, those of embedded items too. [MS-OXMSG] */
import { type Cfb, readCfb } from "../formats/cfb.ts";
import type { CfbEntry } from "../formats/cfb-directory.ts";
import { attachmentNames, attachmentTypes, ids, kinds, type Property } from "../formats/mapi.ts";
import { readOle10Native } from "../formats/ole-object.ts";
import { bodiesOf, giveWhole } from "./mapi-members.ts";
import { type Budget, type Extractor, Stop, type Yielded } from "./extractor.ts";

/** "__substg1.0_37010102": id, then type, in hexadecimal. [MS-OXMSG] §2.1.3 */
const valueName = /^__substg1\.0_([0-9a-f]{4})([0-9a-f]{4})(?:-[0-9a-f]{8})?$/;
const attachmentName = /^__attach_version1\.0_/;
const dataObject = "__substg1.0_3701000d";
const propertyStream = "__properties_version1.0";
/** PidTagMessageCodepage, PidTagInternetCodepage. [MS-OXPROPS] §2 */
const codePages = [0x3ffd, 0x3fde];
const mostCodePage = 65_535;
const interesting = new Set<number>(Object.values(ids));

/** One item under way: what lies in which storage, and what was looked at. */
interface Walk {
  readonly cfb: Cfb;
  readonly budget: Budget;
  readonly inside: ReadonlyMap<string, readonly CfbEntry[]>;
  readonly seen: Set<CfbEntry>;
  codePage: string;
  cut: boolean;
}

const keyOf = (path: readonly string[]): string => path.join("\0");

function byStorage(entries: readonly CfbEntry[]): ReadonlyMap<string, readonly CfbEntry[]> {
  const inside = new Map<string, CfbEntry[]>();
  for (const entry of entries) {
    if (entry.kind === "root") continue;
    const key = keyOf(entry.path.slice(0, -1));
    const others = inside.get(key);
    if (others) others.push(entry);
    else inside.set(key, [entry]);
  }
  return inside;
}

function read(walk: Walk, entry: CfbEntry): Buffer {
  walk.seen.add(entry);
  const { bytes, whole } = walk.cfb.read(entry, Math.max(0, walk.budget.memberRoom + 1));
  // What is larger than its room is refused by whoever gives it away.
  walk.cut ||= !whole && bytes.length <= walk.budget.memberRoom;
  return bytes;
}

const streamsIn = (walk: Walk, path: readonly string[]): readonly CfbEntry[] =>
  (walk.inside.get(keyOf(path)) ?? []).filter(({ kind }) => kind === "stream");

/** Property ids and values that lie in streams of their own. `wanted` of them are read. */
function propertiesIn(walk: Walk, path: readonly string[], wanted: (id: number) => boolean): readonly Property[] {
  return streamsIn(walk, path).flatMap((entry) => {
    const [, id = "", kind = ""] = valueName.exec(entry.path.at(-1) ?? "") ?? [];
    const number = Number.parseInt(id, 16);
    if (id === "" || !interesting.has(number) || !wanted(number)) return [];
    return [{ id: number, kind: Number.parseInt(kind, 16), value: read(walk, entry) }];
  });
}

/** Entries of 16 octets behind a header of 8 to 32: the code page has a value of its own. [MS-OXMSG] §2.4 */
function learnCodePage(walk: Walk): void {
  const entry = streamsIn(walk, []).find(({ path }) => path.at(-1) === propertyStream);
  const bytes = entry ? walk.cfb.read(entry, 64 * 1024).bytes : Buffer.alloc(0);
  for (let at = 32; at + 16 <= bytes.length; at += 16) {
    const page = bytes.readUInt32LE(at + 8);
    if (codePages.includes(bytes.readUInt16LE(at + 2)) && page > 0 && page <= mostCodePage) walk.codePage = `cp${page}`;
  }
}

/** An OLE object is a storage: its streams are what there is of it. [MS-OXMSG] §2.2.2.2 */
function* objectStreams(walk: Walk, path: readonly string[], names: readonly string[]): Generator<Yielded> {
  for (const [key, entries] of walk.inside) {
    if (key !== keyOf(path) && !key.startsWith(`${keyOf(path)}\0`)) continue;
    for (const entry of entries) {
      if (entry.kind !== "stream" || entry.size === 0) continue;
      const bytes = read(walk, entry);
      yield* giveWhole(walk.budget, [...names, entry.name], [], bytes);
      const packed = entry.path.at(-1) === "\x01ole10native" ? readOle10Native(bytes) : null;
      if (packed && packed.bytes.length > 0) yield* giveWhole(walk.budget, packed.names, [], packed.bytes);
    }
  }
}

function* attachment(walk: Walk, path: readonly string[]): Generator<Yielded> {
  const described = propertiesIn(walk, path, (id) => id !== ids.attachData);
  const names = attachmentNames(described, walk.codePage);
  const types = attachmentTypes(described);
  for (const { kind, value } of propertiesIn(walk, path, (id) => id === ids.attachData))
    if (kind === kinds.binary && value.length > 0) yield* giveWhole(walk.budget, names, types, value);
  const object = [...path, dataObject];
  const inside = walk.inside.get(keyOf(object)) ?? [];
  if (inside.some((entry) => entry.path.at(-1) === propertyStream)) yield* item(walk, object);
  else yield* objectStreams(walk, object, names);
}

function* item(walk: Walk, path: readonly string[]): Generator<Yielded> {
  yield* bodiesOf(
    propertiesIn(walk, path, (id) => id === ids.body || id === ids.html || id === ids.rtf),
    walk.budget,
  );
  for (const entry of walk.inside.get(keyOf(path)) ?? [])
    if (entry.kind === "storage" && attachmentName.test(entry.path.at(-1) ?? "")) yield* attachment(walk, entry.path);
}

/** Content of attachments to which no storage leads, or one with another name: a more tolerant reader may find it. */
function* stray(walk: Walk): Generator<Yielded> {
  for (const entry of walk.cfb.entries) {
    if (walk.seen.has(entry) || entry.kind !== "stream" || !/^__substg1\.0_37010102$/.test(entry.path.at(-1) ?? ""))
      continue;
    yield {
      rule: "msg.stray-attachment",
      severity: "medium",
      text: "An attachment lies outside of all that are listed",
    };
    yield* giveWhole(walk.budget, [], [], read(walk, entry));
  }
}

export const msgExtractor: Extractor = {
  name: "msg",
  version: "1",
  wants: ({ types }) => types.includes("application/vnd.ms-outlook"),
  *extract(_part, given, budget) {
    const cfb = readCfb(Buffer.from(given.buffer, given.byteOffset, given.length));
    if (!cfb) throw new Stop("malformed", "No Outlook item begins here");
    const walk: Walk = {
      cfb,
      budget,
      inside: byStorage(cfb.entries),
      seen: new Set(),
      codePage: "cp1252",
      cut: false,
    };
    learnCodePage(walk);
    yield* item(walk, []);
    yield* stray(walk);
    if (walk.cut || cfb.damaged)
      yield { names: [], why: "malformed", text: "The Outlook item is damaged or breaks off" };
  },
};
