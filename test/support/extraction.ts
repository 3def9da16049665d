/** Runs an extractor to its end and sorts what it gave. */
import type { Artefact, Part } from "../../src/core/message.ts";
import { createPurse } from "../../workers/budget.ts";
import { type Extractor, Stop } from "../../workers/extractors/extractor.ts";
import { attachment, generousLimits } from "./part.ts";

export interface Collected {
  readonly members: readonly { readonly names: readonly string[]; readonly text: string }[];
  readonly closed: readonly {
    readonly names: readonly string[];
    readonly why: string;
    readonly text: string;
    readonly sealed: number | null;
  }[];
  readonly odd: readonly string[];
  readonly artefacts: readonly { readonly kind: Artefact; readonly text: string }[];
  readonly stop: Stop | null;
}

export function collect(extractor: Extractor, bytes: Buffer, given: Partial<Part> = {}): Collected {
  const members: Collected["members"][number][] = [];
  const closed: Collected["closed"][number][] = [];
  const odd: string[] = [];
  const artefacts: Collected["artefacts"][number][] = [];
  const all = (stop: Stop | null): Collected => ({ members, closed, odd, artefacts, stop });
  try {
    const budget = createPurse(generousLimits).container(bytes.length);
    for (const item of extractor.extract(attachment(bytes, given), bytes, budget)) {
      if ("rule" in item) odd.push(`${item.severity} ${item.rule}`);
      else if ("why" in item)
        closed.push({ names: item.names, why: item.why, text: item.text, sealed: item.bytes?.length ?? null });
      else if ("artefact" in item) artefacts.push({ kind: item.artefact, text: Buffer.from(item.bytes).toString() });
      else members.push({ names: item.names, text: Buffer.from(item.bytes).toString() });
    }
  } catch (error) {
    if (error instanceof Stop) return all(error);
    throw error;
  }
  return all(null);
}
