import type { SqlClient, SqlError } from "@effect/sql"
import { Effect, Schema } from "effect"
import { type DeviceId, doubtReachMs, gatherFacts, quarterHourMs, type WindowFacts } from "../../domain/index.ts"
import { isoOf } from "./Columns.ts"
import { meterChanges, millisOf } from "./Facts.ts"

const Samples = Schema.Array(
  Schema.Struct({
    tsMs: Schema.Number,
    powerW: Schema.Number,
    importKwh: Schema.NullOr(Schema.Number),
    exportKwh: Schema.NullOr(Schema.Number),
  }),
)
const Changes = Schema.Array(Schema.Struct({ change_ms: Schema.Number }))

const columns = `${millisOf("ts")} as "tsMs", power_w as "powerW",
  energy_import_kwh as "importKwh", energy_export_kwh as "exportKwh"`

const selectAround = `
(select ${columns} from p1_samples where device_id = $1 and ts < $2::timestamptz order by ts desc limit 1)
union all
(select ${columns} from p1_samples where device_id = $1 and ts >= $2::timestamptz and ts < $3::timestamptz)
union all
(select ${columns} from p1_samples where device_id = $1 and ts >= $3::timestamptz order by ts limit 1)
order by 1`

const around = (sql: SqlClient.SqlClient, deviceId: DeviceId, startMs: number) =>
  Effect.map(
    sql.unsafe(selectAround, [deviceId, isoOf(startMs - doubtReachMs), isoOf(startMs + quarterHourMs + doubtReachMs)]),
    Schema.decodeUnknownSync(Samples),
  )

/**
 * Facts of windows whose readings do not follow from each other are gathered again, by the domain, from the samples
 * around them. It is rare: a glitch of the register, or a new meter.
 */
export const settle =
  (sql: SqlClient.SqlClient, deviceId: DeviceId) =>
  (facts: ReadonlyArray<WindowFacts>): Effect.Effect<ReadonlyArray<WindowFacts>, SqlError.SqlError> =>
    Effect.gen(function* () {
      if (facts.every(({ steady }) => steady)) return facts
      const rows = yield* sql.unsafe(`select ${millisOf("ts")} as change_ms from (${meterChanges}) changed`, [deviceId])
      const changesMs = Schema.decodeUnknownSync(Changes)(rows).map(({ change_ms }) => change_ms)
      return yield* Effect.forEach(facts, (known) =>
        known.steady
          ? Effect.succeed(known)
          : Effect.map(
              around(sql, deviceId, known.startMs),
              (samples) => gatherFacts(samples, known.startMs, changesMs) ?? known,
            ),
      )
    })
