/** One call of one operation: who, may they, with what; audited, done once for one key, and no more told than the schema says. */
import { hash } from "node:crypto";
import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import type { Listed } from "../catalog/catalog.ts";
import { explain, GatewayError } from "../core/errors.ts";
import type { QueueId } from "../core/message.ts";
import type { AuditNote } from "../records/audit.ts";
import { callerOf, refuseForeign, refuseForged } from "./caller.ts";
import type { Caller, Desk } from "./desk.ts";
import { admit, contentReason, ownMessage } from "./guard.ts";
import type { Operation } from "./operation.ts";

/** A handler of whichever operation. */
export type AnyHandler = (call: {
  readonly desk: Desk;
  readonly caller: Caller | null;
  readonly listed: Listed | null;
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly actionId: string | undefined;
}) => unknown;

/** What nobody has asked for is a mistake that is told. */
const strictly = (schema: z.ZodType = z.object({})): z.ZodType =>
  schema instanceof z.ZodObject ? schema.strict() : schema;

const keyShape = /^[\x21-\x7e]{8,100}$/;

interface Work {
  readonly status: number;
  readonly body: string;
}

/** Throws USAGE, CONFLICT. */
async function once(
  { records }: Desk,
  caller: Caller,
  key: string,
  request: string,
  work: (actionId: string) => Promise<Work>,
): Promise<Work> {
  if (!keyShape.test(key))
    throw new GatewayError("USAGE", { problem: "idempotency-key: 8 to 100 visible ASCII characters" });
  const own = hash("sha256", `${caller.account.id} ${key}`, "hex");
  const fingerprint = hash("sha256", request, "hex");
  const before = await records.accounts.reserve(own, fingerprint);
  if (before) {
    if (before.fingerprint !== fingerprint)
      throw new GatewayError("CONFLICT", { problem: "this idempotency-key was used for another request" });
    if (before.status === null) throw new GatewayError("CONFLICT", { problem: "the same request is under way" });
    return { status: before.status, body: before.body };
  }
  try {
    const made = await work(own);
    await records.accounts.answered(own, made.status, made.body);
    return made;
  } catch (error) {
    await records.accounts.unreserve(own).catch(() => undefined);
    throw error;
  }
}

function pick(keys: readonly string[] | undefined, from: unknown): Readonly<Record<string, unknown>> {
  const all = (typeof from === "object" && from !== null ? from : {}) as Readonly<Record<string, unknown>>;
  return Object.fromEntries((keys ?? []).flatMap((key) => (all[key] === undefined ? [] : [[key, all[key]]])));
}

/** Looks at content and everything that changes something; signing in tells of itself. */
const isAudited = ({ method, isContent, access }: Operation): boolean =>
  access.who !== "anyone" && (isContent === true || method !== "GET");

/** One request, understood and allowed. */
interface Visit {
  readonly caller: Caller | null;
  readonly listed: Listed | null;
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
  readonly target: string;
  /** Why content is looked at. */
  readonly why: string | null;
}

function reader(desk: Desk, operation: Operation): (request: FastifyRequest) => Promise<Visit> {
  const [paramsOf, queryOf, bodyOf] = [operation.params, operation.query, operation.body].map(strictly);
  const isOfMessage = "where" in operation.access && operation.access.where === "message";
  async function allowed(request: FastifyRequest): Promise<Caller | null> {
    refuseForeign(desk, request);
    if (operation.access.who === "anyone") return null;
    const caller = await callerOf(desk, request);
    admit(operation, caller);
    if (caller) refuseForged(caller, request);
    return caller;
  }
  return async (request) => {
    const caller = await allowed(request);
    const params = paramsOf?.parse(request.params ?? {});
    const target = String((params as { readonly id?: unknown }).id ?? "");
    const listed = isOfMessage && caller ? await ownMessage(desk, caller, target as QueueId) : null;
    const why = operation.isContent && caller ? contentReason(desk, caller, request.headers["x-reason"]) : null;
    const [query, body] = [queryOf?.parse(request.query ?? {}), bodyOf?.parse(request.body ?? {})];
    return { caller, listed, params, query, body, target, why };
  };
}

export function createPerform(desk: Desk) {
  return (id: string, operation: Operation, handler: AnyHandler) => {
    const { audits, raw, status = 200, answer, isAction } = operation;
    const read = reader(desk, operation);
    const audited = isAudited(operation);

    async function note(
      { caller, target, listed, why }: Visit,
      client: string,
      act: string,
      detail: AuditNote["detail"],
    ): Promise<void> {
      if (!caller || !audited) return;
      await desk.records.audit.add({
        ...{ who: caller.account.name, via: caller.via, act, target, route: listed?.route ?? "" },
        detail: { ...detail, client, ...(why === null ? {} : { why }) },
      });
    }

    return async (request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
      const visit = await read(request);
      const { caller, params, query, body } = visit;
      const work = async (actionId?: string): Promise<Work> => {
        // Before it is done: what nobody could write down does not happen.
        await note(visit, request.ip, id, { ...pick(audits, query), ...pick(audits, body) });
        try {
          const made = await handler({ desk, ...visit, request, reply, actionId });
          return raw === undefined ? { status, body: JSON.stringify(answer.parse(made)) } : { status, body: "" };
        } catch (error) {
          await note(visit, request.ip, `${id}.failed`, { problem: explain(error) }).catch(() => undefined);
          throw error;
        }
      };
      const key = request.headers["idempotency-key"];
      const done =
        isAction && caller && typeof key === "string"
          ? await once(desk, caller, key, JSON.stringify([id, params, query, body]), work)
          : await work();
      return raw === undefined
        ? reply.code(done.status).type("application/json; charset=utf-8").send(done.body)
        : reply;
    };
  };
}
