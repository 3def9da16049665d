/** What an extractor gives for some octets, sorted by what it is. */
import type { Part } from "../../src/core/message.ts";
import { createPurse } from "../../workers/budget.ts";
import { type Extractor, Stop } from "../../workers/extractors/extractor.ts";
import { attachment, generousLimits } from "./part.ts";

export interface Given {
  /** Names, and octets in hexadecimal. */
  readonly members: readonly (readonly [names: readonly string[], hex: string])[];
  readonly macro: string;
  readonly text: string;
  readonly urls: string;
  readonly commands: string;
  readonly odd: readonly string[];
  readonly closed: readonly string[];
}

export function given(extractor: Extractor, bytes: Buffer, part: Partial<Part>): Given {
  const members: (readonly [readonly string[], string])[] = [];
  const made = { macro: "", text: "", urls: "", commands: "", script: "", members: "" };
  const odd: string[] = [];
  const closed: string[] = [];
  try {
    for (const item of extractor.extract(
      attachment(bytes, part),
      bytes,
      createPurse(generousLimits).container(bytes.length),
    ))
      if ("artefact" in item) made[item.artefact] += Buffer.from(item.bytes).toString();
      else if ("rule" in item) odd.push(`${item.severity} ${item.rule}`);
      else if ("why" in item) closed.push(item.why);
      else members.push([item.names, Buffer.from(item.bytes).toString("hex")]);
  } catch (error) {
    if (!(error instanceof Stop)) throw error;
    closed.push(`stop ${error.why}`);
  }
  return { ...made, members, odd, closed };
}
