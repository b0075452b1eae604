import { SqlClient } from "@effect/sql"
import { Effect, Schedule, Schema } from "effect"
import type { Range } from "../../domain/index.ts"
import { isoOf } from "./Columns.ts"
import { millisOf } from "./Facts.ts"
import { isBusy } from "./Failure.ts"
import { keptUntil, ourJobs, policies, realTime } from "./Hypertable.ts"
import { alone } from "./Lock.ts"

const hourMs = 3_600_000
/** Minutes before hours, which are made of them. */
const aggregates = [
  ["p1_power_minutes", 60_000],
  ["p1_power_hours", hourMs],
] as const
const stepMs = 7 * 24 * hourMs
/** Any number that no other program on the database locks. */
const fillLock = 7_031_902

/** A refresh does not wait for that of a policy of the same aggregate, which ends soon. */
const untilDone = Schedule.spaced("200 millis").pipe(Schedule.jittered, Schedule.upTo("1 minute"))

/** Whole hours, so that both aggregates take the same. */
const widened = ({ fromMs, toMs }: Range): Range => ({
  fromMs: Math.floor(fromMs / hourMs) * hourMs,
  toMs: Math.ceil(toMs / hourMs) * hourMs,
})

/** Ranges in order, those that touch each other as one. */
export const merged = (spans: ReadonlyArray<Range>): ReadonlyArray<Range> =>
  [...spans.map(widened)]
    .sort((a, b) => a.fromMs - b.fromMs)
    .reduce<ReadonlyArray<Range>>((done, span) => {
      const last = done.at(-1)
      return last !== undefined && span.fromMs <= last.toMs
        ? [...done.slice(0, -1), { fromMs: last.fromMs, toMs: Math.max(last.toMs, span.toMs) }]
        : [...done, span]
    }, [])

const literal = (epochMs: number): string =>
  Number.isFinite(epochMs) ? `'${isoOf(epochMs)}'::timestamptz` : "null::timestamptz"

const Bounds = Schema.Tuple(Schema.Struct({ from_ms: Schema.NullOr(Schema.Number), to_ms: Schema.Number }))

/** From the oldest samples that are there to where samples are aggregated as they are read; nothing without samples. */
const bounds = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql.unsafe(
    `select (select ${millisOf("min(range_start)")} from timescaledb_information.chunks
             where hypertable_name = 'p1_samples') as from_ms,
       ${millisOf(`now() - ${realTime}`)} as to_ms`,
  )
  const [{ from_ms, to_ms }] = yield* Effect.orDie(Schema.decodeUnknown(Bounds)(rows))
  return { fromMs: from_ms ?? Infinity, toMs: to_ms }
})

/** `refresh` for who is alone. */
export const refreshAlone = (span: Range, force = false) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const within = yield* bounds
    const wide = widened(span)
    for (const [name, bucketMs] of aggregates) {
      const fromMs = Math.max(wide.fromMs, within.fromMs)
      const toMs = Math.min(wide.toMs, Math.floor(within.toMs / bucketMs) * bucketMs)
      if (fromMs >= toMs) continue
      yield* sql
        .unsafe(
          `call refresh_continuous_aggregate('${name}', ${literal(fromMs)}, ${literal(toMs)},
             force => ${force}, options => '{"buckets_per_batch": 0}')`,
        )
        .pipe(Effect.retry({ while: isBusy, schedule: untilDone }))
    }
  })

/**
 * Aggregates a range anew, minutes first. Never reaches before the samples that are there, where it would delete what
 * is left of those that are gone, nor up to now, where it would hide the samples that come next. `force`: also where
 * TimescaleDB believes that nothing has changed.
 */
export const refresh = (span: Range, force = false) => alone(refreshAlone(span, force))

const Late = Schema.Array(Schema.Struct({ id: Schema.Number, from_ms: Schema.Number, to_ms: Schema.Number }))

/** Aggregates anew what late samples touched: exactly those ranges, each of which is then forgotten. */
export const refreshLate = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql.unsafe(
    `select id, ${millisOf("from_ts")} as from_ms, ${millisOf("to_ts")} as to_ms from p1_late_ranges order by id limit 10000`,
  )
  const late = yield* Effect.orDie(Schema.decodeUnknown(Late)(rows))
  for (const span of merged(late.map(({ from_ms, to_ms }) => ({ fromMs: from_ms, toMs: to_ms })))) {
    yield* refresh(span)
    const within = late.filter(({ from_ms, to_ms }) => from_ms >= span.fromMs && to_ms <= span.toMs)
    yield* sql`delete from p1_late_ranges where id = any(${within.map(({ id }) => id)}::bigint[])`
  }
})

const Watermarks = Schema.Tuple(Schema.Struct({ ms: Schema.NullOr(Schema.Number), left_behind: Schema.Boolean }))

/** A policy looks back three hours: what it would miss after standing still is made up for before that. */
const behind = "interval '2 hours'"

/**
 * Aggregates the time between the newest that both curves have and now, where that has grown long: a policy that starts
 * again looks back for a few hours only, and what lies before them would never be seen again.
 */
export const catchUp = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql.unsafe(
    `select ${millisOf("until")} as ms, exists (
       select from p1_samples where ts >= coalesce(until, '-infinity') and ts < now() - ${behind}) as left_behind
     from (${keptUntil}) kept`,
  )
  const [{ left_behind, ms }] = yield* Effect.orDie(Schema.decodeUnknown(Watermarks)(rows))
  if (left_behind) yield* refresh({ fromMs: ms ?? -Infinity, toMs: Infinity })
})

const Extent = Schema.Tuple(
  Schema.Struct({ first_ms: Schema.NullOr(Schema.Number), last_ms: Schema.NullOr(Schema.Number) }),
)

const policiesRun = Effect.flatMap(SqlClient.SqlClient, (sql) =>
  Effect.map(
    sql.unsafe(
      `select from (${ourJobs}) ours
       where proc_name = 'policy_refresh_continuous_aggregate' and relation = 'p1_power_hours'`,
    ),
    (rows) => rows.length > 0,
  ),
)

/** A role that only reads and writes rows sees no jobs, and could make none. */
const isOwner = Effect.flatMap(SqlClient.SqlClient, (sql) =>
  Effect.map(
    sql`select 1 from pg_class where oid = 'p1_samples'::regclass and pg_has_role(relowner, 'usage')`,
    (rows) => rows.length > 0,
  ),
)

/**
 * Aggregates all samples of a database that was moved, the oldest first, because what lies before the newest that is
 * aggregated is no longer read from the samples. Then the policies may begin. Goes on where it was stopped.
 */
export const fillAggregates = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  if (!(yield* isOwner) || (yield* policiesRun)) return
  yield* sql`select pg_advisory_lock(${fillLock})`
  const rows = yield* sql.unsafe(
    `select ${millisOf("min(start)")} as first_ms, ${millisOf("max(start)")} as last_ms from p1_quarter_hours`,
  )
  const [{ first_ms, last_ms }] = yield* Effect.orDie(Schema.decodeUnknown(Extent)(rows))
  for (let fromMs = first_ms ?? Infinity; fromMs <= (last_ms ?? -Infinity); fromMs += stepMs) {
    yield* refresh({ fromMs, toMs: fromMs + stepMs })
  }
  yield* Effect.forEach(policies, (policy) => sql.unsafe(policy), { discard: true })
  yield* sql`select pg_advisory_unlock(${fillLock})`
})
