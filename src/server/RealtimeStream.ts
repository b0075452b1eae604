import { HttpServerRequest, HttpServerResponse } from "@effect/platform"
import { Effect, FiberSet, Metric, Option } from "effect"
import type { DeviceId } from "../domain/index.ts"
import { cutWhenStuck, makeLiveBody } from "../infra/http-server/index.ts"
import { stillReads } from "./Authorization.ts"
import { streams } from "./Metrics.ts"
import { orUnavailable } from "./Problems.ts"
import { requestedDevice } from "./Readers.ts"
import { RealtimeDocuments } from "./RealtimeDocuments.ts"
import { type Event, eventOf, RealtimeFeeds } from "./RealtimeFeeds.ts"

/** Comes at once, so that a client sees that it is connected; and how soon it comes again when it is cut off. */
const opening = Buffer.from("retry: 1000\n\n")

/** The revision that a client which comes again saw last. */
const seenBefore = Effect.map(HttpServerRequest.HttpServerRequest, ({ headers }) => {
  const id = headers["last-event-id"] ?? ""
  return /^\d{1,15}$/.test(id) ? Number(id) : -1
})

/**
 * The document to begin with: none when the client has it. One that is older than what the client saw is not believed
 * unless the store says so, as it does when it was restored from a backup.
 */
const first = (deviceId: DeviceId, seen: number) =>
  Effect.gen(function* () {
    const { current, fresh } = yield* RealtimeDocuments
    const cached = yield* current(deviceId)
    const document = Option.exists(cached, ({ revision }) => revision < seen) ? yield* fresh(deviceId) : cached
    return Option.filter(document, ({ revision }) => revision !== seen)
  })

/** `GET /v1/realtime/stream`. */
export const stream = (requested: DeviceId | undefined) =>
  Effect.gen(function* () {
    const { deviceId } = yield* requestedDevice(requested)
    const { subscribe } = yield* RealtimeFeeds
    const seen = yield* seenBefore
    const mayRead = yield* stillReads(deviceId)
    const look = yield* FiberSet.makeRuntime<never>()
    const body = makeLiveBody()
    let sent = Infinity
    let early: (Event & { readonly _tag: "Document" }) | undefined
    const hear = (event: Event): void => {
      switch (event._tag) {
        case "Document":
          if (sent === Infinity) early = event
          if (event.revision <= sent) return
          sent = event.revision
          return body.send(event.bytes)
        case "Heartbeat":
          return body.sendIfIdle(event.bytes)
        case "Tick":
          return void look(Effect.map(mayRead, (may) => (may ? undefined : body.end())))
        case "End":
          return body.end()
      }
    }

    yield* subscribe(deviceId, hear)
    const document = yield* orUnavailable(first(deviceId, seen))
    const beginning = yield* Effect.transposeMapOption(document, eventOf)
    sent = Option.match(document, { onNone: () => seen, onSome: ({ revision }) => revision })
    body.send(Buffer.concat([opening, ...Option.toArray(beginning).map(({ bytes }) => bytes)]))
    if (early !== undefined) hear(early)
    yield* cutWhenStuck
    yield* Effect.acquireRelease(Metric.increment(streams), () => Metric.incrementBy(streams, -1))
    return HttpServerResponse.raw(body.readable, {
      contentType: "text/event-stream",
      headers: { "x-accel-buffering": "no" },
    })
  })
