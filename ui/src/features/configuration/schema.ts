/** What the JSON Schema of a configuration says about a place in it: names, values, and what they mean. */

import partnerSchema from "../../../../configs/schema/partner.schema.json";

export interface Schema {
  $ref?: string;
  description?: string;
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  properties?: Record<string, Schema>;
  additionalProperties?: boolean | Schema;
  items?: Schema | boolean;
  oneOf?: Schema[];
  anyOf?: Schema[];
  allOf?: Schema[];
  required?: string[];
  $defs?: Record<string, Schema>;
}

const root = partnerSchema as unknown as Schema;

function target(schema: Schema): Schema | undefined {
  return schema.$ref?.startsWith("#/$defs/") ? root.$defs?.[schema.$ref.slice("#/$defs/".length)] : undefined;
}

/** A schema with all it stands for: what it refers to, and each of its alternatives. */
function expand(schema: Schema, depth = 0): Schema[] {
  if (depth > 8) return [];
  const parts = [target(schema), ...(schema.oneOf ?? []), ...(schema.anyOf ?? []), ...(schema.allOf ?? [])];
  return [schema, ...parts.flatMap((part) => (part ? expand(part, depth + 1) : []))];
}

/** Every schema that a value at `path` may follow. */
export function schemasAt(path: readonly string[]): Schema[] {
  let found = expand(root);
  for (const part of path) {
    found = found.flatMap((schema) => {
      const next =
        schema.properties?.[part] ??
        (typeof schema.items === "object" && /^\d+$/.test(part) ? schema.items : undefined) ??
        (typeof schema.additionalProperties === "object" ? schema.additionalProperties : undefined);
      return next ? expand(next) : [];
    });
  }
  return found;
}

export interface Named {
  name: string;
  description: string | undefined;
  required: boolean;
  /** How its value begins: an object, a list, a text, or something else. */
  opens: "object" | "array" | "string" | "other";
}

function opens(schema: Schema): Named["opens"] {
  const types = expand(schema).flatMap((one) => one.type ?? (one.properties ? "object" : one.enum?.every((value) => typeof value === "string") ? "string" : []));
  const [type] = types;
  return type === "object" || type === "array" || type === "string" ? type : "other";
}

const describe = (schema: Schema): string | undefined => expand(schema).find((one) => one.description)?.description;

/** The names that an object at `path` may have. */
export function namesAt(path: readonly string[]): Named[] {
  const named = new Map<string, Named>();
  for (const schema of schemasAt(path)) {
    for (const [name, property] of Object.entries(schema.properties ?? {})) {
      if (named.has(name)) continue;
      named.set(name, { name, description: describe(property), required: schema.required?.includes(name) ?? false, opens: opens(property) });
    }
  }
  return [...named.values()];
}

/** The values that are listed for `path`, as JSON. */
export function valuesAt(path: readonly string[]): string[] {
  const values = schemasAt(path).flatMap((schema) => [...(schema.enum ?? []), ...(schema.const === undefined ? [] : [schema.const])]);
  const booleans = schemasAt(path).some((schema) => schema.type === "boolean") ? [true, false] : [];
  return [...new Set([...values, ...booleans].map((value) => JSON.stringify(value)))];
}

/** What the value at `path` means: its description, its values, its default. */
export function meaningAt(path: readonly string[]): { description: string; values: string[]; initial: string | undefined } | undefined {
  const schemas = schemasAt(path);
  const description = schemas.find((schema) => schema.description)?.description;
  if (!description) return undefined;
  const initial = schemas.find((schema) => schema.default !== undefined)?.default;
  return { description, values: valuesAt(path), initial: initial === undefined ? undefined : JSON.stringify(initial) };
}
