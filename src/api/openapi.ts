/** The table of operations as OpenAPI 3.1. */
import { z } from "zod";
import type { Operation } from "./operation.ts";
import { problem } from "./schema-common.ts";

type Document = Readonly<Record<string, unknown>>;

const json = (schema: z.ZodType, io: "input" | "output"): Document => {
  const { $schema: _, ...made } = z.toJSONSchema(schema, { target: "draft-2020-12", io, unrepresentable: "any" });
  return made;
};

const pathOf = (path: string): string => path.replace(/:(\w+)/g, "{$1}");

function parametersOf(schema: z.ZodObject | undefined, where: "path" | "query"): readonly Document[] {
  if (!schema) return [];
  const { properties = {}, required = [] } = json(schema, "input") as {
    readonly properties?: Readonly<Record<string, Document>>;
    readonly required?: readonly string[];
  };
  return Object.entries(properties).map(([name, of]) => ({
    name,
    in: where,
    required: where === "path" || required.includes(name),
    schema: of,
  }));
}

const header = (name: string, description: string): Document => ({
  name,
  in: "header",
  required: false,
  description,
  schema: { type: "string" },
});

function headersOf({ isAction, isContent, method, access }: Operation): readonly Document[] {
  const ofConsole = access.who !== "anyone" && method !== "GET";
  return [
    ...(isAction ? [header("idempotency-key", "The same key again gets the same answer; nothing is done twice.")] : []),
    ...(isContent ? [header("x-reason", "Why the content is looked at; percent-encoded UTF-8. Audited.")] : []),
    ...(ofConsole ? [header("x-csrf-token", "`csrf` of the session; not needed with a token.")] : []),
  ];
}

const rights = ({ access }: Operation): string => {
  if (access.who === "anyone") return "Anyone.";
  if (access.who === "session") return "Whoever is signed in.";
  const where = { route: "shows the caller's routes", message: "messages of the caller's routes", all: "all routes" };
  return `Needs \`${access.who}\` (${where[access.where]}).`;
};

const problemAnswer = {
  description: "What went wrong",
  content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
};

function describe(id: string, operation: Operation): Document {
  const { tag, summary, params, query, body, answer, status = 200, raw } = operation;
  const content = raw === undefined ? { "application/json": { schema: json(answer, "output") } } : { [raw]: {} };
  return {
    operationId: id,
    tags: [tag],
    summary,
    description: rights(operation),
    parameters: [...parametersOf(params, "path"), ...parametersOf(query, "query"), ...headersOf(operation)],
    ...(body
      ? { requestBody: { required: true, content: { "application/json": { schema: json(body, "input") } } } }
      : {}),
    responses: { [status]: { description: "Done", content }, default: problemAnswer },
    security: operation.access.who === "anyone" ? [] : [{ session: [] }, { token: [] }],
  };
}

export function openApi(operations: Readonly<Record<string, Operation>>, version: string): Document {
  const paths: Record<string, Record<string, Document>> = {};
  for (const [id, operation] of Object.entries(operations))
    (paths[`/api/v1${pathOf(operation.path)}`] ??= {})[operation.method.toLowerCase()] = describe(id, operation);
  return {
    openapi: "3.1.0",
    info: {
      title: "Sallyport",
      version,
      description: "Everything that the console does. Times are RFC 3339 in UTC; errors are RFC 9457 problems.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    paths,
    components: {
      schemas: { Problem: json(problem, "output") },
      securitySchemes: {
        session: { type: "apiKey", in: "cookie", name: "sallyport" },
        token: { type: "http", scheme: "bearer" },
      },
    },
  };
}
