/** What is packaged for containers against the program: commands, ports, paths, settings, metrics and users exist, and nothing runs with more than it needs. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, globSync, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { parseAllDocuments } from "yaml";
import { Registry } from "prom-client";
import { files as commandFiles } from "../../../src/cli/commands.ts";
import { checkConfig } from "../../../src/config.ts";
import type { Config } from "../../../src/config-schema.ts";
import { parseSize } from "../../../src/core/units.ts";
import { createClusterMetrics } from "../../../src/observe/cluster-metrics.ts";
import { createMetrics } from "../../../src/observe/metrics.ts";
import { temporaryFolder } from "../../support/spool.ts";

const root = resolve(import.meta.dirname, "../../..");
const read = (file: string): string => readFileSync(join(root, file), "utf8");

type Tree = Readonly<Record<string, unknown>>;

function parsed(file: string): readonly Tree[] {
  return parseAllDocuments(read(file), { merge: true }).map((document) => {
    assert.deepEqual([...document.errors, ...document.warnings], [], file);
    return document.toJS() as Tree;
  });
}

/** What lies at a path such as `spec.template.spec`; a star stands for every item of a list. */
function at(tree: unknown, path: string): readonly unknown[] {
  let found: readonly unknown[] = [tree];
  for (const key of path.split("."))
    found = found.flatMap((one) =>
      key === "*" ? ((one as readonly unknown[] | undefined) ?? []) : ((one as Tree | undefined)?.[key] ?? []),
    );
  return found;
}
const texts = (tree: unknown, path: string): readonly string[] => at(tree, path).map(String);
const one = (tree: unknown, path: string): unknown => {
  const [found, ...more] = at(tree, path);
  assert.deepEqual(more, [], `${path} is there more than once`);
  return found;
};

/** `web` is packaged ahead of the console that it will start. */
const commands: ReadonlySet<string> = new Set([...commandFiles.flatMap(({ names }) => names), "web"]);
const isCommand = (args: readonly string[]): void => {
  assert.equal(args.length, 1);
  assert.ok(commands.has(args[0] ?? ""), `there is no \`sallyport ${args[0]}\``);
};
const dockerfile = read("Dockerfile");
const imageUser = Number(/^USER (\d+):\1$/m.exec(dockerfile)?.[1]);
const portOf = (address: string | null): number => Number(address?.split(":").at(-1));

/** With what is elsewhere here. */
function configIn(file: string, secrets: string): Config {
  const text = read(file)
    .replaceAll("/opt/sallyport/rules", join(root, "rules"))
    .replaceAll(/\/run\/secrets(?:\/sallyport)?/g, secrets);
  const checked = checkConfig(text, join(root, file));
  if (!checked.ok) assert.fail(JSON.stringify(checked.problems));
  return checked.value;
}

async function secretsIn(t: Parameters<typeof temporaryFolder>[0]): Promise<string> {
  const dir = await temporaryFolder(t);
  copyFileSync(join(root, "packaging/cluster/make-secrets"), join(dir, "make-secrets"));
  execFileSync("sh", [join(dir, "make-secrets")]);
  return join(dir, "secrets");
}

const memoryFor = ({ scan }: Config): number => 2 ** 30 + (scan.workers + 1) * scan.memory;

test("every YAML file that is packaged is read without an error or a warning", () => {
  const all = globSync(["compose.yaml", "packaging/**/*.yaml"], { cwd: root });
  assert.ok(all.length > 10);
  for (const file of all) assert.ok(parsed(file).length > 0);
});

test("the secrets are made once, and fit where they are used", async (t) => {
  const secrets = await secretsIn(t);
  const key = readFileSync(join(secrets, "cluster_key"), "latin1");
  assert.match(key, /^[0-9a-f]{64}$/);
  execFileSync("sh", [join(secrets, "../make-secrets")]);
  assert.equal(readFileSync(join(secrets, "cluster_key"), "latin1"), key);
  assert.equal(statSync(secrets).mode & 0o777, 0o700);
  const { identities } = JSON.parse(readFileSync(join(secrets, "s3_identities"), "latin1")) as Tree;
  const { blobs } = configIn("packaging/cluster/sallyport.yaml", secrets);
  assert.deepEqual(at(identities, "*.credentials.*"), [
    { accessKey: blobs?.access_key, secretKey: readFileSync(join(secrets, "s3_secret"), "latin1") },
  ]);
});

