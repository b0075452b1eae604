import { Clock, Context, Deferred, Effect, Layer, Option, RcMap, Schedule, type Scope, Stream } from "effect"
import type { DeviceId } from "../domain/index.ts"
import { RealtimeCache, type RealtimeDocument } from "../domain/ports/index.ts"
import { NodeServer } from "../infra/http-server/index.ts"
import { RealtimeDocuments, replyAt } from "./RealtimeDocuments.ts"

/**
 * What every reader of a device's stream gets: bytes to send, with the revision that they bring him to; a tick, at which
 * he looks whether he still may read; or the end.
 */
export type Event =
  | { readonly _tag: "Document"; readonly revision: number; readonly bytes: Buffer }
  | { readonly _tag: "Heartbeat"; readonly bytes: Buffer }
  | { readonly _tag: "Tick" | "End" }

const heartbeat: Event = { _tag: "Heartbeat", bytes: Buffer.from(": \n\n") }
const tick: Event = { _tag: "Tick" }
const end: Event = { _tag: "End" }

/** Is told of each event, and must not take long: all readers are told in a row. */
export type Listener = (event: Event) => void

const pollEvery = "1 second"
const heartbeatEvery = "15 seconds"
const tickEvery = "1 second"

/** The document as an event, with the age that it has now. */
export const eventOf = (document: RealtimeDocument): Effect.Effect<Event & { readonly _tag: "Document" }> =>
  Effect.map(Clock.currentTimeMillis, (nowMs) => ({
    _tag: "Document",
    revision: document.revision,
    bytes: Buffer.from(`id: ${document.revision}\nevent: realtime\ndata: ${replyAt(document, nowMs)}\n\n`),
  }))

/** The events of each device, made once in this process, however many read them. */
export class RealtimeFeeds extends Context.Tag("server/RealtimeFeeds")<
  RealtimeFeeds,
  {
    /** Tells the listener of what comes from now on, until the scope ends. */
    readonly subscribe: (deviceId: DeviceId, listener: Listener) => Effect.Effect<void, never, Scope.Scope>
  }
>() {}

const makeFeed = (deviceId: DeviceId) =>
  Effect.gen(function* () {
    const cache = yield* RealtimeCache
    const { current } = yield* RealtimeDocuments
    const { closing } = yield* NodeServer
    const listeners = new Set<Listener>()
    const tell = (event: Event) => Effect.sync(() => listeners.forEach((listener) => listener(event)))
    let revision = -Infinity
    let cameMs = -Infinity

    const publish = (document: RealtimeDocument) =>
      Effect.flatMap(Clock.currentTimeMillis, (nowMs) => {
        cameMs = nowMs
        if (document.revision <= revision) return Effect.void
        revision = document.revision
        return Effect.flatMap(eventOf(document), tell)
      })
    /** Without news for a second the reader's way is asked: through the cache, and without it from the store. */
    const poll = Effect.gen(function* () {
      if ((yield* Clock.currentTimeMillis) - cameMs < 1_000) return
      const document = yield* Effect.catchAll(current(deviceId), () => Effect.succeedNone)
      if (Option.isSome(document)) yield* publish(document.value)
    })
    const every = (event: Event, duration: typeof heartbeatEvery | typeof tickEvery) =>
      Effect.forkScoped(Effect.schedule(tell(event), Schedule.spaced(duration)))

    yield* Effect.forkScoped(Stream.runForEach(cache.updates(deviceId), publish))
    yield* Effect.forkScoped(Effect.schedule(poll, Schedule.spaced(pollEvery)))
    yield* every(heartbeat, heartbeatEvery)
    yield* every(tick, tickEvery)
    yield* Effect.forkScoped(Effect.zipRight(Deferred.await(closing), tell(end)))
    return listeners
  })

export const layer: Layer.Layer<RealtimeFeeds, never, RealtimeCache | RealtimeDocuments | NodeServer> = Layer.scoped(
  RealtimeFeeds,
  Effect.gen(function* () {
    const { closing } = yield* NodeServer
    const feeds = yield* RcMap.make({ lookup: makeFeed, idleTimeToLive: "5 seconds" })
    return RealtimeFeeds.of({
      subscribe: (deviceId, listener) =>
        Effect.flatMap(RcMap.get(feeds, deviceId), (listeners) =>
          Effect.acquireRelease(
            Effect.sync(() => listeners.add(listener)),
            () => Effect.sync(() => listeners.delete(listener)),
          ),
        ).pipe(
          // Who comes when the end has been told would wait for it for ever.
          Effect.zipRight(Deferred.isDone(closing)),
          Effect.map((isOver) => {
            if (isOver) listener(end)
          }),
        ),
    })
  }),
)
