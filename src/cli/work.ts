/** `sallyport work`: judges attachments for all gateways of a cluster, until SIGTERM. */
import type { Command } from "commander";
import type { Context } from "./program.ts";

async function work(context: Context): Promise<void> {
  const { config } = context.config();
  const { startWork } = await import("../compose-work.ts");
  const running = await startWork(config);
  const reload = (): void => void running.reload();
  process.on("SIGHUP", reload);
  await new Promise<void>((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => resolve());
  });
  process.off("SIGHUP", reload);
  await running.stop();
}

const help = `
It takes jobs from the Redis of \`queue\`, fetches what they are about from \`blobs\`, and needs no spool and no mail.
  SIGTERM  takes no more jobs; those that run may end within smtp.drain, then others get them
  SIGHUP   reloads rules; a mistake in them changes nothing`;

export function register(program: Command, context: Context): void {
  program
    .command("work")
    .description("judge attachments for the gateways of a cluster")
    .addHelpText("after", help)
    .action(context.action(() => work(context)));
}
