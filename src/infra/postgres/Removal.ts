import { SqlClient, type SqlError } from "@effect/sql"
import { Effect, Record, Schema } from "effect"
import type { DeviceId } from "../../domain/index.ts"
import { alone } from "./Lock.ts"

const Names = Schema.Array(Schema.Struct({ name: Schema.String }))
const Count = Schema.Tuple(Schema.Struct({ count: Schema.Number }))
const Extent = Schema.Tuple(
  Schema.Struct({ from_ts: Schema.NullOr(Schema.DateFromSelf), to_ts: Schema.NullOr(Schema.DateFromSelf) }),
)

/** Every table that holds something of a device: also those that later versions add. */
const tables = (sql: SqlClient.SqlClient) =>
  sql`select c.table_name as name from information_schema.columns c
      join information_schema.tables t using (table_schema, table_name)
      where c.table_schema = current_schema() and c.table_name like 'p1\\_%' and c.column_name = 'device_id'
        and t.table_type = 'BASE TABLE' and c.table_name not in ('p1_devices', 'p1_token_devices')
      order by 1`.pipe(
    Effect.flatMap((rows) => Effect.orDie(Schema.decodeUnknown(Names)(rows))),
    Effect.map((rows) => rows.map(({ name }) => name)),
  )

/** How many rows each table has of a device; those without any are left out. */
export const contents = (
  sql: SqlClient.SqlClient,
  deviceId: DeviceId,
): Effect.Effect<Readonly<Record<string, number>>, SqlError.SqlError> =>
  Effect.gen(function* () {
    const counts = yield* Effect.forEach(yield* tables(sql), (name) =>
      sql`select count(*) as count from ${sql(name)} where device_id = ${deviceId}`.pipe(
        Effect.flatMap((rows) => Effect.orDie(Schema.decodeUnknown(Count)(rows))),
        Effect.map(([{ count }]) => [name.replace(/^p1_/, ""), count] as const),
      ),
    )
    return Record.filter(Record.fromEntries(counts), (count) => count > 0)
  })

const sliceMs = 7 * 86_400_000

/**
 * Samples and what was made of them go week by week, the oldest first: each statement is short, and what was cut off
 * goes on when it is asked for again. Quarter-hours and curves reach back to before the samples that are kept.
 */
const removeWeeks = (sql: SqlClient.SqlClient, deviceId: DeviceId) =>
  Effect.gen(function* () {
    const rows = yield* sql`select min(at) as from_ts, max(at) as to_ts from (
        select unnest(array[min(ts), max(ts)]) as at from p1_samples where device_id = ${deviceId}
        union all select unnest(array[min(start), max(start)]) from p1_quarter_hours where device_id = ${deviceId}
      ) known`
    const [{ from_ts, to_ts }] = yield* Effect.orDie(Schema.decodeUnknown(Extent)(rows))
    if (from_ts === null || to_ts === null) return
    for (let fromMs = from_ts.getTime(); fromMs <= to_ts.getTime(); fromMs += sliceMs) {
      const before = new Date(fromMs + sliceMs)
      yield* Effect.gen(function* () {
        yield* sql`delete from p1_samples where device_id = ${deviceId} and ts < ${before}`
        yield* sql`delete from p1_quarter_hours where device_id = ${deviceId} and start < ${before}`
        yield* sql`select p1_forget_curves(${deviceId}, ${before})`
      }).pipe(sql.withTransaction)
    }
  })

/** Nobody writes for the device any more once this is committed and token look-ups have aged. */
const removeTokens = (sql: SqlClient.SqlClient, deviceId: DeviceId) =>
  sql`with left_alone as (
        delete from p1_token_devices where device_id = ${deviceId} returning token_id
      )
      delete from p1_tokens t using left_alone l where t.token_id = l.token_id
        and not exists (select 1 from p1_token_devices d where d.token_id = t.token_id and d.device_id <> ${deviceId})`

const removeRest = (sql: SqlClient.SqlClient, deviceId: DeviceId) =>
  Effect.gen(function* () {
    const names = yield* tables(sql)
    yield* sql`select pg_advisory_xact_lock(hashtextextended(${deviceId}, 0))`
    yield* Effect.forEach(names, (name) => sql`delete from ${sql(name)} where device_id = ${deviceId}`)
    yield* sql`select p1_forget_curves(${deviceId}, 'infinity')`
    yield* sql`delete from p1_token_devices where device_id = ${deviceId}`
    yield* sql`delete from p1_devices where device_id = ${deviceId}`
  }).pipe(sql.withTransaction)

/** Removes a device with its tokens and all that is stored of it. What a batch under way still stored goes last. */
export const remove = (sql: SqlClient.SqlClient, deviceId: DeviceId): Effect.Effect<void, SqlError.SqlError> =>
  Effect.zipRight(removeWeeks(sql, deviceId), removeRest(sql, deviceId)).pipe(
    alone,
    Effect.provideService(SqlClient.SqlClient, sql),
    (data) => Effect.zipRight(removeTokens(sql, deviceId), data),
  )
