import { SqlClient } from "@effect/sql"
import { Clock, Duration, Effect, Schema } from "effect"
import { isoOf } from "./Columns.ts"
import { millisOf } from "./Facts.ts"
import { horizonLock } from "./IngestRoutines.ts"
import { alone, raiseRevision } from "./Lock.ts"
import { refreshAlone } from "./Refresh.ts"
import { probe } from "./Timescale.ts"

const dayMs = 86_400_000

/** Whole UTC days: a quarter-hour, an hour of a curve and a chunk are then on one side of it. */
export const horizonFor = (retention: Duration.Duration) =>
  Effect.map(Clock.currentTimeMillis, (nowMs) => Math.floor((nowMs - Duration.toMillis(retention)) / dayMs) * dayMs)

/**
 * Alone against all writers for a moment, so that none that has read the old horizon is still at work when samples go.
 * A horizon never moves back.
 */
const raise = (horizonMs: number) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    sql
      .unsafe(`select pg_advisory_xact_lock(${horizonLock})`)
      .pipe(
        Effect.zipRight(sql`update p1_horizon set ts = ${isoOf(horizonMs)} where ts < ${isoOf(horizonMs)}`),
        sql.withTransaction,
      ),
  )

const Oldest = Schema.Array(Schema.Struct({ device_id: Schema.String, first_ms: Schema.NullOr(Schema.Number) }))

/** A day of a device at a time, so that no statement takes long. The power curves, which are views, change by it. */
const deleteRows = (beforeMs: number) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const rows = yield* sql.unsafe(
      `select device_id, (select ${millisOf("min(ts)")} from p1_samples s where s.device_id = d.device_id) as first_ms
       from p1_devices d`,
    )
    for (const { device_id, first_ms } of yield* Effect.orDie(Schema.decodeUnknown(Oldest)(rows))) {
      for (let fromMs = first_ms ?? Infinity; fromMs < beforeMs; fromMs += dayMs) {
        const toMs = Math.min(fromMs + dayMs, beforeMs)
        yield* sql`delete from p1_samples
          where device_id = ${device_id} and ts >= ${isoOf(fromMs)} and ts < ${isoOf(toMs)}`
      }
      if ((first_ms ?? Infinity) < beforeMs) yield* raiseRevision(sql, device_id)
    }
  })

/** Chunks that end before an instant, when the curves have all that is in them. */
const dropChunks = (beforeMs: number) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const old = yield* sql`select show_chunks('p1_samples', older_than => ${isoOf(beforeMs)}::timestamptz)`
    if (old.length === 0) return
    yield* refreshAlone({ fromMs: -Infinity, toMs: beforeMs })
    yield* sql`select drop_chunks('p1_samples', older_than => ${isoOf(beforeMs)}::timestamptz)`
  }).pipe(alone)

/**
 * Lets raw samples before a horizon go; quarter-hours stay as they are, and kept power curves. The day before the
 * horizon is kept for what its first quarter-hour needs to know of the time before. The horizon is raised first: what
 * goes is then what nobody writes to any more.
 */
export const dropBefore = (horizonMs: number) =>
  Effect.gen(function* () {
    const { used } = yield* probe
    yield* raise(horizonMs)
    yield* used ? dropChunks(horizonMs - dayMs) : deleteRows(horizonMs - dayMs)
  })
