/** Looks into a zod schema: what lies under its wrappers, and which names it knows at a path. */
import { z } from "zod";

/** The schema under default, optional, nullable and transform: the shape that people write. */
export function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  if (def.type === "pipe") return unwrap(def.in);
  if (def.type === "lazy") return unwrap(def.getter());
  return "innerType" in def ? unwrap(def.innerType) : schema;
}

export const isObject = (schema: z.core.$ZodType): schema is z.ZodObject => schema instanceof z.ZodObject;
export const isArray = (schema: z.core.$ZodType): schema is z.ZodArray => schema instanceof z.ZodArray;
export const isUnion = (schema: z.core.$ZodType): schema is z.ZodUnion => schema instanceof z.ZodUnion;

const read = (value: unknown, key: PropertyKey): unknown =>
  typeof value === "object" && value !== null ? (value as Record<PropertyKey, unknown>)[key] : undefined;

/** The options of a union that could be meant by `value`; a discriminator decides where there is one. */
function candidates(schema: z.core.$ZodType, value: unknown): readonly z.core.$ZodType[] {
  const inner = unwrap(schema);
  if (!isUnion(inner)) return [inner];
  const options = inner.def.options.flatMap((option) => candidates(option, value));
  const exact = options.filter((option) => {
    if (!(inner instanceof z.ZodDiscriminatedUnion) || !isObject(option)) return false;
    const { discriminator } = inner.def;
    const tag = option.shape[discriminator];
    return tag !== undefined && z.safeParse(tag, read(value, discriminator)).success;
  });
  return exact.length > 0 ? exact : options;
}

/** Every name that a mapping may have at `path` of `value`; empty where no mapping is expected. */
export function knownNames(schema: z.core.$ZodType, path: readonly PropertyKey[], value: unknown): readonly string[] {
  const here = candidates(schema, value);
  const [key, ...rest] = path;
  if (key === undefined) return [...new Set(here.flatMap((one) => (isObject(one) ? Object.keys(one.shape) : [])))];
  const names = here.flatMap((one) => {
    const next = isArray(one) ? one.def.element : isObject(one) ? one.shape[String(key)] : undefined;
    return next ? knownNames(next, rest, read(value, key)) : [];
  });
  return [...new Set(names)];
}
