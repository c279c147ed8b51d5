/** An OpenAPI 3.1 document as rows to show. Only what the page shows is read; anything else is left as it is. */

export interface SchemaObject {
  $ref?: string;
  type?: string | string[];
  title?: string;
  description?: string;
  format?: string;
  enum?: unknown[];
  const?: unknown;
  properties?: Record<string, SchemaObject>;
  items?: SchemaObject | boolean;
  required?: string[];
  oneOf?: SchemaObject[];
  anyOf?: SchemaObject[];
  allOf?: SchemaObject[];
  $defs?: Record<string, SchemaObject>;
  definitions?: Record<string, SchemaObject>;
}

export interface Parameter {
  name: string;
  in: string;
  required?: boolean;
  description?: string;
  schema?: SchemaObject;
}

interface Media {
  schema?: SchemaObject;
  example?: unknown;
}

export interface Operation {
  operationId?: string;
  summary?: string;
  description?: string;
  parameters?: Parameter[];
  requestBody?: { description?: string; required?: boolean; content?: Record<string, Media> };
  responses?: Record<string, { description?: string; content?: Record<string, Media>; headers?: Record<string, { description?: string }> }>;
  security?: Record<string, string[]>[];
}

export interface OpenApi {
  openapi: string;
  info: { title: string; version: string; description?: string };
  servers?: { url: string; description?: string }[];
  paths?: Record<string, Record<string, Operation>>;
  webhooks?: Record<string, Record<string, Operation>>;
  components?: {
    schemas?: Record<string, SchemaObject>;
    securitySchemes?: Record<string, { type: string; description?: string; scheme?: string; in?: string; name?: string; flows?: Record<string, { tokenUrl?: string; scopes?: Record<string, string> }> }>;
  };
}

const METHODS = ["get", "post", "put", "patch", "delete", "head", "options"];

export interface Listed {
  method: string;
  path: string;
  operation: Operation;
  /** The partner calls us. */
  webhook: boolean;
}

export function operationsOf(document: OpenApi): Listed[] {
  const listed = (paths: Record<string, Record<string, Operation>> | undefined, webhook: boolean) =>
    Object.entries(paths ?? {}).flatMap(([path, item]) =>
      METHODS.flatMap((method) => (item[method] ? [{ method: method.toUpperCase(), path, operation: item[method], webhook }] : [])),
    );
  return [...listed(document.paths, false), ...listed(document.webhooks, true)];
}

/** What a local reference names; `undefined` for one to elsewhere. */
export function resolve(document: OpenApi, schema: SchemaObject): SchemaObject | undefined {
  let at: SchemaObject | undefined = schema;
  for (let steps = 0; at?.$ref !== undefined && steps < 8; steps++) {
    if (!at.$ref.startsWith("#/")) return undefined;
    let value: unknown = document;
    for (const part of at.$ref.slice(2).split("/")) {
      const name = decodeURIComponent(part).replace(/~1/g, "/").replace(/~0/g, "~");
      value = value !== null && typeof value === "object" ? (value as Record<string, unknown>)[name] : undefined;
    }
    at = value as SchemaObject | undefined;
  }
  return at;
}

export interface Field {
  name: string;
  depth: number;
  type: string;
  required: boolean;
  description: string | undefined;
  values: string | undefined;
}

/** Deeper fields are not listed: a schema may refer to itself. */
const MAX_DEPTH = 6;
const MAX_FIELDS = 400;

export function typeOf(schema: SchemaObject): string {
  const type = Array.isArray(schema.type) ? schema.type.join(" | ") : (schema.type ?? (schema.properties ? "object" : ""));
  return schema.format ? `${type} (${schema.format})` : type;
}

/** The fields of a schema, depth first. */
export function fieldsOf(document: OpenApi, schema: SchemaObject): Field[] {
  const fields: Field[] = [];
  const walk = (raw: SchemaObject, depth: number) => {
    const one = resolve(document, raw);
    if (!one || depth > MAX_DEPTH) return;
    for (const part of [...(one.allOf ?? []), ...(one.oneOf ?? []), ...(one.anyOf ?? [])]) walk(part, depth);
    if (typeof one.items === "object") walk(one.items, depth);
    for (const [name, property] of Object.entries(one.properties ?? {})) {
      if (fields.length >= MAX_FIELDS) return;
      const value = resolve(document, property) ?? property;
      const item = typeof value.items === "object" ? (resolve(document, value.items) ?? value.items) : undefined;
      fields.push({
        name,
        depth,
        type: item ? `${typeOf(item) || "any"}[]` : typeOf(value) || "any",
        required: one.required?.includes(name) ?? false,
        description: property.description ?? value.description,
        values: value.enum?.map((entry) => JSON.stringify(entry)).join(", "),
      });
      walk(value, depth + 1);
    }
  };
  walk(schema, 0);
  return fields;
}
