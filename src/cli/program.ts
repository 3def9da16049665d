/** The frame of the command line: global options, errors in one sentence, exit codes. Each command is one file that registers itself. */
import { resolve } from "node:path";
import { type Command as Commander, CommanderError, Command } from "commander";
import { findConfig, loadConfig, type LoadedConfig } from "../config.ts";
import { explain, GatewayError } from "../core/errors.ts";
import { Output, safe, type Writer } from "./output.ts";

/** 0 ok or yes · 1 found, or the answer is no · 2 error or wrong usage. */
export type ExitCode = 0 | 1 | 2;

export interface Context {
  readonly cwd: string;
  readonly out: Output;
  /** Absolute: `--config`, else the first of the usual places. Throws CONFIG_UNREADABLE. */
  readonly configFile: () => string;
  /** Throws CONFIG_UNREADABLE, CONFIG_INVALID. */
  readonly config: () => LoadedConfig;
  /** Makes an action for commander of a function that may return an exit code. Load what is heavy inside of it with `await import()`. */
  action<Args extends unknown[]>(
    run: (...args: Args) => ExitCode | void | Promise<ExitCode | void>,
  ): (...args: Args) => Promise<void>;
}

export type Register = (program: Commander, context: Context) => void;

export interface Terminal {
  readonly cwd: string;
  readonly stdout: Writer;
  readonly stderr: Writer;
}

interface GlobalOptions {
  readonly config?: string;
  readonly json?: true;
  readonly debug?: true;
}

const closing = `
Exit codes: 0 ok, 1 found something or the answer is no, 2 error or wrong usage.
Without --config: ./sallyport.yaml, then /etc/sallyport/sallyport.yaml.`;

function frame(terminal: Terminal, version: string): Commander {
  return new Command("sallyport")
    .description("SMTP gateway that scans mail attachments")
    .version(version)
    .option("--config <file>", "configuration to use")
    .option("--json", "results as JSON")
    .option("--debug", "show where an error comes from")
    .showHelpAfterError("(--help shows what there is)")
    .showSuggestionAfterError(true)
    .addHelpText("after", closing)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.stdout.write(text),
      writeErr: (text) => terminal.stderr.write(text),
    });
}

/** Only errors of the catalogue are for users; the rest is a bug, and says so. */
function sentence(error: unknown): string {
  if (error instanceof GatewayError) return safe(explain(error));
  return `internal error, please report it: ${safe(explain(error))} (--debug shows where)`;
}

/** Runs one command line to its end; register commands with `program.command()`, which hands the frame's settings down. */
export async function run(
  argv: readonly string[],
  terminal: Terminal,
  version: string,
  commands: readonly Register[],
): Promise<ExitCode> {
  const program = frame(terminal, version);
  const options = (): GlobalOptions => program.opts<GlobalOptions>();
  let exit: ExitCode = 0;
  const configFile = (): string => {
    const { config } = options();
    return config === undefined ? findConfig(terminal.cwd) : resolve(terminal.cwd, config);
  };
  const context: Context = {
    cwd: terminal.cwd,
    out: new Output(terminal.stdout, terminal.stderr, () => options().json === true),
    configFile,
    config: () => loadConfig(configFile()),
    action:
      (work) =>
      async (...args) => {
        exit = (await work(...args)) ?? 0;
      },
  };
  for (const register of commands) register(program, context);
  try {
    await program.parseAsync(argv, { from: "user" });
    return exit;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    terminal.stderr.write(`sallyport: ${sentence(error)}\n`);
    if (options().debug && error instanceof Error) terminal.stderr.write(`${error.stack ?? ""}\n`);
    return 2;
  }
}
