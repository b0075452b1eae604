import { HttpApp, HttpServerRequest, HttpServerResponse } from "@effect/platform"
import { Cause, Clock, Effect, Exit, Metric, Random } from "effect"
import * as Metrics from "./Metrics.ts"
import { routeOf } from "./Routes.ts"

/** An id that a proxy gave, if it is one that may stand in a log. */
const given = /^[\w.-]{1,64}$/

const makeIds = Effect.map(Random.nextIntBetween(0, 2 ** 32), (seed) => {
  const prefix = seed.toString(36).padStart(7, "0")
  let count = 0
  return () => `${prefix}-${(count += 1).toString(36)}`
})

/** A client that went away before it was answered, as nginx writes it. */
const gone = 499

const statusOf = (exit: Exit.Exit<HttpServerResponse.HttpServerResponse, unknown>): number =>
  Exit.match(exit, {
    onSuccess: ({ status }) => status,
    onFailure: (cause) => (Cause.isInterruptedOnly(cause) ? gone : 500),
  })

/**
 * What every request gets: an id, its own or a new one, which stands in its reply and in all that is logged of it; and
 * its time is measured.
 */
export const observed: Effect.Effect<<E, R>(app: HttpApp.Default<E, R>) => HttpApp.Default<E, R>> = Effect.map(
  makeIds,
  (newId) =>
    <E, R>(app: HttpApp.Default<E, R>): HttpApp.Default<E, R> =>
      Effect.gen(function* () {
        const { headers, method, url } = yield* HttpServerRequest.HttpServerRequest
        const asked = headers["x-request-id"] ?? ""
        const requestId = given.test(asked) ? asked : newId()
        const path = url.split("?", 1)[0] ?? ""
        const beganMs = yield* Clock.currentTimeMillis
        yield* HttpApp.appendPreResponseHandler((_, response) =>
          Effect.succeed(HttpServerResponse.setHeader(response, "x-request-id", requestId)),
        )
        return yield* app.pipe(
          Effect.onExit((exit) =>
            Effect.gen(function* () {
              const tookMs = (yield* Clock.currentTimeMillis) - beganMs
              const status = statusOf(exit)
              const labels = { route: routeOf(path), method, status: String(status) }
              const time = Object.entries(labels).reduce(
                (metric, [key, value]) => Metric.tagged(metric, key, value),
                Metrics.requestTime,
              )
              yield* Metric.update(time, tookMs / 1000)
              const log = status >= 500 ? Effect.logWarning("Request failed") : Effect.logDebug("Request")
              yield* Effect.annotateLogs(log, { method, path, status, ms: tookMs })
            }),
          ),
          Effect.annotateLogs({ requestId }),
        )
      }),
)
