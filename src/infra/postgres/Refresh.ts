import { SqlClient } from "@effect/sql"
import { Effect, Schema } from "effect"
import { isoOf } from "./Columns.ts"
import { millisOf } from "./Facts.ts"
import { policies, realTime } from "./Hypertable.ts"

const aggregates = ["p1_power_minutes", "p1_power_hours"] as const
const hourMs = 3_600_000
const stepMs = 7 * 24 * hourMs
/** Any number that no other program on the database locks. */
const refreshLock = 7_031_902

interface Span {
  readonly fromMs: number
  readonly toMs: number
}

/** Whole hours, so that both aggregates take the same. */
const widened = ({ fromMs, toMs }: Span): Span => ({
  fromMs: Math.floor(fromMs / hourMs) * hourMs,
  toMs: Math.ceil(toMs / hourMs) * hourMs,
})

/** Ranges in order, those that touch each other as one. */
export const merged = (spans: ReadonlyArray<Span>): ReadonlyArray<Span> =>
  [...spans.map(widened)]
    .sort((a, b) => a.fromMs - b.fromMs)
    .reduce<ReadonlyArray<Span>>((done, span) => {
      const last = done.at(-1)
      return last !== undefined && span.fromMs <= last.toMs
        ? [...done.slice(0, -1), { fromMs: last.fromMs, toMs: Math.max(last.toMs, span.toMs) }]
        : [...done, span]
    }, [])

const Bounds = Schema.Tuple(Schema.Struct({ from_ms: Schema.NullOr(Schema.Number), to_ms: Schema.Number }))

/** From the horizon, before which raw samples may be gone, to where samples are aggregated as they are read. */
const bounds = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql.unsafe(
    `select case when isfinite(ts) then ${millisOf("ts")} end as from_ms, ${millisOf(`now() - ${realTime}`)} as to_ms
     from p1_horizon`,
  )
  const [{ from_ms, to_ms }] = yield* Effect.orDie(Schema.decodeUnknown(Bounds)(rows))
  return { fromMs: from_ms ?? -Infinity, toMs: Math.floor(to_ms / hourMs) * hourMs }
})

/**
 * Aggregates a range anew, minutes first. Never reaches before the horizon, where a refresh would delete what is left
 * of samples that are gone, nor up to now, where it would hide the samples that come next.
 */
export const refresh = (span: Span) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const within = yield* bounds
    const wide = widened(span)
    const fromMs = Math.max(wide.fromMs, within.fromMs)
    const toMs = Math.min(wide.toMs, within.toMs)
    if (fromMs >= toMs) return
    yield* Effect.forEach(
      aggregates,
      (name) =>
        sql.unsafe(
          `call refresh_continuous_aggregate('${name}', '${isoOf(fromMs)}'::timestamptz, '${isoOf(toMs)}'::timestamptz,
             options => '{"buckets_per_batch": 0}')`,
        ),
      { discard: true },
    )
  })

const Extent = Schema.Tuple(
  Schema.Struct({ first_ms: Schema.NullOr(Schema.Number), last_ms: Schema.NullOr(Schema.Number) }),
)

const policiesRun = Effect.flatMap(SqlClient.SqlClient, (sql) =>
  Effect.map(
    sql`select 1 from timescaledb_information.jobs where proc_name = 'policy_refresh_continuous_aggregate'
        and hypertable_name in (select materialization_hypertable_name from timescaledb_information.continuous_aggregates
                                where view_name = 'p1_power_hours')`,
    (rows) => rows.length > 0,
  ),
)

/**
 * Aggregates all samples of a database that was moved, the oldest first, because what lies before the newest that is
 * aggregated is no longer read from the samples. Then the policies may begin. Goes on where it was stopped.
 */
export const fillAggregates = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  if (yield* policiesRun) return
  yield* sql`select pg_advisory_lock(${refreshLock})`
  const rows = yield* sql.unsafe(
    `select ${millisOf("min(start)")} as first_ms, ${millisOf("max(start)")} as last_ms from p1_quarter_hours`,
  )
  const [{ first_ms, last_ms }] = yield* Effect.orDie(Schema.decodeUnknown(Extent)(rows))
  for (let fromMs = first_ms ?? Infinity; fromMs <= (last_ms ?? -Infinity); fromMs += stepMs) {
    yield* refresh({ fromMs, toMs: fromMs + stepMs })
  }
  yield* Effect.forEach(policies, (policy) => sql.unsafe(policy), { discard: true })
  yield* sql`select pg_advisory_unlock(${refreshLock})`
})
