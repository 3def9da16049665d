/** Follows the releases: fetches the newest by its hash, makes it ready, says so, and takes it into force with all other nodes or not at all. */
import { createHash, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import type { Workers } from "../workers/compose.ts";
import { clusterSeal, openBlobs } from "./compose-cluster.ts";
import { addressOf } from "./compose-stores.ts";
import type { Config } from "./config-schema.ts";
import { explain, GatewayError, isGatewayError } from "./core/errors.ts";
import type { Millis } from "./core/message.ts";
import type { Log } from "./observe/log.ts";
import { loadPolicy } from "./policy-file.ts";
import { type NodeReport, type Release, Releases } from "./records/releases.ts";
import { type Unpacked, unpackedIn, unpackRelease } from "./rulepacks/bundle.ts";
import { externalDefaults } from "./rulepacks/externals.ts";
import { formatProblem } from "./rulepacks/format-problem.ts";
import { loadRulePacks } from "./rulepacks/load.ts";

export interface ActiveRelease extends Unpacked {
  readonly n: number;
}

export const sealedAs = (sha256: string): string => `release ${sha256}`;
export const sha256Of = (octets: Uint8Array): string => createHash("sha256").update(octets).digest("hex");

const folderOf = (config: Config): string => join(config.data_dir, "releases");
const dirOf = (config: Config, { n, sha256 }: Pick<Release, "n" | "sha256">): string =>
  join(folderOf(config), `${n}-${sha256.slice(0, 16)}`);
const pointerOf = (config: Config): string => join(folderOf(config), "active.json");
const pointerSchema = z.object({ n: z.int(), sha256: z.string().regex(/^[0-9a-f]{64}$/) });

/** What was in force when this node ended; it holds until the database says otherwise. */
export async function lastRelease(config: Config): Promise<ActiveRelease | null> {
  if (config.catalog === undefined) return null;
  try {
    const pointer = pointerSchema.parse(JSON.parse(await readFile(pointerOf(config), "utf8")));
    const unpacked = await unpackedIn(dirOf(config, pointer));
    return unpacked && { n: pointer.n, ...unpacked };
  } catch {
    return null;
  }
}

/** Rules and policy of a release in the place of a node's own. */
export const withRelease = (config: Config, release: Unpacked | null): Config =>
  release === null ? config : { ...config, rules: [...release.rules], policy: release.policy };

/** Everything must compile, unlike files of one machine, where a mistake leaves out a file. Throws CONFIG_INVALID, POLICY_INVALID. */
export async function proveRelease(unpacked: Unpacked, workers: Pick<Workers, "check">) {
  const policy = loadPolicy(unpacked.policy);
  const loaded = await loadRulePacks(unpacked.rules);
  const { problems, ruleCount } = await workers.check(loaded.sources, externalDefaults);
  const errors = [...loaded.problems, ...problems].filter(({ level }) => level === "error");
  const [first] = errors;
  if (first)
    throw new GatewayError("RELEASE_REFUSED", {
      problem: `${errors.length} errors in rules; the first: ${formatProblem(first, "").split("\n")[0]}`,
      remedy: "sallyport rules check",
    });
  return { ruleSet: loaded.version, policyVersion: policy.version, rules: ruleCount };
}

/** Fetches, opens the seal, compares the hash, unpacks. */
async function fetchRelease(config: Config, release: Release): Promise<Unpacked> {
  const dir = dirOf(config, release);
  const there = await unpackedIn(dir);
  if (there) return there;
  if (!config.blobs) throw new GatewayError("CONFIG_INVALID", { problem: "blobs is not set: releases lie there" });
  const blobs = await openBlobs(config.blobs);
  try {
    const pieces: Uint8Array[] = [];
    for await (const piece of await blobs.get(release.blob)) pieces.push(piece);
    const octets = clusterSeal(config, "releases").open(Buffer.concat(pieces), sealedAs(release.sha256));
    if (sha256Of(octets) !== release.sha256)
      throw new GatewayError("RELEASE_REFUSED", { problem: "the bundle has another hash than the release" });
    await unpackRelease(octets, dir);
  } finally {
    await blobs.close();
  }
  const unpacked = await unpackedIn(dir);
  if (!unpacked) throw new GatewayError("DATA_UNWRITABLE", { folder: dir });
  return unpacked;
}

/** Whose rules and policy change. */
export interface Follower {
  readonly workers: Pick<Workers, "check">;
  use(release: ActiveRelease): Promise<void>;
}

export interface FollowOptions {
  readonly config: Config;
  readonly role: NodeReport["role"];
  readonly log: Log;
  /** What lastRelease() has said, and the follower uses. */
  readonly from: ActiveRelease | null;
  readonly follower: Follower;
}

export interface Following {
  /** Done once the first look is: with what is in force everywhere, or without a database. */
  readonly first: Promise<void>;
  close(): Promise<void>;
}

const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  readonly version: string;
};
const everyMs: Millis = 1_000;
/** What failed for a reason that may pass is tried again after so long. */
const againMs: Millis = 5_000;
const nothing: Following = { first: Promise.resolve(), close: () => Promise.resolve() };

