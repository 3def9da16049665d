/** A part as a job gets it, and limits that no honest sample reaches. */
import { hash } from "node:crypto";
import type { InspectLimits } from "../../src/core/job.ts";
import type { Part, Sha256 } from "../../src/core/message.ts";

export const generousLimits: InspectLimits = {
  members: 1000,
  bytes: 64 * 1024 * 1024,
  memberBytes: 16 * 1024 * 1024,
  depth: 8,
  ratio: 200,
};

export function attachment(bytes: Buffer, given: Partial<Part> = {}): Part {
  return {
    path: "1.2",
    role: "attachment",
    sha256: hash("sha256", bytes, "hex") as Sha256,
    size: bytes.length,
    names: [],
    declaredTypes: [],
    types: [],
    view: { offset: 0, length: bytes.length, encoding: "identity" },
    ...given,
  };
}
