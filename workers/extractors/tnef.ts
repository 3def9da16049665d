/** TNEF ("winmail.dat"), as Exchange and Outlook send what MIME has no words for: attachments, embedded messages, bodies. [MS-OXTNEF] */
import { hash } from "node:crypto";
import iconv from "iconv-lite";
import { attachmentNames, attachmentTypes, readTexts } from "../formats/mapi.ts";
import { attachedObject, attributes, isTnef, readAttributes, readProperties } from "../formats/tnef.ts";
import { type Budget, type Extractor, Stop, type Yielded } from "./extractor.ts";
import { bodiesOf, giveWhole } from "./mapi-members.ts";

export const tnefType = "application/vnd.ms-tnef";
const mostNames = 32;

interface Attachment {
  readonly names: string[];
  readonly types: string[];
  readonly contents: Buffer[];
  isMessage: boolean;
}

/** One capsule under way. */
interface Walk {
  readonly budget: Budget;
  codePage: string;
  attachment: Attachment | null;
  broken: boolean;
  wrongSum: boolean;
}

function* closeAttachment(walk: Walk): Generator<Yielded> {
  const { attachment, budget } = walk;
  walk.attachment = null;
  if (!attachment) return;
  const names = [...new Set(attachment.names)].slice(0, mostNames);
  const types = attachment.isMessage ? [tnefType] : [...new Set(attachment.types)];
  // The same octets stand often in two attributes; where they differ, readers do too.
  const distinct = new Map(attachment.contents.map((content) => [hash("sha256", content), content]));
  for (const content of distinct.values()) yield* giveWhole(budget, names, types, content);
}

const opened = (walk: Walk): Attachment =>
  (walk.attachment ??= { names: [], types: [], contents: [], isMessage: false });

function takeProperties(walk: Walk, data: Buffer): void {
  const { properties, whole } = readProperties(data);
  walk.broken ||= !whole;
  const attachment = opened(walk);
  if (attachment.names.length < mostNames) attachment.names.unshift(...attachmentNames(properties, walk.codePage));
  if (attachment.types.length < mostNames) attachment.types.push(...attachmentTypes(properties));
  for (const property of properties) {
    const object = attachedObject(property);
    if (!object || object.bytes.length === 0) continue;
    attachment.contents.push(object.bytes);
    attachment.isMessage ||= object.isMessage;
  }
}

function learnCodePage(walk: Walk, data: Buffer): void {
  const page = `cp${data.length >= 4 ? data.readUInt32LE(0) : 1252}`;
  if (iconv.encodingExists(page)) walk.codePage = page;
}

function* takeMessage(walk: Walk, data: Buffer): Generator<Yielded> {
  const { properties, whole } = readProperties(data);
  walk.broken ||= !whole;
  yield* bodiesOf(properties, walk.budget);
}

function takeOfAttachment(walk: Walk, id: number, data: Buffer): void {
  const attachment = opened(walk);
  if (id === attributes.attachmentProperties) takeProperties(walk, data);
  else if (id === attributes.attachmentData && data.length > 0) attachment.contents.push(data);
  else if (attachment.names.length < mostNames)
    attachment.names.push(...readTexts({ kind: 0, value: data }, walk.codePage));
}

function* takeAttribute(walk: Walk, id: number, data: Buffer): Generator<Yielded> {
  switch (id) {
    case attributes.codePage:
      return learnCodePage(walk, data);
    case attributes.messageProperties:
      return yield* takeMessage(walk, data);
    case attributes.body:
      return yield* data.length > 1 ? giveWhole(walk.budget, [], ["text/plain"], data) : [];
    case attributes.attachmentBegins:
      yield* closeAttachment(walk);
      return void opened(walk);
    case attributes.attachmentTitle:
    case attributes.attachmentTransportName:
    case attributes.attachmentData:
    case attributes.attachmentProperties:
      takeOfAttachment(walk, id, data);
  }
}

export const tnefExtractor: Extractor = {
  name: "tnef",
  version: "1",
  wants: ({ types }) => types.includes(tnefType),
  *extract(_part, bytes, budget) {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    if (!isTnef(buffer)) throw new Stop("malformed", "No TNEF begins here");
    const walk: Walk = { budget, codePage: "cp1252", attachment: null, broken: false, wrongSum: false };
    const all = readAttributes(buffer);
    let next = all.next();
    for (; !next.done; next = all.next()) {
      walk.wrongSum ||= next.value.wrongSum;
      yield* takeAttribute(walk, next.value.id, next.value.data);
    }
    yield* closeAttachment(walk);
    if (walk.wrongSum)
      yield {
        rule: "tnef.wrong-checksum",
        severity: "low",
        text: "A checksum in the TNEF capsule is not that of its data",
      };
    if (!next.value || walk.broken)
      yield { names: [], why: "malformed", text: "The TNEF capsule is damaged or breaks off" };
  },
};
