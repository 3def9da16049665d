/** Where to cut a message so that parts of it are gone: whole entities, under every reading that covers their octets. Pure and total. */
import type { Cutting, Edit } from "../core/cutting.ts";
import type { DissectLimits, Target } from "../core/job.ts";
import type { Part } from "../core/message.ts";
import type { Range } from "./delimiters.ts";
import { ownFields } from "./own-fields.ts";
import { type Entity, Walk } from "./walk.ts";

/** RFC 1847, RFC 8551 §3, RFC 3156: a change within makes what is signed unverifiable and what is encrypted unreadable. */
const sealing: ReadonlySet<string> = new Set([
  "multipart/signed",
  "multipart/encrypted",
  "application/pkcs7-mime",
  "application/x-pkcs7-mime",
  "application/pgp-encrypted",
]);

const cannot = (refusal: string): Cutting => ({ edits: [], signed: false, refusal });
const within = (inner: Range, outer: Range): boolean => inner.start >= outer.start && inner.end <= outer.end;
const overlaps = (a: Range, b: Range): boolean => a.start < b.end && b.start < a.end;
const bodyOf = ({ bodyStart, end }: Entity): Range => ({ start: bodyStart, end });
const rangeOf = ({ view }: { readonly view: Part["view"] }): Range =>
  view === null ? { start: 0, end: 0 } : { start: view.offset, end: view.offset + view.length };

/** Containers hold other parts, which can be cut out of them; anything else is one piece. */
const isOnePiece = ({ role, view }: Part): boolean =>
  view !== null && role !== "message" && !(role === "attached-message" && view.encoding === "identity");

/** The smallest that holds the range in its body; of several with the same body the outermost, which comes first. */
function innermost(entities: readonly Entity[], range: Range): Entity | null {
  let best: Entity | null = null;
  for (const entity of entities) {
    if (!within(range, bodyOf(entity))) continue;
    if (best === null || entity.end - entity.bodyStart < best.end - best.bodyStart) best = entity;
  }
  return best;
}

/** What has to go with the range: all that some reading takes for one piece with it. Null: the message would have to go as a whole. */
function holeFor(range: Range, entities: readonly Entity[], pieces: readonly Range[]): Entity | null {
  for (let wanted = range; ; ) {
    const entity = innermost(entities, wanted);
    if (!entity) return null;
    if (!entity.isPart && entity.split) {
      // Of an attached message's own multipart, its preamble for instance: the attached message goes.
      if (entity.start === 0) return null;
      wanted = { start: entity.start, end: entity.end };
      // Without a header it has the very octets that hold it: nothing is larger.
      if (innermost(entities, wanted) === entity) return null;
      continue;
    }
    const beyond = pieces.filter((piece) => overlaps(piece, entity) && !within(piece, entity));
    if (beyond.length === 0) return entity;
    wanted = {
      start: Math.min(entity.start, ...beyond.map(({ start }) => start)),
      end: Math.max(entity.end, ...beyond.map(({ end }) => end)),
    };
  }
}

function editsFor(message: Buffer, hole: Entity, parts: readonly string[]): readonly Edit[] {
  if (hole.isPart) return [{ start: hole.start, end: hole.end, put: "part", parts }];
  const { fields, headerEnd } = ownFields(message, hole);
  return [
    ...fields.map(({ start, end }): Edit => ({ start, end, put: "nothing", parts: [] })),
    { start: headerEnd, end: hole.end, put: "body", parts },
  ];
}

/** Holes that lie in others go with those. Null: two lie across each other, as two readings have it. */
function outermost(holes: ReadonlyMap<Entity, readonly string[]>): ReadonlyMap<Entity, readonly string[]> | null {
  const kept = new Map<Entity, string[]>();
  for (const [hole, paths] of [...holes].sort(([a], [b]) => b.end - b.start - (a.end - a.start))) {
    const outer = [...kept.keys()].find((each) => overlaps(hole, each));
    if (!outer) kept.set(hole, [...paths]);
    else if (within(hole, outer)) kept.get(outer)?.push(...paths);
    else return null;
  }
  return kept;
}

/** Every edit lies inside of `message`. Whether what is left is harmless is for those to say who inspect it. */
export function cutOut(message: Buffer, targets: readonly Target[], limits: DissectLimits): Cutting {
  const walk = new Walk(message, limits);
  walk.run();
  if (walk.isCut) return cannot("The message was not taken apart to its end");
  const { entities } = walk;
  const pieces = walk.parts.list().filter(isOnePiece).map(rangeOf);
  const holes = new Map<Entity, string[]>();
  for (const target of targets) {
    const hole = holeFor(rangeOf(target), entities, pieces);
    if (!hole) return cannot(`Part ${target.path} cannot be taken out of the message`);
    const same = [...holes.keys()].find(({ start, end }) => start === hole.start && end === hole.end) ?? hole;
    holes.set(same, [...(holes.get(same) ?? []), target.path]);
  }
  const kept = outermost(holes);
  if (!kept) return cannot("Parts lie across each other");
  const isSealed = [...kept.keys()].some((hole) =>
    entities.some((entity) => within(hole, entity) && entity.types.some((type) => sealing.has(type))),
  );
  const edits = [...kept].flatMap(([hole, paths]) => editsFor(message, hole, paths));
  return { edits: edits.sort((a, b) => a.start - b.start), signed: isSealed, refusal: "" };
}
