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
import { arrivedRow, heldRow, type Row } from "./row.ts";
import { samples } from "./samples.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = join(root, "demo-data");
const nextHopPort = 2626;

const configuration = `# Made by \`npm start\` for its demonstration.
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

const ids = /\b[0-7][0-9A-HJKMNP-TV-Z]{25}\b/;

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
    const answer = await sendMessage(port, message).catch((error: unknown) => explain(error));
    const id = ids.exec(answer)?.[0];
    const kept = nextHop.arrived[before];
    const reply = answer.replace(/^(\d{3} [\d.]+ Ok): .*/, "$1");
    if (kept !== undefined)
      rows.push({ title, reply, ...arrivedRow(readFileSync(join(arrivedFolder, kept), "latin1"), kept) });
    else if (id !== undefined)
      rows.push({ title, reply, ...heldRow((await askGateway(config, "show", { id })) as Held) });
    else rows.push({ title, findings: "", verdict: "", reply, where: "with its sender" });
    process.stdout.write(`  ${rows.length} of ${samples.length}: ${title}\n`);
  }
  const cells = rows.map(({ title, findings, verdict, reply, where }) => [title, findings, verdict, reply, where]);
  process.stdout.write(`\n${table(["MESSAGE", "FINDINGS", "VERDICT", "REPLY", "WHERE IT IS NOW"], cells)}\n`);
  const held = rows.map((row) => ids.exec(row.where)?.[0]).find((id) => id !== undefined) ?? "ID";
  const by = "--config demo-data/sallyport.yaml";
  process.stdout.write(`
What arrived lies in demo-data/arrived, with the gateway's fields on top; what is held waits for you.
The gateway stays up; Ctrl-C ends it. To try next, in another terminal:

  swaks --server 127.0.0.1:${port} --to anyone@example.test --attach @README.md     any file of yours
  bin/sallyport quarantine list ${by}
  bin/sallyport quarantine show ${held} ${by}
  bin/sallyport quarantine release ${held} --reason "harmless after all" ${by}
  bin/sallyport doctor ${by}
  curl http://127.0.0.1:${gateway.web ?? 0}/metrics

Your own mail server: docs/configuration.md begins with the smallest sallyport.yaml; where there is one, npm start runs that instead.
`);
  await new Promise<void>((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => resolve());
  });
  process.stdout.write("Stopping …\n");
  await gateway.stop();
  await nextHop.close();
}

main().catch((error: unknown) => {
  process.stderr.write(`sallyport: ${explain(error)}\n`);
  process.exit(2);
});
