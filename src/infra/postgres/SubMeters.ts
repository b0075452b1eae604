import type { SqlClient, SqlError } from "@effect/sql"
import { Effect, Schema } from "effect"
import type { DeviceId, MeterReading, Range } from "../../domain/index.ts"
import { isoOf } from "./Columns.ts"
import { millisOf } from "./Facts.ts"

const Readings = Schema.Array(Schema.Struct({ tsMs: Schema.Number, value: Schema.Number, unit: Schema.String }))

const columns = `${millisOf("ts")} as "tsMs", value, unit`

const selectReadings = `
(select ${columns} from p1_external_readings
  where device_id = $1 and id = $2 and ts < $3::timestamptz order by ts desc limit 1)
union all
(select ${columns} from p1_external_readings
  where device_id = $1 and id = $2 and ts >= $3::timestamptz and ts < $4::timestamptz)
union all
(select ${columns} from p1_external_readings
  where device_id = $1 and id = $2 and ts >= $4::timestamptz order by ts limit 1)
order by 1`

/** The readings of a sub-meter in a range, in order, with the nearest one on either side of it. */
export const meterReadings = (
  sql: SqlClient.SqlClient,
  deviceId: DeviceId,
  meterId: string,
  { fromMs, toMs }: Range,
): Effect.Effect<ReadonlyArray<MeterReading>, SqlError.SqlError> =>
  Effect.map(
    sql.unsafe(selectReadings, [deviceId, meterId, isoOf(fromMs), isoOf(Math.max(fromMs, toMs))]),
    Schema.decodeUnknownSync(Readings),
  )
