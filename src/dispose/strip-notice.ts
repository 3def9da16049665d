/** What stands in the place of a part that was removed: a text part for its recipient, in the policy's words or ours. RFC 2046 §4.1. Pure. */
import type { QueueId } from "../core/message.ts";
import { roughSize } from "../core/units.ts";
import { oneLine, part } from "./notice-text.ts";

export interface RemovedPart {
  readonly names: readonly string[];
  readonly types: readonly string[];
  readonly size: number;
  /** Names of what was found inside it. */
  readonly inside: readonly string[];
}

export interface StripNotice {
  readonly removed: readonly RemovedPart[];
  readonly reason: string;
  /** Of the original, which is held. */
  readonly id: QueueId;
  readonly gateway: string;
  /** Whom to ask. */
  readonly contact: string;
  /** With words in braces; null: ours. */
  readonly wording: string | null;
}

const ours = `The mail gateway {gateway} has removed this from the message:

{removed}

Reason: {reason}

The original message is kept at the gateway for a time. If you need it, ask
{contact} and name the message: {id}
`;

const mostListed = 20;
const longestName = 100;

/** Folders and addresses in front of a name are cut, so that no link of the sender's stands in a text of ours; what moves cursors or turns text is shown as "?". */
function plainName(name: string): string {
  const last = name.slice(name.search(/[^/\\]*[/\\]*$/)).replace(/[/\\]+$/, "");
  const clean = last.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "?");
  return `"${[...clean].slice(0, longestName).join("")}"`;
}

const some = (lines: readonly string[]): readonly string[] =>
  lines.length <= mostListed ? lines : [...lines.slice(0, mostListed), `and ${lines.length - mostListed} more`];

function listed({ names: [name], types: [type], size, inside }: RemovedPart): readonly string[] {
  const kind = oneLine(type ?? "unknown type");
  const facts = `${kind}, ${roughSize(size)}`;
  return [
    `  ${name === undefined ? `a part without a name (${facts})` : `${plainName(name)} (${facts})`}`,
    ...some(inside.map((each) => `    in it: ${plainName(each)}`)),
  ];
}

/** Fields and text, ending in CRLF. */
export function stripNotice({ removed, reason, id, gateway, contact, wording }: StripNotice): Buffer {
  const words: Readonly<Record<string, string>> = {
    removed: some(removed.flatMap(listed)).join("\n"),
    reason,
    id,
    gateway,
    contact,
  };
  const text = (wording ?? ours).replace(/\{(\w+)\}/g, (whole, word: string) => words[word] ?? whole);
  const lines = text.trimEnd().split(/\r\n|\r|\n/);
  return Buffer.from(part("text/plain; charset=utf-8", `${lines.join("\r\n")}\r\n`));
}
