/** Encrypted Open XML documents: the document inside, if a password fits. [MS-OFFCRYPTO] §2.3.4.4 */
import type { Password } from "../../src/core/password.ts";
import { payForOverflow } from "../budget.ts";
import { isCfb, readCfb } from "../formats/cfb.ts";
import { readLock, type Lock } from "../formats/office-crypto.ts";
import { encrypted } from "../identify/types.ts";
import { emptyKeyring, type Keyring } from "../keyring.ts";
import { type Extractor, Stop } from "./extractor.ts";

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);

/** With this one Excel opens a workbook without asking. [MS-OFFCRYPTO] §2.2.10 note */
const unasked: Password = { text: "VelvetSweatshop", from: "usual" };
const mostInfo = 64 * 1024;
/** Office asks for a hundred thousand rounds, 300 ms; the specification allows a hundred times as many. */
const mostCost = 2000;

function unlock(lock: Lock, keyring: Keyring): { readonly key: Buffer; readonly password: Password } | null {
  const first = lock.key(unasked.text);
  if (first) return { key: first, password: unasked };
  for (const password of keyring.tries(lock.cost)) {
    const key = lock.key(password.text);
    if (!key) continue;
    keyring.opened(password);
    return { key, password };
  }
  return null;
}

export const officeSealedExtractor: Extractor = {
  name: "office-sealed",
  version: "1",
  wants: ({ types }, bytes) => types.includes(encrypted) && isCfb(asBuffer(bytes)),
  *extract({ names }, bytes, budget, keyring = emptyKeyring()) {
    const cfb = readCfb(asBuffer(bytes));
    const stream = (name: string) => cfb?.entries.find(({ kind, path }) => kind === "stream" && path.at(-1) === name);
    const [info, sealed] = [stream("encryptioninfo"), stream("encryptedpackage")];
    const lock = cfb && info && sealed ? readLock(cfb.read(info, mostInfo).bytes) : null;
    if (!cfb || !sealed || !lock)
      throw new Stop("encrypted", "The document is encrypted in a way that is not tried here");
    const found = lock.cost > mostCost ? null : unlock(lock, keyring);
    if (!found) throw new Stop("encrypted", keyring.closed("The document is encrypted"));
    budget.spend({ members: 1 });
    const room = Math.max(0, budget.memberRoom);
    const document = lock.open(cfb.read(sealed).bytes, found.key, room);
    if (document === "limit") {
      payForOverflow(budget);
      yield { names, why: "limit", text: "The document is larger than the limit" };
    } else if (document === "damaged") yield { names: [], why: "malformed", text: "The encrypted document is damaged" };
    else {
      budget.spend({ bytes: document.length });
      yield { names, declaredTypes: [], bytes: document, opened: found.password.from };
    }
  },
};
