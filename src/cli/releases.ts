/** `sallyport rules publish | releases`: rules and policy for all nodes, under one number. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startWorkers } from "../../workers/compose.ts";
import { clusterSeal, openBlobs } from "../compose-cluster.ts";
import { proveRelease, sealedAs, sha256Of } from "../compose-releases.ts";
import { addressOf } from "../compose-stores.ts";
import type { Config } from "../config-schema.ts";
import { GatewayError } from "../core/errors.ts";
import { createLog } from "../observe/log.ts";
import { type Release, Releases } from "../records/releases.ts";
import { packRelease, unpackedIn, unpackRelease } from "../rulepacks/bundle.ts";
import { externalDefaults } from "../rulepacks/externals.ts";
import { actor, toStandardError } from "./custody.ts";
import { wholeNumber } from "./options.ts";
import { safe, table } from "./output.ts";
import type { Context } from "./program.ts";

const memory = 512 * 2 ** 20;

function missing(key: string): GatewayError {
  const remedy = `set ${key} as on the other nodes (docs/cluster.md); a machine alone needs no releases`;
  return new GatewayError("CONFIG_INVALID", { problem: `${key} is not set`, remedy });
}

export async function withReleases<T>(config: Config, work: (releases: Releases) => Promise<T>): Promise<T> {
  if (!config.catalog) throw missing("catalog");
  const releases = new Releases(addressOf(config.catalog));
  try {
    return await work(releases);
  } finally {
    await releases.close();
  }
}

/** As a node will see it: out of the bundle, compiled in a child. */
async function prove(octets: Buffer) {
  const dir = mkdtempSync(join(tmpdir(), "sallyport-release-"));
  try {
    await unpackRelease(octets, join(dir, "release"));
    const unpacked = await unpackedIn(join(dir, "release"));
    if (!unpacked) throw new GatewayError("DATA_UNWRITABLE", { folder: dir });
    const workers = await startWorkers({
      ...{ concurrency: 1, memory, deadlineMs: 60_000, scratchDir: dir, engine: "wasm" },
      rules: { sources: [], version: "none", externals: externalDefaults },
      log: createLog("error", toStandardError),
    });
    return await proveRelease(unpacked, workers).finally(() => workers.close());
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

type Made = Omit<Release, "n" | "at" | "activatedAt" | "by" | "note">;

async function upload(config: Config): Promise<Made> {
  if (!config.blobs) throw missing("blobs");
  const policy = config.policy === undefined ? null : readFileSync(config.policy, "utf8");
  const octets = await packRelease(config.rules, policy);
  const proved = await prove(octets);
  const seal = clusterSeal(config, "releases");
  const sha256 = sha256Of(octets);
  const sealed = seal.seal(octets, sealedAs(sha256));
  const blob = `releases/${seal.nameOf(sha256)}`;
  const blobs = await openBlobs(config.blobs);
  try {
    await blobs.put(blob, sealed.length, sealed);
  } finally {
    await blobs.close();
  }
  return { sha256, blob, ...proved };
}

async function earlier(releases: Releases, n: number): Promise<Made> {
  const found = await releases.get(n);
  if (!found) throw new GatewayError("USAGE", { "--again": String(n), remedy: "sallyport rules releases lists them" });
  const { sha256, blob, ruleSet, policyVersion, rules } = found;
  return { sha256, blob, ruleSet, policyVersion, rules };
}

export interface PublishOptions {
  readonly reason: string;
  readonly by?: string;
  readonly again?: string;
}

export async function publish(context: Context, options: PublishOptions): Promise<void> {
  const { config } = context.config();
  const made = await withReleases(config, async (releases) => {
    const { again } = options;
    const content =
      again === undefined ? await upload(config) : await earlier(releases, wholeNumber("--again", again, 1e9));
    const n = await releases.publish({ ...content, by: actor(options.by), note: options.reason });
    return { n, ...content };
  });
  context.out.result(made, () =>
    [
      `Release ${made.n}: ${made.rules} rules, policy ${made.policyVersion}.`,
      "It is in force once every living node has compiled it: sallyport doctor --cluster",
    ].join("\n"),
  );
}

export async function listReleases(context: Context, limit: string): Promise<void> {
  const found = await withReleases(context.config().config, (releases) =>
    releases.list(wholeNumber("--limit", limit, 10_000)),
  );
  const inForce = found.find(({ activatedAt }) => activatedAt !== null)?.n;
  const stateOf = ({ n, activatedAt }: Release): string =>
    n === inForce ? "in force" : activatedAt ? "was in force" : n === found[0]?.n ? "waits" : "never in force";
  context.out.result(found, () =>
    found.length === 0
      ? "Nothing has been published: each node uses its own rules and policy."
      : table(
          ["RELEASE", "STATE", "RULES", "RULE SET", "POLICY", "AT", "BY", "WHY"],
          found.map((one) => [
            ...[one.n, stateOf(one), one.rules, one.ruleSet.slice(0, 16), one.policyVersion],
            ...[one.at.toISOString(), safe(one.by), safe(one.note)],
          ]),
        ),
  );
}
