import { HttpApiClient, HttpClient, HttpClientRequest } from "@effect/platform"
import { type Effect, Redacted } from "effect"
import { P1Api } from "../domain/api/index.ts"

export interface Options {
  /** Where the server is: what comes before `/v1`. */
  readonly url: string
  /** A read token, `p1r_…`, or a device token to send samples with. */
  readonly token: string | Redacted.Redacted
}

/**
 * A typed client of every route, on an `HttpClient` of yours. Failures are the contract's: `NotFound`, `Unavailable`, …,
 * each with `status`, `detail` and `retryAfterS`. For the stream of Server-Sent Events use its response:
 * `client.realtime.stream` would wait for its end.
 */
export const make = ({ token, url }: Options) =>
  HttpApiClient.make(P1Api, {
    baseUrl: url,
    transformClient: HttpClient.mapRequest(
      HttpClientRequest.bearerToken(Redacted.isRedacted(token) ? token : Redacted.make(token)),
    ),
  })

/** What `make` gives. */
export type Client = Effect.Effect.Success<ReturnType<typeof make>>
