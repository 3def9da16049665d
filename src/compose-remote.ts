/** Wires commands between nodes: who asks, who answers, over which Redis and under which seal. */
import { clusterSeal, redisSettings } from "./compose-cluster.ts";
import type { Config } from "./config-schema.ts";
import { askRemote, serveRemote } from "./control/remote.ts";
import { looks } from "./control/review-handlers.ts";
import type { Handler } from "./control/server.ts";
import { GatewayError } from "./core/errors.ts";
import type { Millis } from "./core/message.ts";
import { systemClock } from "./observe/clock.ts";
import type { Log } from "./observe/log.ts";
import { RedisPost } from "./queue/post.ts";

/** A scan child may take its time to read a message. */
const viewMs: Millis = 60_000;

const postOf = ({ queue }: Config): RedisPost => {
  if (!queue)
    throw new GatewayError("CONFIG_INVALID", { problem: "queue is not set: it carries commands to other nodes" });
  return new RedisPost(redisSettings(queue));
};

export type Ask = (
  node: string,
  command: string,
  args: Readonly<Record<string, unknown>>,
  id?: string,
) => Promise<unknown>;

export interface Asking {
  readonly ask: Ask;
  close(): void;
}

/** Throws CONFIG_UNREADABLE, CONFIG_INVALID; connects by itself. */
export function openAsking(config: Config): Asking {
  const seal = clusterSeal(config, "commands");
  const post = postOf(config);
  return {
    ask: (node, command, args, id) =>
      askRemote(
        { command, args },
        { post, seal, node, ...(id === undefined ? {} : { id }), ...(command === "view" ? { withinMs: viewMs } : {}) },
      ),
    close: () => post.close(),
  };
}

/** Throws CONFIG_UNREADABLE, CONFIG_INVALID; connects by itself. */
export function answerOthers(
  config: Config,
  handlers: ReadonlyMap<string, Handler>,
  log: Log,
): { close(): Promise<void> } {
  const post = postOf(config);
  const { node } = config.cluster;
  const seal = clusterSeal(config, "commands");
  const serving = serveRemote({ post, seal, node, handlers, looks, clock: systemClock, log });
  return { close: () => serving.close(() => post.close()) };
}
