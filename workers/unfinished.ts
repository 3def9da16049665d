/** What is said of a part whose job came to no end: never "clean". */
import type { Job } from "../src/core/job.ts";
import type { Cutting } from "../src/core/cutting.ts";
import type { Part } from "../src/core/message.ts";
import type { MessageView } from "../src/core/message-view.ts";
import type { Dissection, Incomplete, PartReport } from "../src/core/outcome.ts";
import type { ChildGone, Death } from "./child.ts";
import { contentHash, contentSize } from "./content.ts";

const reasons: Readonly<Record<Exclude<Death, "aborted">, { readonly why: Incomplete; readonly text: string }>> = {
  crashed: { why: "crashed", text: "Three processes that looked at it died" },
  timeout: { why: "timeout", text: "Looking at it took longer than the deadline" },
  memory: { why: "limit", text: "Looking at it took more memory than the limit" },
};

const reasonOf = ({ why }: ChildGone) => reasons[why === "aborted" ? "crashed" : why];

export function unfinishedReport(gone: ChildGone, versions: Readonly<Record<string, string>>): PartReport {
  return {
    types: [],
    members: [],
    outcomes: [{ part: "", inspector: "sandbox", kind: "incomplete", ...reasonOf(gone) }],
    spent: { members: 0, bytes: 0, ms: 0 },
    timings: {},
    versions,
  };
}

export const unfinishedView = (gone: ChildGone): MessageView => ({
  fields: [],
  text: "",
  html: "",
  attachments: [],
  cut: [],
  incomplete: reasonOf(gone),
});

export const unfinishedCutting = (gone: ChildGone): Cutting => ({
  edits: [],
  signed: false,
  refusal: reasonOf(gone).text,
});

/** The whole message as one part, so that it is inspected all the same. */
export async function unfinishedDissection({ content }: Job, gone: ChildGone): Promise<Dissection> {
  const [sha256, size] = [await contentHash(content), contentSize(content)];
  const whole: Part = {
    path: "0",
    role: "message",
    sha256,
    size,
    names: [],
    declaredTypes: ["message/rfc822"],
    types: [],
    view: { offset: 0, length: size, encoding: "identity" },
  };
  return {
    parts: [whole],
    outcomes: [{ part: "0", inspector: "dissect", kind: "incomplete", ...reasonOf(gone) }],
    header: { subject: "", from: "", to: "", messageId: "", date: "" },
    sha256,
    size,
  };
}
