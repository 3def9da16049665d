/** The one file in an archive that holds one: a stream in a method of its own, a zip made for the purpose. */
import { type Harvest, Harvester } from "./harvest.ts";
import { runSevenZip } from "./program.ts";
import { extractCommand } from "./system.ts";
import { meaningOf } from "./words.ts";

export type Unpacked =
  | { readonly kind: "bytes"; readonly bytes: Buffer; readonly whole: boolean }
  | { readonly kind: "unsupported" }
  | { readonly kind: "limit" };

/** More came out than there was room for. */
class TooLarge extends Error {}

/** What 7-Zip made of its one file. */
function outcomeOf({ items: [file], unborn: [unborn] }: Harvest): Unpacked {
  const complaint = file ? file.complaint : (unborn?.complaint ?? "Data Error");
  const why = complaint === null ? null : (meaningOf(complaint)?.why ?? null);
  if (why === "limit" || why === "unsupported") return { kind: why };
  return { kind: "bytes", bytes: file?.bytes ?? Buffer.alloc(0), whole: why === null };
}

/** `as` is 7-Zip's name for the format. Whatever comes out fits into `room`. */
export function unpackSingle(as: string, archive: Buffer, room: number): Unpacked {
  let produced = 0;
  const meter = {
    file: () => room,
    octets(count: number) {
      produced += count;
      if (produced > room) throw new TooLarge();
    },
  };
  const harvest = new Harvester(meter, 0);
  try {
    runSevenZip(extractCommand(as), archive, harvest);
  } catch (error) {
    if (error instanceof TooLarge) return { kind: "limit" };
    throw error;
  }
  return outcomeOf(harvest);
}
