/** The key of a job: whatever may change its report goes in, nothing else (R19). */
import { createHash } from "node:crypto";
import type { Externals, InspectLimits } from "../core/job.ts";
import type { Part } from "../core/message.ts";
import type { Password } from "../core/password.ts";

/** `versions` names code and rules; `externals` holds exactly the variables that the rules use. */
export function jobId(
  part: Part,
  versions: string,
  limits: InspectLimits,
  externals: Externals,
  passwords: readonly Password[] = [],
): string {
  const sorted = Object.entries(externals).sort(([a], [b]) => (a < b ? -1 : 1));
  const key = [
    part.sha256,
    part.role,
    [...part.names].sort(),
    [...part.declaredTypes].sort(),
    versions,
    limits,
    sorted,
    // Of the id nobody can tell them: it is a digest.
    ...(passwords.length > 0 ? [passwords] : []),
  ];
  return createHash("sha256").update(JSON.stringify(key)).digest("hex");
}
