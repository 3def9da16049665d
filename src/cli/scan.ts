/** `sallyport scan FILE…`: a message or any file through the same inspection as the gateway's; nothing is kept. */
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { Command } from "commander";
import { configSchema, type Config } from "../config-schema.ts";
import { GatewayError, isGatewayError } from "../core/errors.ts";
import type { Content } from "../core/job.ts";
import type { Envelope, Part, QueueId, Sha256 } from "../core/message.ts";
import type { Dissection, Inspection } from "../core/outcome.ts";
import type { Verdict } from "../core/verdict.ts";
import { systemClock } from "../observe/clock.ts";
import { createLog } from "../observe/log.ts";
import { createMetrics } from "../observe/metrics.ts";
import { openRecords } from "../records/sqlite.ts";
import { judgementText } from "./judgement-text.ts";
import { safe } from "./output.ts";
import type { Context, ExitCode } from "./program.ts";

interface Scanned {
  readonly file: string;
  readonly summary: Verdict["summary"];
  readonly dissection: Dissection;
  readonly inspection: Inspection;
  readonly verdict: Verdict;
}

const toStandardError = { write: (line: string) => void process.stderr.write(line) };

/** The configuration in force, or the defaults where there is none: scanning a file needs no route. */
function configOf(context: Context, dataDir: string): Config {
  const defaults = (rules: readonly string[]): Config =>
    configSchema.parse({ data_dir: dataDir, rules, routes: [{ domains: ["scan.invalid"], next_hop: "127.0.0.1:25" }] });
  try {
    return { ...context.config().config, queue: undefined, data_dir: dataDir };
  } catch (error) {
    if (!isGatewayError(error, "CONFIG_UNREADABLE")) throw error;
    return defaults([new URL("../../rules", import.meta.url).pathname]);
  }
}

function envelopeOf(config: Config): Envelope {
  const [route] = config.routes;
  return {
    queueId: "00000000000000000000000000" as QueueId,
    sessionId: "scan",
    client: { address: "127.0.0.1", port: 0, name: null, helo: "localhost", protocol: "SMTP", tls: null },
    reversePath: "",
    forwardPaths: [
      {
        address: `scan@${route?.domains[0]?.replace("*.", "") ?? "invalid"}`,
        route: route?.name ?? route?.domains[0] ?? "",
      },
    ],
    extensions: { eightBitMime: false, smtpUtf8: false },
    arrivedAt: new Date().toISOString(),
    trace: "",
  };
}

/** Looks like a message: header fields from the first octet on. */
const isMessage = (file: string, bytes: Buffer): boolean =>
  /\.(eml|mbox|msg822)$/i.test(file) ||
  /^(?:[!-9;-~]+:[^\n]*\r?\n(?:[ \t][^\n]*\r?\n)*){2}/.test(bytes.subarray(0, 4096).toString("latin1"));

function asSinglePart(file: string, bytes: Buffer): Dissection {
  const sha256 = createHash("sha256").update(bytes).digest("hex") as Sha256;
  const part: Part = {
    path: "1",
    role: "attachment",
    sha256,
    size: bytes.length,
    names: [basename(file)],
    declaredTypes: [],
    types: [],
    view: { offset: 0, length: bytes.length, encoding: "identity" },
  };
  return {
    parts: [part],
    outcomes: [],
    header: { subject: "", from: "", to: "", messageId: "", date: "" },
    sha256,
    size: bytes.length,
  };
}

/** Before anything is started, so that a slip of the pen is told at once. */
function checkFiles(files: readonly string[]): void {
  if (files.length === 0) throw new GatewayError("USAGE", { problem: "name at least one file" });
  for (const file of files) {
    const stats = statSync(file, { throwIfNoEntry: false });
    if (!stats) throw new GatewayError("USAGE", { file, problem: "there is no such file" });
    if (stats.isDirectory()) throw new GatewayError("USAGE", { file, problem: "it is a folder; name the files in it" });
  }
}

function read(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new GatewayError("USAGE", { file }, error);
  }
}

async function scan(context: Context, files: readonly string[]): Promise<ExitCode> {
  checkFiles(files);
  const dataDir = mkdtempSync(join(tmpdir(), "sallyport-scan-"));
  try {
    const config = configOf(context, dataDir);
    const { startScanner } = await import("../compose-scan.ts");
    const log = createLog("warn", toStandardError);
    const records = openRecords({ file: join(dataDir, "records.sqlite"), clock: systemClock });
    const scanner = await startScanner({ config, log, clock: systemClock, metrics: createMetrics(), records });
    try {
      const results: Scanned[] = [];
      for (const file of files) {
        const bytes = read(file);
        const content: Content = { kind: "bytes", bytes };
        const entry = { envelope: envelopeOf(config), content: () => content };
        const { signal } = new AbortController();
        const dissection = isMessage(file, bytes) ? await scanner.dissect(entry, signal) : asSinglePart(file, bytes);
        const inspection = await scanner.inspect(entry, dissection, signal);
        const verdict = scanner.stages.decide(entry.envelope, dissection, inspection);
        results.push({ file, summary: verdict.summary, dissection, inspection, verdict });
      }
      context.out.result(results, () =>
        results
          .map((one) => [safe(`${one.file}: ${one.summary}`), "", judgementText(one, context.out)].join("\n"))
          .join("\n\n"),
      );
      return results.some((one) => one.summary === "incomplete")
        ? 2
        : results.some((one) => one.summary === "found")
          ? 1
          : 0;
    } finally {
      await scanner.close();
      await records.close();
    }
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}

export function register(program: Command, context: Context): void {
  program
    .command("scan")
    .argument("[files...]")
    .option("--schema", "print the JSON Schema of what --json says")
    .description(
      "inspect messages (.eml) or any files, as the gateway would; exit 0 clean, 1 found, 2 incomplete or error",
    )
    .addHelpText(
      "after",
      "\nExamples:\n  sallyport scan suspicious.eml\n  sallyport scan *.docx --json | jq '.[].summary'",
    )
    .action(
      context.action(async (files: string[], { schema }: { readonly schema?: true }) => {
        if (!schema) return scan(context, files);
        const { schemaText } = await import("./judgement-schema.ts");
        context.out.result(JSON.parse(schemaText("scan")), () => schemaText("scan"));
        return 0;
      }),
    );
}
