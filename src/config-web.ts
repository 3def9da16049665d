/** The part of the configuration that is about the console and its API. */
import { z } from "zod";
import { parseNetwork } from "./core/network.ts";
import { roles } from "./core/roles.ts";
import { parseDuration } from "./core/units.ts";

const durationWords = "must be a duration such as 30m, 12h or 7d";
const duration = (byDefault: string) =>
  z
    .string(durationWords)
    .refine((text) => parseDuration(text) !== null, durationWords)
    .transform((text) => parseDuration(text) ?? 0)
    .prefault(byDefault)
    .meta({ kind: "duration" });
const network = z
  .string()
  .refine((text) => parseNetwork(text) !== null, "must be an address or a network such as 192.0.2.1 or 2001:db8::/32")
  .meta({ kind: "network" });

const urlWords = "must be an address without a path, such as https://sallyport.example.com";
const origin = z
  .string(urlWords)
  .refine((text) => URL.canParse(text) && new URL(text).origin === text && /^https?:/.test(text), urlWords)
  .meta({ kind: "URL" });

export const webSchema = z.strictObject({
  url: origin
    .optional()
    .describe(
      "What people type to see the console. With `https://` cookies travel over TLS only; actions that come from another address are refused. Default: whatever address the browser asks for.",
    ),
  proxies: z
    .array(network)
    .default([])
    .describe("Reverse proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed."),
  session: duration("12h").describe("A sign-in lasts so long at most."),
  idle: duration("1h").describe("A sign-in that is not used for so long ends."),
  second_factor: z
    .enum(["optional", "required"])
    .default("optional")
    .describe("`required`: who signs in with a password alone can only set up an authenticator app or a passkey."),
  content_needs_reason: z
    .array(z.enum(roles))
    .default([])
    .describe(
      "Roles to which what senders wrote (text, header fields, downloads) is shown only with a reason, which the audit log keeps.",
    ),
  requests_per_minute: z.int().min(10).default(1_200).describe("From one address to the API; beyond: 429."),
});
export type WebConfig = z.infer<typeof webSchema>;
