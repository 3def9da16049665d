/** From a request to the one who sent it: a session's cookie or a token, and for cookies the proof that the console sent it. */
import { hash, timingSafeEqual } from "node:crypto";
import type {} from "@fastify/cookie";
import type { FastifyReply, FastifyRequest } from "fastify";
import { hashOfSecret, newSecret } from "../accounts/secret.ts";
import { GatewayError } from "../core/errors.ts";
import { type Permission, permissionsOf } from "../core/roles.ts";
import type { Account, Session } from "../records/accounts.ts";
import type { Caller, Desk, RouteInfo } from "./desk.ts";

export const tokenPrefix = "sallyport_";
/** Each use would cost a write; a session's end may be a minute off. */
const touchEveryMs = 60_000;

const isHttps = (request: FastifyRequest, { settings }: Desk): boolean =>
  settings.origin === null ? request.protocol === "https" : settings.origin.startsWith("https:");

/** The prefix makes browsers refuse a cookie that another host, or plain HTTP, has set. */
const cookieName = (isSecure: boolean): string => (isSecure ? "__Host-sallyport" : "sallyport");

/** Bound to the session, so that it needs no place to be kept, and tells nothing of the secret. */
const csrfOf = (secret: string): string => hash("sha256", `csrf ${secret}`, "base64url");

/** Names of routes and organisations → names of routes; null is all. */
export function routesOf(names: readonly string[], routes: readonly RouteInfo[]): ReadonlySet<string> | null {
  if (names.length === 0) return null;
  const wanted = new Set(names);
  const found = routes.filter(({ name, organisation }) => wanted.has(name) || wanted.has(organisation ?? ""));
  return new Set(found.map(({ name }) => name));
}

async function bySession(desk: Desk, secret: string): Promise<Caller | null> {
  const { accounts } = desk.records;
  const key = hashOfSecret(secret);
  const found = await accounts.session(key);
  if (!found) return null;
  const { session, account } = found;
  const now = desk.clock.now().getTime();
  if (now - Date.parse(session.seen) > touchEveryMs) await accounts.touch(key, ...renewed(desk, session, now));
  const isStrong = session.method !== "password" || desk.settings.secondFactor === "optional";
  return {
    account,
    permissions: new Set(permissionsOf(account.role)),
    routes: routesOf(account.routes, desk.routes),
    via: "console",
    session: { ...session, hash: key, csrf: csrfOf(secret) },
    expires: session.expires,
    needsSecondFactor: !isStrong,
  };
}

function renewed({ settings }: Desk, session: Session, now: number): [seen: string, expires: string] {
  const end = Math.min(Date.parse(session.at) + settings.sessionMs, now + settings.idleMs);
  return [new Date(now).toISOString(), new Date(end).toISOString()];
}

async function byToken(desk: Desk, secret: string): Promise<Caller | null> {
  const found = await desk.records.accounts.token(hashOfSecret(secret));
  if (!found) return null;
  const { token, account } = found;
  // What the account may not do any more its tokens may not either.
  const own = new Set<Permission>(permissionsOf(account.role));
  return {
    account,
    permissions: new Set(token.permissions.filter((one) => own.has(one))),
    routes: routesOf(account.routes, desk.routes),
    via: `token ${token.label}`,
    session: null,
    expires: token.expires,
    needsSecondFactor: false,
  };
}

/** Null: nobody who is signed in. */
export async function callerOf(desk: Desk, request: FastifyRequest): Promise<Caller | null> {
  const [, token] = /^Bearer ([\x21-\x7e]{1,200})$/.exec(request.headers.authorization ?? "") ?? [];
  if (token !== undefined) return token.startsWith(tokenPrefix) ? byToken(desk, token) : null;
  const secret = request.cookies[cookieName(isHttps(request, desk))];
  return secret === undefined || secret.length > 100 ? null : bySession(desk, secret);
}

const safeMethods = new Set(["GET", "HEAD"]);

/** What another site makes a browser send names that site, or at least not ours (RFC 6454 §7). Throws FORGED_REQUEST. */
export function refuseForeign(desk: Desk, request: FastifyRequest): void {
  if (safeMethods.has(request.method)) return;
  const { origin } = request.headers;
  const site = request.headers["sec-fetch-site"];
  const own = desk.settings.origin ?? `${request.protocol}://${request.headers.host ?? ""}`;
  if (origin !== undefined && origin !== own) throw new GatewayError("FORGED_REQUEST", { problem: "another origin" });
  if (site !== undefined && site !== "same-origin" && site !== "none")
    throw new GatewayError("FORGED_REQUEST", { problem: "another site" });
}

/** A browser sends cookies by itself, but no header of ours. Throws FORGED_REQUEST. */
export function refuseForged(caller: Caller, request: FastifyRequest): void {
  if (caller.session === null || safeMethods.has(request.method)) return;
  const given = Buffer.from(String(request.headers["x-csrf-token"] ?? ""));
  const right = Buffer.from(caller.session.csrf);
  if (given.length !== right.length || !timingSafeEqual(given, right))
    throw new GatewayError("FORGED_REQUEST", { problem: "the header x-csrf-token is missing or wrong" });
}

const cookie = (isSecure: boolean) => ({ path: "/", httpOnly: true, sameSite: "strict", secure: isSecure }) as const;

/** Always a new secret: none that was known before the sign-in is worth anything after it. */
export async function openSession(
  desk: Desk,
  request: FastifyRequest,
  reply: FastifyReply,
  account: Account,
  method: string,
): Promise<Caller> {
  const { secret, hash: key } = newSecret();
  const now = desk.clock.now();
  const at = now.toISOString();
  const expires = new Date(now.getTime() + Math.min(desk.settings.idleMs, desk.settings.sessionMs)).toISOString();
  const agent = (request.headers["user-agent"] ?? "").slice(0, 200);
  const session: Session = {
    ...{ id: newSecret().hash.slice(0, 16), account: account.id, at, seen: at, expires, method },
    ...{ client: request.ip, agent },
  };
  await desk.records.accounts.openSession(key, session);
  const isSecure = isHttps(request, desk);
  reply.setCookie(cookieName(isSecure), secret, cookie(isSecure));
  const caller = await bySession(desk, secret);
  if (!caller) throw new GatewayError("SIGN_IN_REFUSED");
  return caller;
}

export function clearCookie(desk: Desk, request: FastifyRequest, reply: FastifyReply): void {
  const isSecure = isHttps(request, desk);
  reply.clearCookie(cookieName(isSecure), cookie(isSecure));
}
