/** The API over real stores: SQLite catalog and records, custody with a real spool; called without a socket. */
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { FastifyInstance } from "fastify";
import { hashPassword } from "../../src/accounts/password.ts";
import { createSignIn } from "../../src/accounts/sign-in.ts";
import type { Desk, DeskSettings } from "../../src/api/desk.ts";
import { createServer } from "../../src/api/server.ts";
import type { Listed, Summary } from "../../src/catalog/catalog.ts";
import { openCatalog } from "../../src/catalog/sqlite.ts";
import { GatewayError } from "../../src/core/errors.ts";
import type { QueueId } from "../../src/core/message.ts";
import type { Role } from "../../src/core/roles.ts";
import { silent } from "../../src/observe/log.ts";
import { openRecords } from "../../src/records/sqlite.ts";
import { clockAt, temporaryFolder } from "./spool.ts";

export const password = "correct horse battery";
/** Once: it costs 50 ms. */
let hashed: Promise<string> | null = null;

export interface Signed {
  readonly cookie: string;
  readonly csrf: string;
}

export interface ApiRig {
  readonly app: FastifyInstance;
  readonly desk: Desk;
  readonly clock: ReturnType<typeof clockAt>;
  /** Makes the account and signs it in. */
  signIn(name: string, role: Role, routes?: readonly string[]): Promise<Signed>;
  headers(signed: Signed): Record<string, string>;
  list(id: string, route: string, more?: Partial<Summary>): Promise<Listed>;
}

export const summaryOf = (id: string, route: string, more: Partial<Summary> = {}): Summary => ({
  queueId: id as QueueId,
  state: "quarantine",
  arrivedAt: "2026-11-22T10:00:00.000Z",
  route,
  client: "192.0.2.7",
  reversePath: "a@client.example",
  forwardPaths: [`b@${route}`],
  subject: "a subject",
  size: 1000,
  sha256: "a".repeat(64),
  disposition: "quarantine",
  summary: "found",
  severity: "high",
  rules: ["own.double-extension"],
  names: ["invoice.pdf.exe"],
  hashes: ["b".repeat(64)],
  reason: "because",
  ...more,
});

export interface RigOptions {
  readonly settings?: Partial<DeskSettings>;
  readonly review?: Desk["review"];
  readonly requestsPerMinute?: number;
}

export async function startApi(t: TestContext, options: RigOptions = {}): Promise<ApiRig> {
  const folder = await temporaryFolder(t);
  const clock = clockAt("2026-11-22T10:00:00.000Z");
  const records = openRecords({ file: join(folder, "records.sqlite"), clock });
  t.after(() => records.close());
  const catalog = await openCatalog({ file: join(folder, "catalog.sqlite"), log: silent, node: "mx-1" });
  t.after(() => catalog.close());
  const desk: Desk = {
    catalog,
    records,
    signIn: createSignIn({ accounts: records.accounts, clock }),
    routes: [
      { name: "own.example", organisation: "acme", domains: ["own.example"] },
      { name: "other.example", organisation: null, domains: ["other.example"] },
    ],
    settings: {
      origin: null,
      sessionMs: 12 * 3_600_000,
      idleMs: 3_600_000,
      secondFactor: "optional",
      contentNeedsReason: [],
      hostname: "gateway.test",
      ...options.settings,
    },
    clock,
    log: silent,
    review: options.review ?? (() => Promise.reject(new GatewayError("SPOOL_NOT_THERE"))),
  };
  const app = await createServer({
    desk,
    status: { metrics: () => Promise.resolve(""), unhealthy: () => null, unready: () => Promise.resolve(null) },
    pages: { index: "<!doctype html><style nonce=__NONCE__></style>", register: () => Promise.resolve() },
    version: "0",
    log: silent,
    proxies: [],
    requestsPerMinute: options.requestsPerMinute ?? 100_000,
  });
  t.after(() => app.close());
  let addresses = 1;
  return {
    app,
    desk,
    clock,
    async signIn(name, role, routes = []) {
      hashed ??= hashPassword(password);
      await records.accounts.add({ name, role, routes, password: await hashed, subject: null, by: "test" });
      const answer = await app.inject({
        method: "POST",
        url: "/api/v1/session",
        // Attempts to sign in are few for one address.
        remoteAddress: `192.0.2.${addresses++}`,
        payload: { name, password },
      });
      const [cookie = ""] = String(answer.headers["set-cookie"]).split(";");
      return { cookie, csrf: answer.json<{ csrf: string }>().csrf };
    },
    headers: ({ cookie, csrf }) => ({ cookie, "x-csrf-token": csrf }),
    async list(id, route, more = {}) {
      await catalog.record(summaryOf(id, route, more));
      return (await catalog.get(id as QueueId)) as Listed;
    },
  };
}
