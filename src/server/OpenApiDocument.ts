import { OpenApi } from "@effect/platform"
import { Predicate, Record } from "effect"
import { P1Api } from "../domain/api/index.ts"
import { withoutForeign, withUnits } from "./OpenApiSchemas.ts"
import { responsesOf } from "./OpenApiResponses.ts"

export const openApiPath = "/openapi.json"
export const docsPath = "/docs"

const isRecord = Predicate.isRecord

const described = (path: string, value: unknown): unknown =>
  isRecord(value) && isRecord(value["responses"])
    ? { ...value, responses: responsesOf(path, value["responses"], value["requestBody"] !== undefined) }
    : value

const information = {
  contact: { name: "p1-energy" },
  license: { name: "MIT", identifier: "MIT" },
}

/** The library's document, with what it cannot know and without what does not hold. */
const describe = (document: Record<string, unknown>): Record<string, unknown> => {
  const cleaned = withUnits(withoutForeign(document))
  if (!isRecord(cleaned) || !isRecord(cleaned["paths"]) || !isRecord(cleaned["info"])) return document
  return {
    ...cleaned,
    info: { ...cleaned["info"], ...information },
    servers: [{ url: "/", description: "The server that this document comes from" }],
    paths: Record.map(cleaned["paths"], (methods, path) =>
      isRecord(methods) ? Record.map(methods, (value) => described(path, value)) : methods,
    ),
  }
}

/** The contract, documented as it really answers. */
export const DocumentedApi = P1Api.annotate(OpenApi.Transform, describe)

/** The document that `/openapi.json` gives and that is published with the source. */
export const openApiDocument = OpenApi.fromApi(DocumentedApi)
