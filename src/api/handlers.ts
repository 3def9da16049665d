/** The handler of every operation; one that is missing does not compile. */
import { accountHandlers } from "./handlers-accounts.ts";
import { messageHandlers } from "./handlers-messages.ts";
import { ownHandlers } from "./handlers-own.ts";
import { sessionHandlers } from "./handlers-session.ts";
import type { Handlers } from "./handler.ts";
import { openApi } from "./openapi.ts";
import { operations } from "./operations.ts";

export const createHandlers = (version: string): Handlers => ({
  ...sessionHandlers,
  ...ownHandlers,
  ...accountHandlers,
  ...messageHandlers,
  "api.description": () => ({ ...openApi(operations, version) }),
  "api.nothing": () => ({}),
});
