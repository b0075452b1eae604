import { SqlError } from "@effect/sql"
import { Duration, Effect, Metric, Schedule } from "effect"
import pg from "pg"

const connections = Metric.gauge("p1_postgres_connections", { description: "Connections of the pool, by state" })
const waiting = Metric.gauge("p1_postgres_waiting", { description: "Statements that wait for a connection" })

const measured = (pool: pg.Pool) =>
  Effect.suspend(() =>
    Effect.all(
      [
        Metric.set(Metric.tagged(connections, "state", "idle"), pool.idleCount),
        Metric.set(Metric.tagged(connections, "state", "used"), pool.totalCount - pool.idleCount),
        Metric.set(waiting, pool.waitingCount),
      ],
      { discard: true },
    ),
  )

/** The library's own pool, within reach of whoever measures it. It has been connected once. */
export const acquire = (config: pg.PoolConfig, connectTimeout: Duration.DurationInput) =>
  Effect.gen(function* () {
    const pool = new pg.Pool({ ...config, connectionTimeoutMillis: Duration.toMillis(connectTimeout) })
    pool.on("error", () => undefined)
    yield* Effect.acquireRelease(
      Effect.tryPromise({
        try: () => pool.query("select 1"),
        catch: (cause) => new SqlError.SqlError({ cause, message: "PostgreSQL cannot be connected to" }),
      }),
      () => Effect.promise(() => pool.end()).pipe(Effect.interruptible, Effect.timeoutOption("1 second")),
    ).pipe(
      Effect.timeoutFail({
        duration: connectTimeout,
        onTimeout: () => {
          const cause = new Error("Connection timed out")
          return new SqlError.SqlError({ cause, message: cause.message })
        },
      }),
    )
    yield* Effect.forkScoped(Effect.repeat(measured(pool), Schedule.spaced("1 second")))
    return pool
  })
