/** `sallyport run`, `sallyport serve`: the gateway itself, with its workers, until SIGTERM. */
import type { Command } from "commander";
import type { Gateway } from "../compose.ts";
import type { Context } from "./program.ts";

/** Resolves when a signal asks for the end; SIGHUP reloads rules and policy meanwhile. */
function untilAsked(gateway: Gateway): Promise<void> {
  const reload = (): void => void gateway.reload();
  process.on("SIGHUP", reload);
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const)
      process.on(signal, () => {
        process.off("SIGHUP", reload);
        resolve();
      });
  });
}

async function serve(context: Context): Promise<void> {
  const { config } = context.config();
  const { startGateway } = await import("../compose.ts");
  const gateway = await startGateway(config);
  await untilAsked(gateway);
  await gateway.stop();
}

const help = `
It answers on listen.smtp, shows figures at http://LISTEN.WEB/metrics, and writes JSON lines to standard output.
  SIGTERM  ends: transactions that are under way may finish within smtp.drain
  SIGHUP   reloads rules, policy and certificate; a mistake in them changes nothing`;

export function register(program: Command, context: Context): void {
  const action = context.action(() => serve(context));
  program
    .command("run")
    .description("run the gateway: all roles in one process tree")
    .addHelpText("after", help)
    .action(action);
  program
    .command("serve")
    .description("run the SMTP side, with embedded workers")
    .addHelpText("after", help)
    .action(action);
}
