import { Clock, Context, Deferred, Effect, Layer, Option, PubSub, RcMap, Schedule, type Scope, Stream } from "effect"
import type { DeviceId } from "../domain/index.ts"
import { RealtimeCache, type RealtimeDocument } from "../domain/ports/index.ts"
import { NodeServer } from "../infra/http-server/index.ts"
import { RealtimeDocuments, replyAt } from "./RealtimeDocuments.ts"

/** What every reader of a device's stream gets: the text to send, and the revision that it brings him to. */
export interface Event {
  readonly _tag: "Document" | "Heartbeat" | "Tick" | "End"
  readonly revision: number
  readonly text: string
}

const heartbeat: Event = { _tag: "Heartbeat", revision: Infinity, text: ": \n\n" }
/** Sends nothing: readers look whether they still may read. */
const tick: Event = { _tag: "Tick", revision: Infinity, text: "" }
const end: Event = { _tag: "End", revision: Infinity, text: "" }

const pollEvery = "1 second"
const heartbeatEvery = "15 seconds"
const tickEvery = "4 seconds"
/** A reader that is slower than the events misses the oldest. */
const bufferSize = 4

/** The document as an event, with the age that it has now. */
export const eventOf = (document: RealtimeDocument): Effect.Effect<Event> =>
  Effect.map(Clock.currentTimeMillis, (nowMs) => ({
    _tag: "Document",
    revision: document.revision,
    text: `id: ${document.revision}\nevent: realtime\ndata: ${replyAt(document, nowMs)}\n\n`,
  }))

/** The events of each device, made once in this process, however many read them. */
export class RealtimeFeeds extends Context.Tag("server/RealtimeFeeds")<
  RealtimeFeeds,
  { readonly subscribe: (deviceId: DeviceId) => Effect.Effect<Stream.Stream<Event>, never, Scope.Scope> }
>() {}

const makeFeed = (deviceId: DeviceId) =>
  Effect.gen(function* () {
    const cache = yield* RealtimeCache
    const { current } = yield* RealtimeDocuments
    const { closing } = yield* NodeServer
    const events = yield* Effect.acquireRelease(PubSub.sliding<Event>(bufferSize), PubSub.shutdown)
    let revision = -Infinity
    let cameMs = -Infinity

    const publish = (document: RealtimeDocument) =>
      Effect.flatMap(Clock.currentTimeMillis, (nowMs) => {
        cameMs = nowMs
        if (document.revision <= revision) return Effect.void
        revision = document.revision
        return Effect.flatMap(eventOf(document), (event) => PubSub.publish(events, event))
      })
    /** Without news for a second the reader's way is asked: through the cache, and without it from the store. */
    const poll = Effect.gen(function* () {
      if ((yield* Clock.currentTimeMillis) - cameMs < 1_000) return
      const document = yield* Effect.catchAll(current(deviceId), () => Effect.succeedNone)
      if (Option.isSome(document)) yield* publish(document.value)
    })
    const every = (event: Event, duration: typeof heartbeatEvery | typeof tickEvery) =>
      Effect.forkScoped(Effect.schedule(PubSub.publish(events, event), Schedule.spaced(duration)))

    yield* Effect.forkScoped(Stream.runForEach(cache.updates(deviceId), publish))
    yield* Effect.forkScoped(Effect.schedule(poll, Schedule.spaced(pollEvery)))
    yield* every(heartbeat, heartbeatEvery)
    yield* every(tick, tickEvery)
    yield* Effect.forkScoped(Effect.zipRight(Deferred.await(closing), PubSub.publish(events, end)))
    return events
  })

export const layer: Layer.Layer<RealtimeFeeds, never, RealtimeCache | RealtimeDocuments | NodeServer> = Layer.scoped(
  RealtimeFeeds,
  Effect.gen(function* () {
    const { closing } = yield* NodeServer
    const feeds = yield* RcMap.make({ lookup: makeFeed, idleTimeToLive: "5 seconds" })
    return RealtimeFeeds.of({
      subscribe: (deviceId) =>
        RcMap.get(feeds, deviceId).pipe(
          Effect.flatMap(PubSub.subscribe),
          Effect.flatMap((queue) =>
            // Who comes when the end has been told would wait for it for ever.
            Effect.if(Deferred.isDone(closing), {
              onTrue: () => Effect.succeed(Stream.empty),
              onFalse: () => Effect.succeed(Stream.takeUntil(Stream.fromQueue(queue), ({ _tag }) => _tag === "End")),
            }),
          ),
        ),
    })
  }),
)
