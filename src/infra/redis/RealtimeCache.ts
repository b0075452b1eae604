import { Clock, Data, Effect, Layer, Option, Redacted, Runtime, Schema } from "effect"
import { Redis } from "ioredis"
import { RealtimeState } from "../../domain/index.ts"
import { RealtimeCache } from "../../domain/ports/index.ts"

export interface Options {
  readonly url: Redacted.Redacted
}

class RedisFailed extends Data.TaggedError("RedisFailed")<{ readonly message: string }> {}
const reasonOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))

const commandMs = 100
/** After a failure nothing is asked for this long, so that a request waits for a sick Redis once at most. */
const restMs = 1_000
const keptMs = 2_000
/** How long the start waits for Redis; without it the start goes on. */
const startMs = 2_000
/** The revision outlives the state, so that a late writer cannot put an older state in the place of an expired one. */
const revisionKeptMs = 60_000

/** KEYS: revision, state. ARGV: revision, state, and how long each is kept. */
const putScript = `
local there = tonumber(redis.call('GET', KEYS[1]))
if there and there > tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3])
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[4])
return 1`

const stateKey = (deviceId: string): string => `p1:realtime:{${deviceId}}`
const revisionKey = (deviceId: string): string => `${stateKey(deviceId)}:revision`

const StateJson = Schema.parseJson(RealtimeState)
const encode = Schema.encode(StateJson)
const decode = Schema.decode(StateJson)

const client = ({ url }: Options) =>
  Effect.acquireRelease(
    Effect.sync(
      () =>
        new Redis(Redacted.value(url), {
          maxRetriesPerRequest: 1,
          commandTimeout: commandMs,
          connectTimeout: 1_000,
          enableOfflineQueue: false,
        }),
    ),
    (redis) =>
      Effect.tryPromise(() => redis.quit()).pipe(
        Effect.interruptible,
        Effect.timeout("500 millis"),
        Effect.ignore,
        Effect.zipRight(Effect.sync(() => redis.disconnect())),
      ),
  )

const versionOf = (info: string): Option.Option<string> => Option.fromNullable(/redis_version:(\S+)/.exec(info)?.[1])

const make = (options: Options) =>
  Effect.gen(function* () {
    const redis = yield* client(options)
    const runFork = Runtime.runFork(yield* Effect.runtime())
    let away = false
    let askAgainAtMs = 0
    let version = Option.none<string>()

    const fails = (reason: string) =>
      Effect.gen(function* () {
        askAgainAtMs = (yield* Clock.currentTimeMillis) + restMs
        if (away) return
        away = true
        yield* Effect.logWarning("Redis does not answer; the store answers instead").pipe(
          Effect.annotateLogs({ reason }),
        )
      })
    const answers = Effect.suspend(() => {
      if (!away) return Effect.void
      away = false
      return Effect.logInfo("Redis answers again")
    })

    const use = <A>(command: () => Promise<A>): Effect.Effect<Option.Option<A>> =>
      Effect.gen(function* () {
        if ((yield* Clock.currentTimeMillis) < askAgainAtMs) return Option.none()
        return yield* Effect.tryPromise({
          try: command,
          catch: (cause) => new RedisFailed({ message: reasonOf(cause) }),
        }).pipe(
          Effect.tap(answers),
          Effect.asSome,
          Effect.catchAll(({ message }) => Effect.as(fails(message), Option.none())),
        )
      })

    const ready = yield* Effect.makeLatch()
    const greet = Effect.gen(function* () {
      askAgainAtMs = 0
      const info = yield* use(() => redis.info("server"))
      version = Option.orElse(Option.flatMap(info, versionOf), () => version)
      yield* ready.open
    })
    const onClose = () => runFork(fails("the connection was closed"))
    redis.on("error", (error) => runFork(fails(reasonOf(error))))
    redis.on("close", onClose)
    redis.on("ready", () => runFork(greet))
    yield* Effect.addFinalizer(() => Effect.sync(() => redis.off("close", onClose)))
    yield* ready.await.pipe(Effect.timeoutOption(startMs))

    return RealtimeCache.of({
      put: (deviceId, revision, state) =>
        Effect.gen(function* () {
          const json = yield* Effect.orDie(encode(state))
          const keys = [revisionKey(deviceId), stateKey(deviceId)]
          yield* use(() => redis.eval(putScript, 2, ...keys, revision, json, revisionKeptMs, keptMs))
        }),
      get: (deviceId) =>
        use(() => redis.get(stateKey(deviceId))).pipe(
          Effect.map(Option.flatMap(Option.fromNullable)),
          Effect.flatMap(
            Option.match({ onNone: () => Effect.succeedNone, onSome: (json) => Effect.option(decode(json)) }),
          ),
        ),
      get description() {
        return Option.match(version, { onNone: () => "Redis, not reached yet", onSome: (found) => `Redis ${found}` })
      },
    })
  })

/** The latest states in Redis, shared by every server process. Redis slow, down or full is as if it held nothing. */
export const layer = (options: Options): Layer.Layer<RealtimeCache> => Layer.scoped(RealtimeCache, make(options))
