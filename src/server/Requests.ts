import { HttpApp, HttpServerRequest, HttpServerResponse } from "@effect/platform"
import { Cause, Clock, Context, Effect, Exit, Layer, Metric, Random } from "effect"
import * as Metrics from "./Metrics.ts"
import { routeOf } from "./Routes.ts"

/** An id that a proxy gave, if it is one that may stand in a log. */
const given = /^[\w.-]{1,64}$/

/** The ids of requests: the one that came along, if it may stand in a log, or a new one. */
export class RequestIds extends Context.Tag("server/RequestIds")<
  RequestIds,
  { readonly idFor: (asked: string | undefined) => string }
>() {}

export const layerIds: Layer.Layer<RequestIds> = Layer.effect(
  RequestIds,
  Effect.map(Random.nextIntBetween(0, 2 ** 32), (seed) => {
    const prefix = seed.toString(36).padStart(7, "0")
    let count = 0
    return { idFor: (asked = "") => (given.test(asked) ? asked : `${prefix}-${(count += 1).toString(36)}`) }
  }),
)

/** A client that went away before it was answered, as nginx writes it. */
const gone = 499

const statusOf = (exit: Exit.Exit<HttpServerResponse.HttpServerResponse, unknown>): number =>
  Exit.match(exit, {
    onSuccess: ({ status }) => status,
    onFailure: (cause) => (Cause.isInterruptedOnly(cause) ? gone : 500),
  })

export const pathOf = (url: string): string => url.split("?", 1)[0] ?? ""

/**
 * What every request gets: an id, its own or a new one, which stands in its reply and in all that is logged of it; and
 * its time is measured.
 */
export const observed: Effect.Effect<<E, R>(app: HttpApp.Default<E, R>) => HttpApp.Default<E, R>, never, RequestIds> =
  Effect.map(
    RequestIds,
    ({ idFor }) =>
      <E, R>(app: HttpApp.Default<E, R>): HttpApp.Default<E, R> =>
        Effect.gen(function* () {
          const { headers, method, url } = yield* HttpServerRequest.HttpServerRequest
          const requestId = idFor(headers["x-request-id"])
          const path = pathOf(url)
          const beganMs = yield* Clock.currentTimeMillis
          yield* HttpApp.appendPreResponseHandler((_, response) =>
            Effect.succeed(HttpServerResponse.setHeader(response, "x-request-id", requestId)),
          )
          return yield* app.pipe(
            Effect.onExit((exit) =>
              Effect.gen(function* () {
                const tookMs = (yield* Clock.currentTimeMillis) - beganMs
                const status = statusOf(exit)
                yield* Metric.update(Metrics.requestTimeOf(routeOf(path), method, status), tookMs / 1000)
                const log = status >= 500 ? Effect.logWarning("Request failed") : Effect.logDebug("Request")
                yield* Effect.annotateLogs(log, { method, path, status, ms: tookMs })
              }),
            ),
            Effect.annotateLogs({ requestId }),
          )
        }),
  )
