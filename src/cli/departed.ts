/** A message that is not held any more: what became of it, when and by whom, as far as catalog and journal know. */
import type { Listed } from "../catalog/catalog.ts";
import type { Config } from "../config-schema.ts";
import { isGatewayError } from "../core/errors.ts";
import type { QueueId } from "../core/message.ts";
import { roughSize } from "../core/units.ts";
import type { JournalEvent, JournalLine } from "../spool/journal.ts";
import { withCatalog } from "./catalog.ts";
import { withCustody } from "./custody.ts";
import { wrap } from "./output.ts";
import { safeLines } from "./tree-text.ts";

export interface Departed extends Listed {
  /** Of the journal, the last for each recipient that is spoken of; empty if it does not go back so far, or is another node's. */
  readonly became: readonly Pick<JournalLine, "at" | "event" | "forwardPaths" | "text">[];
}

const ends: ReadonlySet<JournalEvent> = new Set([
  "forwarded",
  "released",
  "rejected",
  "discarded",
  "bounced",
  "expired",
  "ceded",
]);

async function endsOf(config: Config, id: QueueId, since: string): Promise<Departed["became"]> {
  return withCustody(config, true, async ({ journal }) => {
    const found: Departed["became"][number][] = [];
    for await (const { queueId, at, event, forwardPaths, text } of journal.read(new Date(since)))
      if (queueId === id && ends.has(event)) found.push({ at, event, forwardPaths, text });
    return found;
  });
}

/** Null if nobody knows of it, or if it should still be there. */
export async function departed(config: Config, id: QueueId): Promise<Departed | null> {
  const listed = await withCatalog(config, (catalog) => catalog.get(id));
  if (!listed || listed.state === "quarantine") return null;
  // Without the journal there is less to say, but something.
  const became = await endsOf(config, id, listed.arrivedAt).catch((error: unknown) => {
    if (isGatewayError(error)) return [];
    throw error;
  });
  return { ...listed, became };
}

function sentence({ at, event, forwardPaths, text }: Departed["became"][number]): string {
  // As the review writes it: who, and why.
  const [, by, why] = /^by ([^:]+): (.*)$/s.exec(text) ?? [];
  if (by !== undefined) return `${event} by ${by} at ${at}: ${why ?? ""}`;
  return `${event} at ${at}${event === "expired" ? "" : ` (${forwardPaths.join(", ")})`}${text === "" ? "" : `: ${text}`}`;
}

/** "discarded by root at …: reason"; of a message with several recipients, one after the other. */
export const whatBecame = ({ became, state, reason }: Departed): string =>
  became.length > 0 ? became.map(sentence).join("; ") : `${state}${reason === "" ? "" : `: ${reason}`}`;

export function departedText(one: Departed): string {
  const line = (name: string, text: string): readonly string[] => {
    const [first = "", ...rest] = wrap(text, 11);
    return text === "" ? [] : [name.padEnd(11) + first.trimStart(), ...rest];
  };
  const found = [one.summary ?? "", one.rules.join(", ")].filter((each) => each !== "").join(": ");
  return safeLines([
    ...line("Message", `${one.queueId}, ${roughSize(one.size)}, not held any more, arrived ${one.arrivedAt}`),
    ...line("Became", whatBecame(one)),
    ...line("From", `<${one.reversePath}>${one.client === "" ? "" : `, client ${one.client}`}`),
    ...line("To", one.forwardPaths.map((path) => `<${path}>`).join(", ")),
    ...line("Subject", one.subject),
    ...line("SHA-256", one.sha256),
    ...line("Found", found),
    ...line("Names", one.names.map((name) => JSON.stringify(name)).join(", ")),
  ]);
}
