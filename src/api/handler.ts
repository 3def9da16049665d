/** What an operation's handler is given and gives back. */
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Listed } from "../catalog/catalog.ts";
import type { Caller, Desk } from "./desk.ts";
import type { Access, Input, Operation, Output } from "./operation.ts";
import type { OperationId, Operations } from "./operations.ts";

type CallerOf<A extends Access> = A extends { readonly who: "anyone" } ? null : Caller;
type MessageOf<A extends Access> = A extends { readonly where: "message" } ? Listed : null;

export interface Call<Op extends Operation> extends Input<Op> {
  readonly desk: Desk;
  readonly caller: CallerOf<Op["access"]>;
  /** The message in the path, which the caller may see. */
  readonly listed: MessageOf<Op["access"]>;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  /** The same for the same action asked for again. */
  readonly actionId: string | undefined;
}

export type Handler<Op extends Operation> = (call: Call<Op>) => Promise<Output<Op>> | Output<Op>;
export type Handlers<Ids extends OperationId = OperationId> = { readonly [Id in Ids]: Handler<Operations[Id]> };
