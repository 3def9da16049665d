/** The second kind of inspector (R23): looks at the whole message, its envelope, tree and outcomes; never at octets. */
import type { Envelope, Part } from "../core/message.ts";
import type { Finding, Outcome } from "../core/outcome.ts";

export interface Whole {
  readonly envelope: Envelope;
  readonly parts: readonly Part[];
  readonly outcomes: readonly Outcome[];
}

export interface MessageInspector {
  readonly name: string;
  readonly version: string;
  inspect(whole: Whole): readonly Finding[];
}

const runnable = new Set(["type.executable", "type.script", "type.shortcut", "type.executable-disguised"]);
const parentOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf("/")));

/** A container that holds one file, and that one runs: how lures have come since 2014, whatever their hash. */
export const loneProgram: MessageInspector = {
  name: "message",
  version: "1",
  inspect({ parts, outcomes }) {
    const siblings = new Map<string, number>();
    for (const part of parts)
      if (part.role === "member") siblings.set(parentOf(part.path), (siblings.get(parentOf(part.path)) ?? 0) + 1);
    const seen = new Set<string>();
    for (const outcome of outcomes) {
      if (outcome.kind !== "found" || siblings.get(parentOf(outcome.part)) !== 1) continue;
      if (outcome.part.includes("/") && outcome.findings.some((finding) => runnable.has(finding.rule)))
        seen.add(outcome.part);
    }
    return [...seen].map((part) => ({
      part,
      inspector: "message",
      rule: "message.lone-program",
      severity: "critical",
      tags: ["masquerade"],
      text: "The container holds a single file, and that file is a program",
    }));
  },
};
