/** The queue contract over its implementations. */
import { EmbeddedQueue } from "../../src/queue/embedded.ts";
import { queueContract, type TestJob } from "./queue.ts";

queueContract("embedded", () => {
  const queue = new EmbeddedQueue<TestJob, number>({ waiting: 100 });
  return Promise.resolve({ queue, dispose: () => queue.close() });
});