/** Nothing on a machine that stands alone. */
export function followReleases(options: FollowOptions): Following {
  const { config, role, log, follower } = options;
  if (config.catalog === undefined) return nothing;
  const releases = new Releases(addressOf(config.catalog));
  const instance = randomUUID();
  const started = new Date();
  const stop = new AbortController();
  const ready = new Map<number, Unpacked>();
  let active: number | null = options.from?.n ?? null;
  let error: string | null = null;
  /** Not to be tried before then. */
  const failed = new Map<number, number>();
  const newestReady = (): number | null => (ready.size === 0 ? active : Math.max(...ready.keys(), active ?? 0));

  async function prepare(release: Release): Promise<void> {
    if (ready.has(release.n) || release.n === active || (failed.get(release.n) ?? 0) > Date.now()) return;
    try {
      const unpacked = await fetchRelease(config, release);
      const proved = await proveRelease(unpacked, follower.workers);
      ready.set(release.n, unpacked);
      error = null;
      log.info("release_ready", { release: release.n, rule_set: proved.ruleSet.slice(0, 16) });
    } catch (cause) {
      const isPassing = isGatewayError(cause) && cause.temporary;
      failed.set(release.n, isPassing ? Date.now() + againMs : Number.POSITIVE_INFINITY);
      error = `release ${release.n}: ${explain(cause)}`;
      log.error("release_refused", { release: release.n, error_cause: explain(cause) });
    }
  }

  async function takeOver(release: Release): Promise<void> {
    if (release.n === active) return;
    await prepare(release);
    const unpacked = ready.get(release.n);
    if (!unpacked) return;
    await follower.use({ n: release.n, ...unpacked });
    active = release.n;
    const pointer = pointerOf(config);
    await writeFile(`${pointer}.new`, JSON.stringify({ n: release.n, sha256: release.sha256 }), { mode: 0o600 });
    await rename(`${pointer}.new`, pointer);
    log.info("release_active", { release: release.n, policy_version: release.policyVersion });
    await tidy(release);
  }

  /** What is in force and what comes after it stays; a rollback is a release of its own. */
  async function tidy({ n }: Release): Promise<void> {
    for (const key of ready.keys()) if (key < n) ready.delete(key);
    for (const name of await readdir(folderOf(config)))
      if (/^\d+-/.test(name) && Number.parseInt(name, 10) < n)
        await rm(join(folderOf(config), name), { recursive: true, force: true });
  }

  const report = (): Promise<void> =>
    releases.report({
      ...{ instance, node: config.cluster.node, role, version, error, clock: new Date(), started },
      ...{ ready: newestReady(), active },
    });

  async function look(): Promise<void> {
    await report();
    const { newest, active: inForce } = await releases.wanted();
    if (inForce) await takeOver(inForce);
    if (newest === null || newest.n === inForce?.n) return;
    const before = newestReady();
    await prepare(newest);
    if (newestReady() !== before) await report();
    if (ready.has(newest.n) && (await releases.activate(newest.n))) await takeOver(newest);
  }

  const first = Promise.withResolvers<void>();
  async function run(): Promise<void> {
    await mkdir(folderOf(config), { recursive: true, mode: 0o700 });
    let said = "";
    while (!stop.signal.aborted) {
      const cause = await look().then(() => "", explain);
      if (cause !== "" && cause !== said) log.warn("releases_away", { error_cause: cause });
      said = cause;
      first.resolve();
      await sleep(everyMs, undefined, { signal: stop.signal }).catch(() => undefined);
    }
  }
  const running = run();
  return {
    first: first.promise,
    async close() {
      stop.abort();
      await running;
      await releases.leave(instance).catch(() => undefined);
      await releases.close();
    },
  };
}
