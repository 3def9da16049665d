/** Says that a document is encrypted: what is in it could not be looked at, and that is never clean. */
import { encrypted, typeInfo } from "../identify/types.ts";
import type { Inspector } from "./inspector.ts";

const openPgp = "application/pgp-encrypted";

export const encryptionInspector: Inspector = {
  name: "encryption",
  version: "1",
  wants: (part) => part.types.includes(encrypted) || part.types.includes(openPgp),
  inspect(part) {
    const what = typeInfo(part.types[0] ?? "").label;
    return {
      part: part.path,
      inspector: "encryption",
      kind: "incomplete",
      why: "encrypted",
      text: `The content is encrypted (${what})`,
    };
  },
};
