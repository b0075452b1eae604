import { gzipSync } from "node:zlib"
import {
  HttpApiClient,
  HttpBody,
  HttpClient,
  HttpClientError,
  HttpClientRequest,
  HttpClientResponse,
} from "@effect/platform"
import { DateTime, Effect, Option, type Redacted } from "effect"
import type { Batch, IngestReply } from "../domain/index.ts"
import { P1Api, ProblemDocument } from "../domain/api/index.ts"
import { EdgeClock } from "./EdgeClock.ts"
import { failureOfStatus, instantOfHttpDate, retryAfterOf, UploadFailed } from "./UploadFailed.ts"

export interface ServerOptions {
  /** Where the API begins: what comes before `/v1`. */
  readonly url: string
  readonly token: Redacted.Redacted
}

const exchangeTimeout = "30 seconds"

const gzipped = (request: HttpClientRequest.HttpClientRequest): HttpClientRequest.HttpClientRequest =>
  request.body._tag === "Uint8Array"
    ? request.pipe(
        HttpClientRequest.setBody(HttpBody.uint8Array(gzipSync(request.body.body), request.body.contentType)),
        HttpClientRequest.setHeader("content-encoding", "gzip"),
      )
    : request

const transient = (message: string) => new UploadFailed({ kind: "Transient", message, retryAfter: Option.none() })

/** What the server says beside its status: in its headers, and in its problem document where there is one. */
const failureOfResponse = Effect.fn("failureOfResponse")(function* (response: HttpClientResponse.HttpClientResponse) {
  const problem = yield* Effect.option(HttpClientResponse.schemaBodyJson(ProblemDocument)(response))
  const now = yield* DateTime.now
  const asked = Option.orElse(Option.fromNullable(response.headers["retry-after"]), () =>
    Option.flatMap(problem, ({ retry_after_s }) => Option.map(Option.fromNullable(retry_after_s), String)),
  )
  return failureOfStatus(
    response.status,
    Option.map(problem, ({ detail }) => detail),
    Option.flatMap(asked, (text) => retryAfterOf(text, now)),
  )
})

const codeOf = (cause: unknown): string =>
  typeof cause === "object" && cause !== null && "code" in cause ? String(cause.code) : "no connection"

const failureOf = (error: unknown): Effect.Effect<UploadFailed> => {
  if (error instanceof HttpClientError.RequestError) {
    return Effect.succeed(transient(`The server cannot be reached (${codeOf(error.cause)})`))
  }
  return error instanceof HttpClientError.ResponseError && error.reason === "StatusCode"
    ? failureOfResponse(error.response)
    : Effect.succeed(transient("The server's reply is not understood"))
}

/**
 * Sends a batch by the contract, gzipped, and gives the server's reply. The whole exchange is limited in time, and no
 * redirect is followed: it would take the token along.
 */
export const makeSend = Effect.fn("makeSend")(function* ({ token, url }: ServerOptions) {
  const clock = yield* EdgeClock
  const noteTime = ({ headers }: HttpClientResponse.HttpClientResponse) =>
    Option.match(Option.flatMap(Option.fromNullable(headers["date"]), instantOfHttpDate), {
      onNone: () => Effect.void,
      onSome: clock.compare,
    })
  const httpClient = (yield* HttpClient.HttpClient).pipe(
    HttpClient.mapRequest(HttpClientRequest.bearerToken(token)),
    HttpClient.mapRequest(gzipped),
    HttpClient.tap(noteTime),
    HttpClient.filterStatusOk,
  )
  const ingest = yield* HttpApiClient.endpoint(P1Api, { group: "ingest", endpoint: "ingest", httpClient, baseUrl: url })
  return (payload: Batch): Effect.Effect<IngestReply, UploadFailed> =>
    ingest({ payload }).pipe(
      Effect.catchAll((error) => Effect.flatMap(failureOf(error), Effect.fail)),
      Effect.timeoutFail({
        duration: exchangeTimeout,
        onTimeout: () => transient(`The server did not answer within ${exchangeTimeout}`),
      }),
    )
})
