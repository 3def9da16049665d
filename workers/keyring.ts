/** The passwords of one job: each try costs, all that a job may spend is fixed, and what opened one thing is tried first on the next. */
import type { Password } from "../src/core/password.ts";

/** Deriving keys takes about so many milliseconds; counted, not measured, so that equal jobs have equal results. */
const mostCost = 10_000;

export interface Keyring {
  readonly size: number;
  /** Ends when there are no more, or no more may be tried. */
  tries(cost: number): Iterable<Password>;
  find(text: string): Password | null;
  /** It has opened something: it comes first from now on. */
  opened(password: Password): void;
  /** "The file is encrypted", and how much was tried in vain. */
  closed(what: string): string;
}

export function createKeyring(passwords: readonly Password[]): Keyring {
  let ordered = [...passwords];
  let left = mostCost;
  let last = 0;
  return {
    size: passwords.length,
    *tries(cost) {
      last = 0;
      for (const password of [...ordered]) {
        if (left < cost) return;
        left -= cost;
        last++;
        yield password;
      }
    },
    find: (text) => passwords.find((password) => password.text === text) ?? null,
    opened(password) {
      if (ordered[0] !== password) ordered = [password, ...ordered.filter((one) => one !== password)];
    },
    closed(what) {
      if (passwords.length === 0) return what;
      return last < passwords.length
        ? `${what}; of ${passwords.length} passwords ${last} were tried, more would cost too much`
        : `${what}; none of ${passwords.length} passwords opens it`;
    },
  };
}

export const emptyKeyring = (): Keyring => createKeyring([]);
