import { HttpServerRequest, HttpServerResponse } from "@effect/platform"
import { Effect, Metric, Option, Stream } from "effect"
import type { DeviceId } from "../domain/index.ts"
import { cutWhenStuck } from "../infra/http-server/index.ts"
import { stillReads } from "./Authorization.ts"
import { streams } from "./Metrics.ts"
import { orUnavailable } from "./Problems.ts"
import { requestedDevice } from "./Readers.ts"
import { RealtimeDocuments } from "./RealtimeDocuments.ts"
import { type Event, eventOf, RealtimeFeeds } from "./RealtimeFeeds.ts"

/** A client that takes nothing for this long is cut off; heartbeats come more often. */
const stuckFor = "40 seconds"
/** Comes at once, so that a client sees that it is connected; and how soon it comes again when it is cut off. */
const opening = "retry: 1000\n\n"

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

/** Only what is newer than what was sent. */
const onward = (events: Stream.Stream<Event>, sent: number): Stream.Stream<Event> =>
  Stream.filterMap(
    Stream.mapAccum(events, sent, (revision, event) =>
      event._tag === "Document" && event.revision <= revision
        ? [revision, Option.none<Event>()]
        : [event._tag === "Document" ? event.revision : revision, Option.some(event)],
    ),
    (event) => event,
  )

/** `GET /v1/realtime/stream`. */
export const stream = (requested: DeviceId | undefined) =>
  Effect.gen(function* () {
    const { deviceId } = yield* requestedDevice(requested)
    const { subscribe } = yield* RealtimeFeeds
    const seen = yield* seenBefore
    const events = yield* subscribe(deviceId)
    const document = yield* orUnavailable(first(deviceId, seen))
    const beginning = yield* Effect.transposeMapOption(document, eventOf)
    const sent = Option.match(document, { onNone: () => seen, onSome: ({ revision }) => revision })
    const mayRead = yield* stillReads(deviceId)
    yield* cutWhenStuck(stuckFor)
    yield* Effect.acquireRelease(Metric.increment(streams), () => Metric.incrementBy(streams, -1))
    return HttpServerResponse.stream(
      Stream.fromIterable(Option.toArray(beginning)).pipe(
        Stream.concat(onward(events, sent)),
        Stream.takeUntilEffect(({ _tag }) => (_tag === "Tick" ? Effect.negate(mayRead) : Effect.succeed(false))),
        Stream.map(({ text }) => text),
        Stream.filter((text) => text !== ""),
        (texts) => Stream.concat(Stream.make(opening), texts),
        Stream.encodeText,
      ),
      { contentType: "text/event-stream", headers: { "x-accel-buffering": "no" } },
    )
  })
