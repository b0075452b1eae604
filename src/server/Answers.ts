import { createHash } from "node:crypto"
import { HttpServerRequest, HttpServerResponse } from "@effect/platform"
import {
  Cache,
  Context,
  DateTime,
  Deferred,
  Duration,
  Effect,
  type Exit,
  FiberId,
  Layer,
  Metric,
  Option,
  Schema,
} from "effect"
import { type Device, type DeviceId, localDateOf } from "../domain/index.ts"
import { type Answer, AnswerCache, Store, StoreUnavailable } from "../domain/ports/index.ts"
import { cacheReads } from "./Metrics.ts"
import { orUnavailable } from "./Problems.ts"
import { requestedDevice, zoneOf } from "./Readers.ts"

/** For how long another process may have raised a device's revision without this one knowing. */
const revisionKeptFor = Duration.seconds(1)
/** A store that hangs is left behind, not waited for. */
const patience = "1500 millis"
/** An answer that takes longer goes on being computed, for who asks again. */
const answeredWithin = "5 seconds"
const tooSlow = () => new StoreUnavailable({ message: "the store does not answer in time" })
const capacity = 10_000

/** Answers that were computed for a device's revision, and the ones being computed. */
export class Answers extends Context.Tag("server/Answers")<
  Answers,
  {
    readonly revision: (deviceId: DeviceId) => Effect.Effect<number, StoreUnavailable>
    /** Tells of a revision that was raised in this process. */
    readonly raised: (deviceId: DeviceId, revision: number) => Effect.Effect<void>
    /** The answer of a key: from the cache, or from the one computation of it that is under way. */
    readonly answer: <E, R>(key: string, compute: Effect.Effect<Answer, E, R>) => Effect.Effect<Answer, E, R>
  }
>() {}

const hits = cacheReads("answers", "hit")
const misses = cacheReads("answers", "miss")

const make = Effect.gen(function* () {
  const store = yield* Store
  const cache = yield* AnswerCache
  const scope = yield* Effect.scope
  const revisions = yield* Cache.make({ capacity, timeToLive: revisionKeptFor, lookup: store.revision })
  const underWay = new Map<string, Deferred.Deferred<Exit.Exit<Answer, unknown>>>()

  const computeOnce = <E, R>(key: string, compute: Effect.Effect<Answer, E, R>) =>
    Effect.gen(function* () {
      const there = underWay.get(key)
      if (there !== undefined) return there
      const deferred = Deferred.unsafeMake<Exit.Exit<Answer, unknown>>(FiberId.none)
      underWay.set(key, deferred)
      yield* compute.pipe(
        Effect.tap((answer) => cache.put(key, answer)),
        Effect.onExit((exit) => {
          underWay.delete(key)
          return Deferred.succeed(deferred, exit)
        }),
        Effect.interruptible,
        Effect.forkIn(scope),
      )
      return deferred
    })

  return Answers.of({
    revision: (deviceId) =>
      revisions.get(deviceId).pipe(
        Effect.tapError(() => revisions.invalidate(deviceId)),
        Effect.uninterruptible,
        Effect.disconnect,
        Effect.timeoutFail({ duration: patience, onTimeout: tooSlow }),
      ),
    raised: (deviceId, revision) => revisions.set(deviceId, revision),
    answer: <E, R>(key: string, compute: Effect.Effect<Answer, E, R>) =>
      Effect.flatMap(
        cache.get(key),
        Option.match({
          onSome: (found) => Effect.as(Metric.increment(hits), found),
          // Who computes a key computes the same: the failures of one are those of all.
          onNone: () =>
            Metric.increment(misses).pipe(
              Effect.zipRight(computeOnce(key, compute)),
              Effect.flatMap(Deferred.await),
              Effect.flatMap((exit) => exit as Exit.Exit<Answer, E>),
            ),
        }),
      ),
  })
})

export const layer: Layer.Layer<Answers, never, Store | AnswerCache> = Layer.scoped(Answers, make)

const digest = (text: string): string => createHash("sha256").update(text).digest("base64url")

/** All that an answer depends on: the request as it was put, the device as it is, its revision, and its day. */
const keyFor = (device: Device, revision: number) =>
  Effect.gen(function* () {
    const { headers, url } = yield* HttpServerRequest.HttpServerRequest
    const today = localDateOf(yield* DateTime.now, yield* zoneOf(device))
    return digest(JSON.stringify([device, revision, today, url, headers["accept"] ?? ""]))
  })

const answerOf = (contentType: string, body: string): Answer => ({
  contentType,
  etag: `"${digest(body).slice(0, 22)}"`,
  body,
})

const decoder = new TextDecoder()
const textOf = ({ body }: HttpServerResponse.HttpServerResponse): Effect.Effect<Answer> =>
  body._tag === "Uint8Array"
    ? Effect.succeed(answerOf(body.contentType, decoder.decode(body.body)))
    : Effect.dieMessage("Only a reply that is a text can be cached")

/** Whether the client has this already: If-None-Match, compared as RFC 9110 says, or as a proxy that compressed it. */
const has = (ifNoneMatch: string | undefined, etag: string): boolean =>
  (ifNoneMatch ?? "").split(",").some((each) => {
    const tag = each
      .trim()
      .replace(/^W\//, "")
      .replace(/-(gzip|zstd|br)"$/, '"')
    return tag === "*" || tag === etag
  })

/**
 * A reader's answer that is computed once for a device's revision and day: by `compute`, which gives the reply or, for
 * another format, its text as a response. With an ETag, and 304 for who has it.
 */
export const cachedRead = <A, I, E, R>(
  schema: Schema.Schema<A, I>,
  requested: DeviceId | undefined,
  compute: Effect.Effect<A | HttpServerResponse.HttpServerResponse, E, R>,
) =>
  Effect.gen(function* () {
    const device = yield* requestedDevice(requested)
    const { answer, revision } = yield* Answers
    const { headers } = yield* HttpServerRequest.HttpServerRequest
    const key = yield* keyFor(device, yield* orUnavailable(revision(device.deviceId)))
    const rendered = Effect.flatMap(compute, (value) =>
      HttpServerResponse.isServerResponse(value)
        ? textOf(value)
        : Effect.map(Effect.orDie(Schema.encode(Schema.parseJson(schema))(value)), (body) =>
            answerOf("application/json", body),
          ),
    )
    const { body, contentType, etag } = yield* orUnavailable(
      Effect.timeoutFail(answer(key, rendered), { duration: answeredWithin, onTimeout: tooSlow }),
    )
    const caching = { etag, "cache-control": "private, no-cache", vary: "authorization, accept" }
    return has(headers["if-none-match"], etag)
      ? HttpServerResponse.empty({ status: 304, headers: caching })
      : HttpServerResponse.text(body, { contentType, headers: caching })
  })
