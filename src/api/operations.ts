/** Every operation of the API. Handlers, OpenAPI and the tests of who may what are made from this table. */
import { z } from "zod";
import type { Operation } from "./operation.ts";
import { accountOperations } from "./operations-accounts.ts";
import { nothing, queueId } from "./schema-common.ts";
import * as messages from "./schema-messages.ts";

const ofMessage = z.object({ id: queueId });

export const operations = {
  ...accountOperations,
  "messages.list": {
    method: "GET",
    path: "/messages",
    tag: "Messages",
    summary: "Messages, newest first.",
    access: { who: "look", where: "route" },
    query: messages.listQuery,
    answer: messages.messagePage,
  },
  "messages.show": {
    method: "GET",
    path: "/messages/:id",
    tag: "Messages",
    summary: "Why it is held, what is in it, what was done with it.",
    access: { who: "look", where: "message" },
    params: ofMessage,
    answer: messages.message,
  },
  "messages.view": {
    method: "GET",
    path: "/messages/:id/view",
    tag: "Messages",
    summary: "Header fields and text, as a mail program would show them, read in a sandbox. Text only.",
    access: { who: "content", where: "message" },
    params: ofMessage,
    answer: messages.view,
    isContent: true,
  },
  "api.description": {
    method: "GET",
    path: "/openapi.json",
    tag: "About",
    summary: "This description.",
    access: { who: "session" },
    answer: z.record(z.string(), z.unknown()),
  },
  "api.nothing": {
    method: "GET",
    path: "/ping",
    tag: "About",
    summary: "Whether the session is still there; keeps it from ending.",
    access: { who: "session" },
    answer: nothing,
  },
} as const satisfies Record<string, Operation>;

export type Operations = typeof operations;
export type OperationId = keyof Operations;
