/** Does a password open an archive? Nothing of what comes out is kept; it ends with the first file that is whole. */
import { type Meter, Harvester } from "./harvest.ts";
import { runSevenZip } from "./program.ts";
import { extractCommand, type Output } from "./system.ts";
import { meaningOf } from "./words.ts";

/** Of one file, and of all together: what is larger has been decrypted rightly, or its checksum would have failed before. */
const mostOctets = 64 * 2 ** 20;

class Enough extends Error {}

/** Counts what is written and keeps nothing. */
class Tester extends Harvester {
  #written = 0;
  #files = 0;

  override create(path: Buffer): Output {
    // The file before had no complaint by the time that the next one begins.
    if (this.#files++ > 0 && this.items.every(({ complaint }) => complaint === null) && this.#written > 0)
      throw new Enough();
    const output = super.create(path);
    return {
      write: (at, octets) => {
        this.#written += octets.length;
        if (this.#written > mostOctets) throw new Enough();
        output.write(at, octets);
      },
      close: () => output.close(),
    };
  }
}

const unlimited: Meter = { file: () => mostOctets, octets: () => undefined };

const isLocked = (complaint: string | null): boolean => complaint !== null && /password|encrypted/i.test(complaint);

/** "open": it opens, or there is nothing to open; "locked": it asks for another password; "broken": it is not about passwords. */
export function tryPassword(as: string, archive: Buffer, password: string): "open" | "locked" | "broken" {
  const harvest = new Tester(unlimited, 0);
  try {
    runSevenZip(extractCommand(as, password), archive, harvest);
  } catch (error) {
    if (error instanceof Enough) return "open";
    throw error;
  }
  const complaints = [
    ...harvest.items.map(({ complaint }) => complaint),
    ...harvest.unborn.map(({ complaint }) => complaint),
    ...harvest.said,
  ];
  if (complaints.some(isLocked)) return "locked";
  const isBroken = complaints.some((complaint) => complaint !== null && meaningOf(complaint) !== null);
  return isBroken && harvest.items.length === 0 ? "broken" : "open";
}
