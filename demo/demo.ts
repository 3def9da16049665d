/** `npm start` without a configuration: the real gateway on embedded defaults, a next hop that keeps what arrives, and ten messages sent through. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { table } from "../src/cli/output.ts";
import { askGateway } from "../src/cli/custody.ts";
import { startGateway } from "../src/compose.ts";
import { loadConfig } from "../src/config.ts";
import { explain } from "../src/core/errors.ts";
import type { Held } from "../src/review/review.ts";
import { sendMessage } from "./client.ts";
import { startNextHop } from "./next-hop.ts";
import { samples } from "./samples.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = join(root, "demo-data");
const nextHopPort = 2626;

const configuration = `# Made by \`npm start\`. Copy it to ./sallyport.yaml, change it, and \`npm start\` runs that instead.
hostname: sallyport.test
data_dir: ./data
listen:
  smtp: 127.0.0.1:2525
  web: 127.0.0.1:8025
routes:
  - domains: [example.test]
    next_hop: 127.0.0.1:${nextHopPort}
rules: [../rules]
spool: { min_free: 64MiB }
log: { level: warn }
`;

interface Row {
  readonly title: string;
  readonly findings: string;
  readonly verdict: string;
  readonly reply: string;
  readonly where: string;
}

const ids = /\b[0-7][0-9A-HJKMNP-TV-Z]{25}\b/;

/** The result field that the gateway put on top. */
const resultOf = (file: string): string =>
  (/^X-Sallyport-Result: (.*)\r?$/m.exec(readFileSync(file, "latin1"))?.[1] ?? "").split(";")[0] ?? "";
const findingsOf = (file: string): string =>
  (/^X-Sallyport-Findings: ((?:.|\r?\n[ \t])*)/m.exec(readFileSync(file, "latin1"))?.[1] ?? "")
    .replaceAll(/\s+/g, " ")
    .trim();

function heldRow(held: Held): Pick<Row, "findings" | "verdict" | "where"> {
  const outcomes = held.inspection?.outcomes ?? [];
  const found = outcomes.flatMap((outcome) =>
    outcome.kind === "found"
      ? outcome.findings.filter((finding) => finding.severity !== "info").map((finding) => finding.rule)
      : [],
  );
  const missing = outcomes.flatMap((outcome) => (outcome.kind === "incomplete" ? [`incomplete: ${outcome.why}`] : []));
  return {
    findings: [...new Set([...found, ...missing])].slice(0, 4).join(", "),
    verdict: held.verdict?.summary ?? "",
    where: `quarantine, ${held.id}`,
  };
}

async function main(): Promise<void> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, "sallyport.yaml");
  if (!existsSync(file)) writeFileSync(file, configuration);
  const { config } = loadConfig(file);
  const arrivedFolder = join(folder, "arrived");
  const nextHop = await startNextHop(nextHopPort, arrivedFolder);
  process.stdout.write("Starting the gateway …\n");
  const gateway = await startGateway(config);
  const port = gateway.smtp[0]?.port ?? 0;
  process.stdout.write(
    `SMTP on 127.0.0.1:${port}, status on http://127.0.0.1:${gateway.web ?? 0}/metrics, next hop on 127.0.0.1:${nextHopPort}\n\n`,
  );

  const rows: Row[] = [];
  for (const { title, message } of samples) {
    const before = nextHop.arrived.length;
    const reply = await sendMessage(port, message).catch((error: unknown) => explain(error));
    const id = ids.exec(reply)?.[0];
    const kept = nextHop.arrived[before];
    if (kept !== undefined) {
      const path = join(arrivedFolder, kept);
      rows.push({
        title,
        findings: findingsOf(path),
        verdict: resultOf(path),
        reply,
        where: `next hop, arrived/${kept}`,
      });
    } else if (id !== undefined)
      rows.push({ title, reply, ...heldRow((await askGateway(config, "show", { id })) as Held) });
    else rows.push({ title, findings: "", verdict: "", reply, where: "with its sender" });
    process.stdout.write(`  ${rows.length} of ${samples.length}: ${title}\n`);
  }
  const short = (text: string): string => text.replace(ids, "…");
  process.stdout.write(
    `\n${table(
      ["MESSAGE", "FINDINGS", "VERDICT", "REPLY", "WHERE IT IS NOW"],
      rows.map((row) => [row.title, row.findings || "none", row.verdict, short(row.reply), row.where]),
    )}\n`,
  );
  const held = rows.map((row) => ids.exec(row.where)?.[0]).find((id) => id !== undefined);
  process.stdout.write(`
The gateway stays up; Ctrl-C ends it. To try next:

  swaks --server 127.0.0.1:${port} --to anyone@example.test --attach-type application/zip --attach @some.zip
  bin/sallyport quarantine list --config demo-data/sallyport.yaml
  bin/sallyport quarantine show ${held ?? "ID"} --config demo-data/sallyport.yaml
  bin/sallyport quarantine release ${held ?? "ID"} --reason "harmless after all" --config demo-data/sallyport.yaml
  bin/sallyport doctor --config demo-data/sallyport.yaml
  curl http://127.0.0.1:${gateway.web ?? 0}/metrics
`);
  await new Promise<void>((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => resolve());
  });
  await gateway.stop();
  await nextHop.close();
}

main().catch((error: unknown) => {
  process.stderr.write(`sallyport: ${explain(error)}\n`);
  process.exit(2);
});
