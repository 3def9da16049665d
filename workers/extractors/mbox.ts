/** Several messages in one file, as mail programs keep and export folders. RFC 4155 */
import { payForOverflow } from "../budget.ts";
import { mboxMessages } from "../formats/mbox.ts";
import { mbox, rfc822 } from "../identify/types.ts";
import { type Extractor, Stop } from "./extractor.ts";

export const mboxExtractor: Extractor = {
  name: "mbox",
  version: "1",
  wants: ({ types }) => types.includes(mbox),
  *extract(_part, given, budget) {
    const bytes = Buffer.from(given.buffer, given.byteOffset, given.length);
    if (bytes.toString("latin1", 0, 5) !== "From ") throw new Stop("malformed", "No mbox file begins here");
    for (const { start, end } of mboxMessages(bytes)) {
      budget.spend({ members: 1 });
      if (end - start > budget.memberRoom) {
        payForOverflow(budget);
        yield { names: [], why: "limit", text: "The message is larger than the limit" };
        continue;
      }
      budget.spend({ bytes: end - start });
      yield { names: [], declaredTypes: [rfc822], bytes: bytes.subarray(start, end) };
    }
  },
};
