/**
 * The external variables that a rule may read. The first six are the convention of YARA scanners; public rules expect them.
 *
 * | Variable | Value |
 * |---|---|
 * | `filename` | candidate name, without folders; rules that read names are asked once for each candidate |
 * | `filepath` | candidate name, with the folders that an archive gave it |
 * | `extension` | of `filename`, lower case, with its dot; "" if there is none |
 * | `filetype` | what the first octets say, one word in capitals: EXE, ELF, OLE, ZIP, PDF, RTF …; "" if nothing |
 * | `owner` | always "" |
 * | `filemode` | always 0 |
 * | `part_path` | "" for a part of the message, "/2/1" for the first member of its second member |
 * | `part_role` | message, body, attachment, attached-message, member |
 * | `declared_type` | the most plausible media type that the sender declared |
 * | `identified_type` | the first media type that the octets have |
 * | `depth` | 0 for a part of the message, then one more for each container |
 * | `password_opened` | it lay behind a password that was found, in a member or in what holds it |
 * | `message_size` | octets of the whole message |
 * | `sender` | reverse-path, lower case; "" is the null reverse-path |
 * | `sender_domain` | what follows its last `@` |
 * | `header_from` | the From field as it stands, decoded |
 * | `recipient_count` | forward-paths |
 * | `route` | name of the route of the first forward-path |
 * | `direction` | inbound, outbound |
 * | `subject` | decoded |
 */
import type { Externals } from "../core/job.ts";
import type { Envelope } from "../core/message.ts";
import type { Dissection } from "../core/outcome.ts";
import { usedNames } from "./tokens.ts";

export const externalDefaults = {
  filename: "",
  filepath: "",
  extension: "",
  filetype: "",
  owner: "",
  filemode: 0,
  part_path: "",
  part_role: "attachment",
  declared_type: "",
  identified_type: "",
  depth: 0,
  password_opened: false,
  message_size: 0,
  sender: "",
  sender_domain: "",
  header_from: "",
  recipient_count: 0,
  route: "",
  direction: "inbound",
  subject: "",
} as const satisfies Externals;

/** Variables that depend on which candidate name is taken for true. */
export const nameExternals: ReadonlySet<string> = new Set(["filename", "filepath", "extension"]);

const known: ReadonlySet<string> = new Set(Object.keys(externalDefaults));

/** Which variables the rules read; the key of the verdict cache holds these and no others (R19). */
export function usedExternals(sources: Iterable<{ readonly text: string }>): ReadonlySet<string> {
  const used = new Set<string>();
  for (const { text } of sources) for (const name of usedNames(text, known)) used.add(name);
  return used;
}

/** What is the same for all parts of a message. */
export function messageExternals(
  { reversePath, forwardPaths }: Pick<Envelope, "reversePath" | "forwardPaths">,
  { header, size }: Pick<Dissection, "header" | "size">,
  direction: string,
): Externals {
  const sender = reversePath.toLowerCase();
  return {
    message_size: size,
    sender,
    sender_domain: sender.slice(sender.lastIndexOf("@") + 1),
    header_from: header.from,
    recipient_count: forwardPaths.length,
    route: forwardPaths[0]?.route ?? "",
    direction,
    subject: header.subject,
  };
}
