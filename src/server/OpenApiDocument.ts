import { OpenApi } from "@effect/platform"
import { Array as Arr, Predicate, Record } from "effect"
import { P1Api } from "../domain/api/index.ts"

export const openApiPath = "/openapi.json"
export const docsPath = "/docs"

/** Schemas of errors that only the library would send. */
const foreign = ["HttpApiDecodeError", "Issue", "PropertyKey"]
const isRecord = Predicate.isRecord

/** Without what is foreign; unknown fields are ignored, never refused. */
const clean = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(clean)
  if (!isRecord(value)) return value
  return Record.fromEntries(
    Object.entries(value)
      .filter(([key, member]) => !(key === "additionalProperties" && member === false) && !foreign.includes(key))
      .map(([key, member]) => [key, clean(member)]),
  )
}

const retryAfter = {
  "Retry-After": { description: "Seconds after which to ask again", schema: { type: "integer" } },
}

const response = (status: string, value: unknown): unknown => {
  if (!isRecord(value)) return value
  // The library declares its own error for 400 first, which hides ours.
  if (status === "400") {
    return {
      description: "Bad request",
      content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
    }
  }
  return status === "503" ? { ...value, headers: retryAfter } : value
}

/** The failures that a path cannot have. */
const impossible: Record<string, ReadonlyArray<string>> = {
  "/health/live": ["400", "503"],
  "/health/ready": ["400"],
}

const operation = (path: string, value: unknown): unknown =>
  isRecord(value) && isRecord(value["responses"])
    ? {
        ...value,
        responses: Record.fromEntries(
          Object.entries(value["responses"])
            .filter(([status]) => !Arr.contains(impossible[path] ?? [], status))
            .map(([status, member]) => [status, response(status, member)]),
        ),
      }
    : value

const describe = (document: Record<string, unknown>): Record<string, unknown> => {
  const cleaned = clean(document)
  if (!isRecord(cleaned) || !isRecord(cleaned["paths"])) return document
  return {
    ...cleaned,
    paths: Record.map(cleaned["paths"], (methods, path) =>
      isRecord(methods) ? Record.map(methods, (value) => operation(path, value)) : methods,
    ),
  }
}

/** The contract, documented as it really answers. */
export const DocumentedApi = P1Api.annotate(OpenApi.Transform, describe)
