import { Context, Data, Duration, Effect, Layer, Option, Redacted, Runtime, Schedule } from "effect"
import { Redis, type RedisOptions, ReplyError } from "ioredis"

export interface Options {
  readonly url: Redacted.Redacted
}

class RedisFailed extends Data.TaggedError("RedisFailed")<{ readonly message: string; readonly refused: boolean }> {}
const reasonOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))

const commandMs = 100
/** While Redis is away, only this asks it. */
const probeEvery = Duration.millis(500)
/** A connection that has been silent for this many probes is given up for a new one. */
const probesBeforeNew = 10
/** How long the start waits for Redis; without it the start goes on. */
const startMs = 2_000

/**
 * Redis that may be slow, full or away. After a command that was not answered within 100 ms nothing is asked until a
 * probe is answered, so that requests wait for a sick Redis once at most.
 */
export class RedisConnection extends Context.Tag("infra/RedisConnection")<
  RedisConnection,
  {
    /** What the command gives, or nothing. */
    readonly use: <A>(command: (redis: Redis) => Promise<A>) => Effect.Effect<Option.Option<A>>
    /** A connection for subscriptions: it comes back by itself and subscribes again. */
    readonly subscriber: Redis
    /** Fails with the reason while Redis is away. */
    readonly check: Effect.Effect<void, string>
    readonly description: string
  }
>() {}

const connect = (url: string, options: RedisOptions) =>
  Effect.acquireRelease(
    Effect.sync(
      () =>
        new Redis(url, {
          ...options,
          connectTimeout: 1_000,
          retryStrategy: (times) => Math.min(times * 50, 1_000),
        }),
    ),
    (redis) => Effect.sync(() => redis.disconnect()),
  )
/** A command is answered soon, or it is not waited for. */
const impatient: RedisOptions = { maxRetriesPerRequest: 1, enableOfflineQueue: false }
/** A subscription that is asked for while Redis is away is made when it is back. */
const patient: RedisOptions = { maxRetriesPerRequest: null, enableOfflineQueue: true }

const versionOf = (info: string): Option.Option<string> => Option.fromNullable(/redis_version:(\S+)/.exec(info)?.[1])

/** Waits for an answer so long; one that came while this process was too busy to look still counts. */
const answered = <A>(command: () => Promise<A>): Promise<A> =>
  new Promise((resolve, reject) => {
    const late = () => setImmediate(() => reject(new Error("Command timed out")))
    const timer = setTimeout(late, commandMs)
    command()
      .then(resolve, reject)
      .finally(() => clearTimeout(timer))
  })

const attempt = <A>(command: () => Promise<A>) =>
  Effect.tryPromise({
    try: () => answered(command),
    catch: (cause) => new RedisFailed({ message: reasonOf(cause), refused: cause instanceof ReplyError }),
  })

const make = ({ url }: Options) =>
  Effect.gen(function* () {
    const redis = yield* connect(Redacted.value(url), impatient)
    const subscriber = yield* connect(Redacted.value(url), patient)
    const runFork = Runtime.runFork(yield* Effect.runtime())
    let away = Option.none<string>()
    let refusal = ""
    let version = Option.none<string>()

    const goesAway = (reason: string) =>
      Effect.suspend(() => {
        if (Option.isSome(away)) return Effect.void
        away = Option.some(reason)
        return Effect.annotateLogs(Effect.logWarning("Redis does not answer; the store answers instead"), { reason })
      })
    const comesBack = Effect.suspend(() => {
      if (Option.isNone(away)) return Effect.void
      away = Option.none()
      return Effect.logInfo("Redis answers again")
    })
    /** A Redis that refuses one command, because it is full or a key is of another type, may still serve others. */
    const refuses = (reason: string) =>
      Effect.suspend(() => {
        if (refusal === reason) return Effect.void
        refusal = reason
        return Effect.annotateLogs(Effect.logWarning("Redis refuses a command; the store answers instead"), { reason })
      })

    const ready = yield* Effect.makeLatch()
    const greet = attempt(() => redis.info("server")).pipe(
      Effect.tap((info) => Effect.sync(() => (version = Option.orElse(versionOf(info), () => version)))),
      Effect.zipRight(comesBack),
      Effect.catchAll(({ message }) => goesAway(message)),
      Effect.zipRight(ready.open),
    )
    const onClose = () => runFork(goesAway("the connection was closed"))
    redis.on("error", (error) => runFork(goesAway(reasonOf(error))))
    redis.on("close", onClose)
    redis.on("ready", () => runFork(greet))
    subscriber.on("error", () => undefined)
    yield* Effect.addFinalizer(() => Effect.sync(() => redis.off("close", onClose)))
    yield* ready.await.pipe(Effect.timeoutOption(startMs))

    let silent = 0
    const probe = Effect.suspend(() => {
      if (Option.isNone(away)) return Effect.void
      return attempt(() => redis.ping()).pipe(
        Effect.zipRight(comesBack),
        Effect.tap(() => Effect.sync(() => (silent = 0))),
        Effect.catchAll(() =>
          Effect.sync(() => {
            silent = redis.status === "ready" ? silent + 1 : 0
            if (silent >= probesBeforeNew) [redis, subscriber].forEach((each) => each.disconnect(true))
          }),
        ),
      )
    })
    yield* Effect.forkScoped(Effect.repeat(probe, Schedule.spaced(probeEvery)))

    return RedisConnection.of({
      use: (command) =>
        Effect.suspend(() => {
          if (Option.isSome(away)) return Effect.succeedNone
          return attempt(() => command(redis)).pipe(
            Effect.asSome,
            Effect.catchAll(({ message, refused }) =>
              Effect.as(refused ? refuses(message) : goesAway(message), Option.none()),
            ),
          )
        }),
      subscriber,
      check: Effect.suspend(() => Option.match(away, { onNone: () => Effect.void, onSome: Effect.fail })),
      get description() {
        return Option.match(version, { onNone: () => "Redis, not reached yet", onSome: (found) => `Redis ${found}` })
      },
    })
  })

/** One connection for commands and one for subscriptions, shared by everything that is kept in Redis. */
export const layer = (options: Options): Layer.Layer<RedisConnection> => Layer.scoped(RedisConnection, make(options))
