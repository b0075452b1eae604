import type { SqlClient, SqlError } from "@effect/sql"
import { Effect, Record, Schema } from "effect"
import type { DeviceId } from "../../domain/index.ts"

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
 * Samples go week by week: each statement is short, and what was cut off goes on when it is asked for again. The power
 * curves of a week are to be made anew when its samples are gone, not before.
 */
const removeSamples = (sql: SqlClient.SqlClient, deviceId: DeviceId) =>
  Effect.gen(function* () {
    const rows = yield* sql`select min(ts) as from_ts, max(ts) as to_ts from p1_samples where device_id = ${deviceId}`
    const [{ from_ts, to_ts }] = yield* Effect.orDie(Schema.decodeUnknown(Extent)(rows))
    if (from_ts === null || to_ts === null) return
    const weeks = Math.ceil((to_ts.getTime() - from_ts.getTime() + 1) / sliceMs)
    yield* Effect.forEach(
      Array.from({ length: weeks }, (_, week) => from_ts.getTime() + week * sliceMs),
      (fromMs) => {
        const [since, before] = [new Date(fromMs), new Date(fromMs + sliceMs)]
        return Effect.zipRight(
          sql`insert into p1_late_ranges (from_ts, to_ts) values (${since}, ${before})`,
          sql`delete from p1_samples where device_id = ${deviceId} and ts < ${before}`,
        ).pipe(sql.withTransaction)
      },
      { discard: true },
    )
  })

/** Nobody writes for the device any more once this is committed and token look-ups have aged. */
const removeTokens = (sql: SqlClient.SqlClient, deviceId: DeviceId) =>
  sql`with left_alone as (
        delete from p1_token_devices where device_id = ${deviceId} returning token_id
      )
      delete from p1_tokens t using left_alone l where t.token_id = l.token_id
        and not exists (select 1 from p1_token_devices d where d.token_id = t.token_id and d.device_id <> ${deviceId})`

/** Removes a device with its tokens and all that is stored of it. What a batch under way still stored goes last. */
export const remove = (sql: SqlClient.SqlClient, deviceId: DeviceId): Effect.Effect<void, SqlError.SqlError> =>
  Effect.gen(function* () {
    yield* removeTokens(sql, deviceId)
    yield* removeSamples(sql, deviceId)
    const names = yield* tables(sql)
    yield* Effect.gen(function* () {
      yield* sql`select pg_advisory_xact_lock(hashtextextended(${deviceId}, 0))`
      yield* Effect.forEach(names, (name) => sql`delete from ${sql(name)} where device_id = ${deviceId}`)
      yield* sql`delete from p1_token_devices where device_id = ${deviceId}`
      yield* sql`delete from p1_devices where device_id = ${deviceId}`
    }).pipe(sql.withTransaction)
  })
