/** Servers and tools that some tests talk to: installs them where that is our business, else names them. */
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline/promises";

interface Server {
  readonly name: string;
  /** Any of these exists when it is installed. */
  readonly programs: readonly string[];
  /** One, or several with spaces between. */
  readonly debianPackage: string;
}

const typelib = (name: string): readonly string[] =>
  ["x86_64", "aarch64"].map((machine) => `/usr/lib/${machine}-linux-gnu/girepository-1.0/${name}.typelib`);

const servers: readonly Server[] = [
  { name: "postfix", programs: ["/usr/sbin/postfix"], debianPackage: "postfix" },
  { name: "swaks", programs: ["/usr/bin/swaks", "/usr/local/bin/swaks"], debianPackage: "swaks" },
  {
    name: "postgresql",
    programs: [13, 14, 15, 16, 17, 18].map((version) => `/usr/lib/postgresql/${version}/bin/initdb`),
    debianPackage: "postgresql-15",
  },
  { name: "redis", programs: ["/usr/bin/redis-server"], debianPackage: "redis-server" },
  {
    name: "swift",
    programs: ["/usr/bin/swift-proxy-server"],
    debianPackage: "swift-proxy swift-account swift-container swift-object memcached",
  },
  { name: "iproute2", programs: ["/usr/sbin/ip"], debianPackage: "iproute2" },
  {
    name: "faketime",
    programs: ["x86_64", "aarch64"].map((machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketime.so.1`),
    debianPackage: "libfaketime",
  },
  // Other programs' readers of mail, for the proof by difference.
  { name: "mime-readers", programs: ["/usr/share/perl5/MIME/Tools.pm"], debianPackage: "libmime-tools-perl" },
  { name: "gi", programs: ["/usr/lib/python3/dist-packages/gi/__init__.py"], debianPackage: "python3-gi" },
  { name: "gmime", programs: typelib("GMime-3.0"), debianPackage: "gir1.2-gmime-3.0" },
  { name: "camel", programs: typelib("Camel-1.2"), debianPackage: "gir1.2-camel-1.2" },
  { name: "mpack", programs: ["/usr/bin/munpack"], debianPackage: "mpack" },
  { name: "ripmime", programs: ["/usr/bin/ripmime"], debianPackage: "ripmime" },
];

const isThere = ({ programs }: Server): boolean => programs.some((program) => existsSync(program));
const missing = (names: Iterable<string>): readonly Server[] => {
  const wanted = new Set(names);
  return servers.filter((server) => wanted.has(server.name) && !isThere(server));
};

async function mayInstall(packages: string): Promise<boolean> {
  if (process.env["CI"] === "true" || !process.stdin.isTTY) return true;
  const prompt = createInterface({ input: process.stdin, output: process.stdout });
  const said = await prompt.question(
    `The tests need ${packages}. Install with apt-get now? No daemon is started. [Y/n] `,
  );
  prompt.close();
  return !/^n/i.test(said.trim());
}

const policyFile = "/usr/sbin/policy-rc.d";
const savedFile = `${policyFile}.sallyport-saved`;

/** Debian starts the daemon of a package that is installed unless this program says 101 (invoke-rc.d(8)); the site's own one comes back. */
function withoutDaemons(work: () => void): void {
  const stay = (): void => undefined;
  process.on("SIGINT", stay);
  const hadOwn = existsSync(policyFile);
  if (hadOwn) renameSync(policyFile, savedFile);
  try {
    writeFileSync(policyFile, "#!/bin/sh\nexit 101\n");
    chmodSync(policyFile, 0o755);
    work();
  } finally {
    rmSync(policyFile, { force: true });
    if (hadOwn) renameSync(savedFile, policyFile);
    process.off("SIGINT", stay);
  }
}

function aptGet(...args: string[]): { readonly ok: boolean; readonly words: string } {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const { status, stderr } = spawnSync("apt-get", ["-qq", ...args], { env, encoding: "utf8" });
  return { ok: status === 0, words: stderr };
}

/** `--no-remove`: another mail server on this machine is worth more than a test. A fresh machine has no lists yet. */
function install(packages: readonly string[]): void {
  const options = ["install", "--yes", "--no-remove", "--no-install-recommends"];
  withoutDaemons(() => {
    if (aptGet(...options, ...packages).ok) return;
    aptGet("update");
    const { ok, words } = aptGet(...options, ...packages);
    if (!ok) process.stderr.write(words);
  });
}

/** Returns the names of those that are still missing. */
export async function provide(names: Iterable<string>): Promise<readonly string[]> {
  const wanted = [...names];
  const packages = missing(wanted).flatMap((server) => server.debianPackage.split(" "));
  if (packages.length === 0) return [];
  const isOurs = process.getuid?.() === 0 && existsSync("/etc/debian_version");
  if (isOurs && (await mayInstall(packages.join(", ")))) {
    process.stdout.write(`installing ${packages.join(", ")} for the tests (no daemon is started)\n`);
    install(packages);
  }
  const still = missing(wanted);
  if (still.length > 0)
    process.stdout.write(
      `Missing for some tests: ${still.map(({ name }) => name).join(", ")}. On Debian, as root: apt-get install ${still.map((server) => server.debianPackage).join(" ")}\n`,
    );
  return still.map((server) => server.name);
}
