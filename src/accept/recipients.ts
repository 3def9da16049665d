/** Who may be written to: the domains of the routes and nobody else. What the next hop thinks of a recipient is asked elsewhere. */
import { type Config, routeName } from "../config-schema.ts";
import type { ForwardPath } from "../core/message.ts";
import type { Reply } from "../core/status.ts";
import { asciiDomain, type Mailbox, parseMailbox } from "./path.ts";
import { says } from "../core/replies.ts";

export interface Recipient extends ForwardPath {
  /** The next hop need not be asked: RFC 5321 §4.5.1 wants mail for the postmaster to be taken. */
  readonly isPostmaster: boolean;
  /** Whether the next hop is to be asked at RCPT. */
  readonly verify: boolean;
  /** Equal for addresses that are the same mailbox: the domain without case, the local part with it (RFC 5321 §2.4). */
  readonly key: string;
}

type Routes = ReadonlyMap<string, { readonly name: string; readonly verify: boolean }>;

/** A local part with a route of its own ("user%other.example", "other.example!user"): a next hop that trusts us might relay by it. */
const routed = /[@%!]/;

export class Recipients {
  readonly #exact: Routes;
  /** By the part after "*."; the longest that fits wins. */
  readonly #wildcard: Routes;
  readonly #hostname: string;
  readonly #postmaster: Mailbox | null;
  readonly #first: string;

  constructor(config: Config) {
    const all = config.routes.flatMap((route) =>
      route.domains.map((domain) => ({ domain, route: { name: routeName(route), verify: route.verify_recipients } })),
    );
    const map = (wild: boolean): Routes =>
      new Map(
        all
          .filter(({ domain }) => domain.startsWith("*.") === wild)
          .map(({ domain, route }) => [asciiDomain(domain.replace(/^\*\./, "")), route]),
      );
    this.#exact = map(false);
    this.#wildcard = map(true);
    this.#hostname = asciiDomain(config.hostname);
    this.#first = all[0]?.route.name ?? "";
    const exact = [...this.#exact.keys()][0] ?? [...this.#wildcard.keys()][0] ?? this.#hostname;
    this.#postmaster = parseMailbox(config.notifications.postmaster ?? `postmaster@${exact}`);
  }

  /** The recipient with its route, or why it is refused. */
  find(mailbox: Mailbox): Recipient | Reply<5> {
    const isPostmaster = mailbox.localPart.toLowerCase() === "postmaster";
    if (isPostmaster && this.#isHere(mailbox.domain)) return this.#ownPostmaster(mailbox);
    const route = this.#route(mailbox.domain);
    if (!route) return says.relayDenied;
    if (routed.test(mailbox.localPart)) return says.routedByClient;
    return {
      address: mailbox.address,
      route: route.name,
      isPostmaster,
      verify: route.verify && !isPostmaster,
      key: keyOf(mailbox),
    };
  }

  /** `postmaster` without a domain or at our own name. A domain that has a route has a postmaster of its own. */
  #isHere(domain: string): boolean {
    return domain === "" || (asciiDomain(domain) === this.#hostname && !this.#route(domain));
  }

  #ownPostmaster(asked: Mailbox): Recipient {
    const mailbox = this.#postmaster ?? asked;
    const route = this.#route(mailbox.domain)?.name ?? this.#first;
    return { address: mailbox.address, route, isPostmaster: true, verify: false, key: keyOf(mailbox) };
  }

  #route(domain: string): { readonly name: string; readonly verify: boolean } | null {
    const name = asciiDomain(domain);
    const exact = this.#exact.get(name);
    if (exact) return exact;
    for (let dot = name.indexOf("."); dot !== -1; dot = name.indexOf(".", dot + 1)) {
      const wild = this.#wildcard.get(name.slice(dot + 1));
      if (wild) return wild;
    }
    return null;
  }
}

const keyOf = ({ localPart, domain }: Mailbox): string => `${localPart}@${asciiDomain(domain)}`;