test("compose.yaml: each role is a command, its ports are listened on, its files and secrets are there", async (t) => {
  const secrets = await secretsIn(t);
  const [compose] = parsed("compose.yaml") as [Tree];
  const services = Object.entries(compose["services"] as Record<string, Tree>);
  const named = (kind: string): readonly string[] => Object.keys(compose[kind] as Tree);
  const profiles = new Map<string, string[]>();
  for (const [name, service] of services) {
    for (const profile of texts(service, "profiles.*")) profiles.set(profile, [...(profiles.get(profile) ?? []), name]);
    for (const secret of texts(service, "secrets.*")) assert.ok(named("secrets").includes(secret), secret);
    for (const other of Object.keys(Object(service["depends_on"])).filter((key) => !/^\d+$/.test(key)))
      assert.ok(
        services.some(([each]) => each === other),
        `${name} waits for ${other}`,
      );
    for (const mount of texts(service, "volumes.*")) {
      const [from = ""] = mount.split(":");
      assert.ok(from.startsWith("./") ? existsSync(join(root, from)) : named("volumes").includes(from), mount);
    }
    assert.deepEqual(texts(service, "security_opt.*"), ["no-new-privileges:true"], name);
    if (service["image"] !== "sallyport:0.1.0") continue;
    isCommand(texts(service, "command.*"));
    assert.deepEqual([service["read_only"], service["cap_drop"]], [true, ["ALL"]], name);
    const isSingle = name === "sallyport";
    const config = configIn(`packaging/${isSingle ? "container" : "cluster"}/sallyport.yaml`, secrets);
    assert.equal(parseSize(String(service["mem_limit"]).replace("m", "MiB")), memoryFor(config), name);
    const listened = [...config.listen.smtp.map(portOf), portOf(config.listen.web)];
    for (const port of texts(service, "ports.*")) assert.ok(listened.includes(portOf(port)), `${name}: ${port}`);
    assert.ok(parseFloat(String(service["stop_grace_period"])) * 1000 > 2 * config.smtp.drain, name);
  }
  const [defaults] = [/^COMPOSE_PROFILES=(.*)$/m.exec(read(".env"))?.[1]];
  assert.deepEqual([defaults, profiles.get("single")], ["single", ["sallyport"]]);
  const cluster = services.filter(([name]) => profiles.get("cluster")?.includes(name));
  const replicas = (role: string): number =>
    cluster
      .filter(([, service]) => texts(service, "command.*").join() === role)
      .reduce((sum, [, service]) => sum + Number(at(service, "deploy.replicas")[0] ?? 1), 0);
  assert.deepEqual(["run", "work", "web"].map(replicas), [2, 3, 1]);
  const outside = cluster.flatMap(([, service]) => texts(service, "ports.*").map((port) => port.replace(/:\d+$/, "")));
  assert.equal(new Set(outside).size, outside.length, "each port is published once");
});

test("compose.yaml: the servers of the profile are those that its configuration names", async (t) => {
  const config = configIn("packaging/cluster/sallyport.yaml", await secretsIn(t));
  const [compose] = parsed("compose.yaml") as [Tree];
  const services = compose["services"] as Tree;
  const places = [config.queue?.url, config.catalog?.url, config.blobs?.endpoint].map((url) => new URL(url ?? ""));
  assert.deepEqual(
    places.map(({ hostname }) => hostname in services),
    [true, true, true],
  );
  assert.ok(texts(services, "s3.command.*").includes(`-s3.port=${places[2]?.port}`));
  const postgres = one(services, "postgres.environment") as Tree;
  assert.deepEqual(
    [postgres["POSTGRES_USER"], `/${String(postgres["POSTGRES_DB"])}`],
    [places[1]?.username, places[1]?.pathname],
  );
  assert.match(texts(services, "redis.command.*").join(" "), /maxmemory-policy noeviction/);
});

const folder = "packaging/kubernetes";
const manifests = (): readonly Tree[] =>
  texts(parsed(`${folder}/kustomization.yaml`)[0], "resources.*").flatMap((file) => parsed(`${folder}/${file}`));
const isWorkload = ({ kind }: Tree): boolean => kind === "Deployment" || kind === "StatefulSet";
const nameOf = (manifest: Tree): string => String(one(manifest, "metadata.name"));

