import { gzipSync } from "node:zlib"
import {
  FileSystem,
  HttpBody,
  HttpClient,
  HttpClientError,
  HttpClientRequest,
  HttpClientResponse,
  HttpIncomingMessage,
} from "@effect/platform"
import { DateTime, Duration, Effect, Option, type Redacted } from "effect"
import { type Batch, batchText, IngestReply, type Instant } from "../domain/index.ts"
import { ProblemDocument } from "../domain/api/index.ts"
import { EdgeClock } from "./EdgeClock.ts"
import { describeTransport } from "./TransportFailure.ts"
import { failureOfStatus, instantOfHttpDate, retryAfterOf, UploadFailed, uploadFailed } from "./UploadFailed.ts"

export interface ServerOptions {
  /** Where the API begins: what comes before `/v1`. */
  readonly url: string
  /** Read for each request, so that a new token needs no restart; fails with a sentence. */
  readonly token: Effect.Effect<Redacted.Redacted, { readonly message: string }>
  /** For a whole exchange, the reply's body included; 30 seconds as a rule. */
  readonly timeout?: Duration.DurationInput
}

/** A reply tells of 5,000 samples at most. */
const maxReplyBytes = Option.some(FileSystem.MiB(1))

/** The fastest level of gzip: it halves the time of the best one, and a batch shrinks to a tenth all the same. */
const requestOf = (url: string, { samples, ...extras }: Batch): HttpClientRequest.HttpClientRequest =>
  HttpClientRequest.post(`${url}/v1/ingest`).pipe(
    HttpClientRequest.setBody(
      HttpBody.uint8Array(gzipSync(batchText(samples, extras), { level: 1 }), "application/json"),
    ),
    HttpClientRequest.setHeader("content-encoding", "gzip"),
    HttpClientRequest.acceptJson,
  )

/** When it is by the server's clock, where it says so. */
const serverTime = ({ headers }: HttpClientResponse.HttpClientResponse): Option.Option<Instant> =>
  Option.flatMap(Option.fromNullable(headers["date"]), instantOfHttpDate)

/** What the server says beside its status: in its headers, and in its problem document where there is one. */
const failureOfResponse = Effect.fn("failureOfResponse")(function* (response: HttpClientResponse.HttpClientResponse) {
  const here = yield* DateTime.now
  const problem = yield* Effect.option(HttpClientResponse.schemaBodyJson(ProblemDocument)(response))
  const now = Option.getOrElse(serverTime(response), () => here)
  const asked = Option.orElse(Option.fromNullable(response.headers["retry-after"]), () =>
    Option.flatMap(problem, ({ retry_after_s }) => Option.map(Option.fromNullable(retry_after_s), String)),
  )
  return failureOfStatus(
    response.status,
    Option.map(problem, ({ detail }) => detail),
    Option.flatMap(asked, (text) => retryAfterOf(text, now)),
  )
})

const failureOf = (error: unknown): Effect.Effect<UploadFailed> => {
  if (error instanceof UploadFailed) return Effect.succeed(error)
  if (error instanceof HttpClientError.RequestError) {
    return Effect.succeed(uploadFailed("Transient", describeTransport(error.cause)))
  }
  if (error instanceof HttpClientError.ResponseError && error.reason === "StatusCode") {
    return failureOfResponse(error.response)
  }
  const cause = error instanceof HttpClientError.ResponseError ? error.cause : undefined
  return Effect.succeed(
    cause instanceof Error && "code" in cause
      ? uploadFailed("Transient", describeTransport(cause))
      : uploadFailed("Unbelieved", "The server's reply is not understood"),
  )
}

/**
 * Sends a batch by the contract, gzipped, and gives the server's reply. The whole exchange is limited in time, and no
 * redirect is followed: it would take the token along.
 */
export const makeSend = Effect.fn("makeSend")(function* ({ timeout, token, url }: ServerOptions) {
  const duration = Duration.decode(timeout ?? "30 seconds")
  const clock = yield* EdgeClock
  const noteTime = (response: HttpClientResponse.HttpClientResponse) =>
    Option.match(serverTime(response), { onNone: () => Effect.void, onSome: clock.compare })
  const withToken = (request: HttpClientRequest.HttpClientRequest) =>
    token.pipe(
      Effect.mapError(({ message }) => uploadFailed("Held", message)),
      Effect.map((text) => HttpClientRequest.bearerToken(request, text)),
    )
  const client = (yield* HttpClient.HttpClient).pipe(
    HttpClient.mapRequestEffect(withToken),
    HttpClient.tap(noteTime),
    HttpClient.filterStatusOk,
  )
  return (batch: Batch): Effect.Effect<IngestReply, UploadFailed> =>
    Effect.suspend(() => client.execute(requestOf(url, batch))).pipe(
      Effect.flatMap(HttpClientResponse.schemaBodyJson(IngestReply)),
      Effect.catchAll((error) => Effect.flatMap(failureOf(error), Effect.fail)),
      HttpIncomingMessage.withMaxBodySize(maxReplyBytes),
      Effect.timeoutFail({
        duration,
        onTimeout: () => uploadFailed("TimedOut", `The server did not answer within ${Duration.format(duration)}`),
      }),
    )
})
