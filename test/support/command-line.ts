/** Runs command lines inside of this process and keeps what they say. */
import { type ExitCode, type Register, run } from "../../src/cli/program.ts";

export interface Said {
  readonly exit: ExitCode;
  readonly stdout: string;
  readonly stderr: string;
}

export async function commandLine(
  commands: readonly Register[],
  cwd: string,
  ...argv: readonly string[]
): Promise<Said> {
  let stdout = "";
  let stderr = "";
  const terminal = {
    cwd,
    stdout: {
      write: (text: string) => {
        stdout += text;
      },
    },
    stderr: {
      write: (text: string) => {
        stderr += text;
      },
    },
  };
  return { exit: await run(argv, terminal, "0.0.0", commands), stdout, stderr };
}
