/** The settings as a list, read from the schema: for docs/configuration.md and for showing values with their units. */
import { z } from "zod";
import { configSchema } from "./config-schema.ts";
import { isArray, isObject, isUnion, unwrap } from "./yaml/schema-walk.ts";

export interface Field {
  /** "routes[].retry.first" */
  readonly key: string;
  /** "duration", "whole number", "`a` or `b`"; null for a mapping, whose settings follow. */
  readonly kind: string | null;
  /** In Markdown: code as people would write it, or words; null if there is none. */
  readonly byDefault: string | null;
  readonly required: boolean;
  readonly text: string;
}

type Schema = z.core.$ZodType;

const meta = (
  schema: Schema,
): { readonly kind?: unknown; readonly description?: unknown; readonly computed?: unknown } =>
  z.globalRegistry.get(schema) ?? {};

const plain: Readonly<Record<string, string>> = {
  string: "text",
  boolean: "`true` or `false`",
  number: "whole number",
};

function listOf(kind: string): string {
  return `list of ${kind === "text" ? "texts" : `${kind}s`}`;
}

function kindOf(schema: Schema): string {
  const { kind } = meta(schema);
  if (typeof kind === "string") return kind;
  if (schema instanceof z.ZodNullable) return `${kindOf(schema.def.innerType)} or \`null\``;
  if (schema instanceof z.ZodPipe) return kindOf(schema.def.in);
  if ("innerType" in schema._zod.def) return kindOf(schema._zod.def.innerType as Schema);
  if (isArray(schema)) return listOf(kindOf(schema.def.element));
  if (isUnion(schema)) return schema.def.options.map(kindOf).join(", or a ");
  if (schema instanceof z.ZodEnum)
    return schema.options
      .map((option) => `\`${option}\``)
      .join(", ")
      .replace(/, ([^,]*)$/, " or $1");
  return plain[schema._zod.def.type] ?? schema._zod.def.type;
}

/** What the machine decides (its name, its processors) is told in words. */
function defaultOf(schema: Schema): string | null {
  const { def } = schema._zod;
  const { computed } = meta(schema);
  if (typeof computed === "string") return computed;
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    const value: unknown = schema.def.defaultValue;
    return `\`${JSON.stringify(value).replace(/^"(.*)"$/, "$1")}\``;
  }
  return "innerType" in def ? defaultOf(def.innerType as Schema) : null;
}

/** Where a word may stand for a mapping, the mapping says more. */
const mappingOf = (schema: Schema): Schema =>
  (isUnion(schema) ? schema.def.options.map(unwrap).find(isObject) : undefined) ?? schema;

function field(key: string, schema: Schema): readonly Field[] {
  const inner = mappingOf(unwrap(schema));
  const { description } = meta(schema);
  const text = typeof description === "string" ? description : "";
  const nested = isObject(inner) ? inner : isArray(inner) ? unwrap(inner.def.element) : null;
  const required = !z.safeParse(schema as z.ZodType, undefined).success;
  if (!nested || !isObject(nested))
    return [{ key, kind: kindOf(schema), byDefault: defaultOf(schema), required, text }];
  const prefix = isObject(inner) ? key : `${key}[]`;
  return [{ key, kind: null, byDefault: null, required, text }, ...fieldsOf(nested, `${prefix}.`)];
}

const fieldsOf = (schema: z.ZodObject, prefix: string): readonly Field[] =>
  Object.entries(schema.shape).flatMap(([name, inner]) => field(prefix + name, inner));

export const configFields = (): readonly Field[] => fieldsOf(configSchema, "");
