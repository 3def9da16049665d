/** `sallyport web`: the console and its API, in a process of their own, until SIGTERM. */
import type { Command } from "commander";
import type { Context } from "./program.ts";

async function web(context: Context, options: { readonly listen?: string }): Promise<void> {
  const { config } = context.config();
  const { startWebRole } = await import("../compose-web-role.ts");
  const running = await startWebRole(config, options.listen ?? config.listen.web);
  await new Promise<void>((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => resolve());
  });
  await running.stop();
}

const help = `
It reads the catalog and the records of the gateways (of this machine, or the PostgreSQL of \`catalog\`), and asks the
gateway that holds a message to act: over its control socket, or over the Redis of \`queue\`.
A gateway serves the console too, on listen.web; give this one another address with --listen.`;

export function register(program: Command, context: Context): void {
  program
    .command("web")
    .description("serve the console and its API, beside the gateways")
    .option("--listen <host:port>", "instead of listen.web")
    .addHelpText("after", help)
    .action(context.action((options: { readonly listen?: string }) => web(context, options)));
}
