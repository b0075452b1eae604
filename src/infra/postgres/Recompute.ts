import type { SqlClient, SqlError } from "@effect/sql"
import { Effect, Schema } from "effect"
import { type DeviceId, quarterHourMs, quarterHourOf, quarterStartMs, type Range } from "../../domain/index.ts"
import { isoOf } from "./Columns.ts"
import { settle } from "./Doubt.ts"
import { millisOf } from "./Facts.ts"
import { Facts, decodeFacts } from "./QuarterHourRows.ts"
import { replace } from "./IngestStatements.ts"

const dayMs = 96 * quarterHourMs

const Recounted = Schema.Tuple(Schema.Struct({ facts: Schema.Array(Facts) }))
const decode = Schema.decodeUnknownSync(Recounted)

const day = (sql: SqlClient.SqlClient, deviceId: DeviceId, { fromMs, toMs }: Range) =>
  Effect.gen(function* () {
    const rows = yield* sql.unsafe("select p1_recount($1, $2, $3) as facts", [deviceId, isoOf(fromMs), isoOf(toMs)])
    const [{ facts }] = decode(rows)
    const settled = yield* settle(sql, deviceId)(facts.map(decodeFacts))
    const quarterHours = settled.map(quarterHourOf)
    const changed = yield* replace(sql, deviceId, { fromMs, toMs }, quarterHours)
    return { quarterHours: quarterHours.length, changed }
  }).pipe(sql.withTransaction)

/** The UTC days that make up a range. */
export const daysOf = ({ fromMs, toMs }: Range): ReadonlyArray<Range> => {
  const days: Array<Range> = []
  for (let at = quarterStartMs(fromMs); at < toMs; at = (Math.floor(at / dayMs) + 1) * dayMs) {
    days.push({ fromMs: at, toMs: Math.min((Math.floor(at / dayMs) + 1) * dayMs, toMs) })
  }
  return days
}

const Bounds = Schema.Tuple(
  Schema.Struct({ first_ms: Schema.NullOr(Schema.Number), last_ms: Schema.NullOr(Schema.Number) }),
)

/** The part of a range in which the device has anything. */
const filled = (sql: SqlClient.SqlClient, deviceId: DeviceId, { fromMs, toMs }: Range) =>
  Effect.map(
    sql.unsafe(
      `select ${millisOf("min(at)")} as first_ms, ${millisOf("max(at)")} as last_ms from (
         select unnest(array[min(ts), max(ts)]) as at from p1_samples where device_id = $1
         union all select unnest(array[min(start), max(start)]) from p1_quarter_hours where device_id = $1
       ) known`,
      [deviceId],
    ),
    (rows): Range => {
      const [{ first_ms, last_ms }] = Schema.decodeUnknownSync(Bounds)(rows)
      return { fromMs: Math.max(fromMs, first_ms ?? fromMs), toMs: Math.min(toMs, (last_ms ?? fromMs - 1) + 1) }
    },
  )

/**
 * Decides the quarter-hours of a range again from the raw samples, a day at a time, each under the device's lock so
 * that batches may come in between. Quarter-hours before the horizon stay as they are.
 */
export const recompute = (
  sql: SqlClient.SqlClient,
  deviceId: DeviceId,
  range: Range,
): Effect.Effect<{ readonly quarterHours: number; readonly changed: number }, SqlError.SqlError> =>
  Effect.flatMap(filled(sql, deviceId, range), (part) =>
    Effect.reduce(daysOf(part), { quarterHours: 0, changed: 0 }, (sum, piece) =>
      Effect.map(day(sql, deviceId, piece), ({ changed, quarterHours }) => ({
        quarterHours: sum.quarterHours + quarterHours,
        changed: sum.changed + changed,
      })),
    ),
  )
