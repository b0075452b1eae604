import { HttpApiBuilder, HttpServerResponse } from "@effect/platform"
import { Array as Arr, Layer } from "effect"
import { docsPath } from "./OpenApiDocument.ts"

/** Readings are private, answers are no pages, and nothing is guessed of their types. */
export const everyReply = {
  "cache-control": "private, no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
}

/** The documentation carries its own script and style, and asks this server only. */
const documentation = {
  ...everyReply,
  "content-security-policy":
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
}

/** The headers that every reply has; what a reply says for itself stays. */
export const withHeaders =
  (path: string) =>
  (response: HttpServerResponse.HttpServerResponse): HttpServerResponse.HttpServerResponse =>
    HttpServerResponse.setHeaders(response, {
      ...(path === docsPath ? documentation : everyReply),
      ...response.headers,
    })

/** Lets pages of the given origins read; without any, browsers keep all pages but this server's own away. */
export const layerCors = (origins: ReadonlyArray<string>): Layer.Layer<never> =>
  Arr.isEmptyReadonlyArray(origins)
    ? Layer.empty
    : HttpApiBuilder.middlewareCors({
        allowedOrigins: (origin) => origins.includes(origin),
        allowedMethods: ["GET", "HEAD"],
        allowedHeaders: ["Authorization", "Accept", "If-None-Match", "Last-Event-ID"],
        exposedHeaders: ["ETag", "Retry-After"],
        maxAge: 600,
      })