test("Kubernetes: each role is a command with probes that are answered, and fits its volumes and its memory", async (t) => {
  const config = configIn(`${folder}/sallyport.yaml`, await secretsIn(t));
  const answered = new Set([...read("src/observe/http-status.ts").matchAll(/"(\/[a-z]+)"/g)].map(([, path]) => path));
  const ports = { smtp: portOf(config.listen.smtp[0] ?? ""), web: portOf(config.listen.web) };
  const workloads = manifests().filter(isWorkload);
  assert.deepEqual(workloads.map(nameOf), ["gateway", "worker", "console"]);
  for (const workload of workloads) {
    const pod = one(workload, "spec.template.spec") as Tree;
    const container = one(pod, "containers.*") as Tree;
    isCommand(texts(container, "args.*"));
    for (const port of at(container, "ports.*"))
      assert.equal(ports[String(one(port, "name")) as keyof typeof ports], one(port, "containerPort"));
    for (const probe of ["startupProbe", "livenessProbe", "readinessProbe"]) {
      assert.ok(answered.has(String(one(container, `${probe}.httpGet.path`))), probe);
      assert.equal(one(container, `${probe}.httpGet.port`), "web");
    }
    const volumes = [...texts(pod, "volumes.*.name"), ...texts(workload, "spec.volumeClaimTemplates.*.metadata.name")];
    assert.deepEqual(texts(container, "volumeMounts.*.name").toSorted(), volumes.toSorted());
    assert.ok(texts(container, "volumeMounts.*.mountPath").includes(config.data_dir));
    assert.equal(parseSize(`${String(one(container, "resources.limits.memory"))}B`), memoryFor(config));
    assert.ok(Number(pod["terminationGracePeriodSeconds"]) * 1000 > 2 * config.smtp.drain);
    const labels = one(workload, "spec.template.metadata.labels");
    assert.deepEqual(one(workload, "spec.selector.matchLabels"), labels);
  }
});

test("Kubernetes: no pod is root, writes outside its volumes, keeps a capability or a token, or leaves seccomp", () => {
  for (const workload of manifests().filter(isWorkload)) {
    const pod = one(workload, "spec.template.spec") as Tree;
    assert.equal(pod["automountServiceAccountToken"], false);
    const { runAsNonRoot, runAsUser, fsGroup, seccompProfile } = pod["securityContext"] as Tree;
    assert.deepEqual(
      { runAsNonRoot, runAsUser, fsGroup, seccompProfile },
      { runAsNonRoot: true, runAsUser: imageUser, fsGroup: imageUser, seccompProfile: { type: "RuntimeDefault" } },
    );
    assert.deepEqual(one(pod, "containers.*.securityContext"), {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
  }
});

test("Kubernetes: what selects pods selects some, and the network lets through what the configuration needs", async (t) => {
  const config = configIn(`${folder}/sallyport.yaml`, await secretsIn(t));
  const all = manifests();
  const roles = new Set(
    all.filter(isWorkload).flatMap((each) => Object.values(one(each, "spec.selector.matchLabels") as Tree)),
  );
  const selectors = all
    .filter(({ kind }) => kind === "Service" || kind === "PodDisruptionBudget" || kind === "NetworkPolicy")
    .flatMap((each) => [
      ...at(each, "spec.selector.app.kubernetes.io/component"),
      ...at(each, "spec.selector.matchLabels").flatMap((labels) => Object.values(labels as Tree)),
      ...at(each, "spec.podSelector.matchLabels").flatMap((labels) => Object.values(labels as Tree)),
      ...at(each, "spec.selector").flatMap((labels) =>
        Object.values(labels as Tree).filter((v) => typeof v === "string"),
      ),
    ]);
  assert.ok(selectors.length >= 7);
  for (const selector of selectors) assert.ok(roles.has(selector), String(selector));
  const open = new Set(
    all.filter(({ kind }) => kind === "NetworkPolicy").flatMap((each) => texts(each, "spec.egress.*.ports.*.port")),
  );
  const { queue, catalog, blobs, routes } = config;
  const urls = [queue?.url, catalog?.url, blobs?.endpoint].map((url) => new URL(url ?? ""));
  for (const port of [
    ...urls.map((url) => url.port || "443"),
    ...routes.flatMap(({ next_hop }) => next_hop.map(portOf)).map(String),
  ])
    assert.ok(open.has(port), `egress to ${port}`);
  const budgets = all.filter(({ kind }) => kind === "PodDisruptionBudget").map(nameOf);
  assert.deepEqual(budgets, ["gateway", "worker"]);
});

test("Kubernetes: what KEDA scales is there, and the metrics that it asks for are ours", async () => {
  const [scaled] = parsed(`${folder}/keda/worker.yaml`) as [Tree];
  const workers = manifests().filter(isWorkload).map(nameOf);
  assert.ok(workers.includes(String(one(scaled, "spec.scaleTargetRef.name"))));
  const registry = new Registry();
  createClusterMetrics(registry);
  const known = [registry, createMetrics().registry].map((each) => each.getMetricsAsJSON());
  const names = (await Promise.all(known)).flat().map(({ name }) => name);
  const asked = texts(scaled, "spec.triggers.*.metadata.query").map((query) => /sallyport_\w+/.exec(query)?.[0]);
  assert.equal(asked.length, 2);
  for (const name of asked) assert.ok(names.includes(name ?? ""), String(name));
});
