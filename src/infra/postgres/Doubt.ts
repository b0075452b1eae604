import type { SqlClient, SqlError } from "@effect/sql"
import { Effect, Schema } from "effect"
import {
  type DeviceId,
  doubtReachMs,
  gatherFacts,
  quarterHourMs,
  type Range,
  type WindowFacts,
} from "../../domain/index.ts"
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

const Bounds = Schema.Tuple(
  Schema.Struct({ from_ms: Schema.NullOr(Schema.Number), to_ms: Schema.NullOr(Schema.Number) }),
)

const decodeSamples = Schema.decodeUnknownSync(Samples)
const decodeChanges = Schema.decodeUnknownSync(Changes)
const decodeBounds = Schema.decodeUnknownSync(Bounds)

const quarter = "interval '15 minutes'"
const columns = `${millisOf("ts")} as "tsMs", power_w as "powerW",
  energy_import_kwh as "importKwh", energy_export_kwh as "exportKwh"`

/** Where the stored quarter-hours on either side of a range begin. */
const selectBounds = `select
  (select ${millisOf("start")} from p1_quarter_hours where device_id = $1 and start < $2::timestamptz - ${quarter}
   order by start desc limit 1) as from_ms,
  (select ${millisOf("start")} from p1_quarter_hours where device_id = $1 and start >= $3::timestamptz
   order by start limit 1) as to_ms`

const inside = `${columns} from p1_samples where device_id = $1 and ts >= $4::timestamptz and ts < $5::timestamptz`

const selectAround = `
(select ${inside} and ts < $2::timestamptz order by ts desc limit 1)
union all
(select ${inside} and ts >= $2::timestamptz and ts < $3::timestamptz)
union all
(select ${inside} and ts >= $3::timestamptz order by ts limit 1)
order by 1`

/**
 * The samples in reach of a window, with the one before and the one after them. Those lie in quarter-hours that are
 * stored, or in ones that changed just now: so no statement has to look through chunks of years.
 */
const around = (sql: SqlClient.SqlClient, deviceId: DeviceId, startMs: number, changed: Range) =>
  Effect.gen(function* () {
    const reach = { fromMs: startMs - doubtReachMs, toMs: startMs + quarterHourMs + doubtReachMs }
    const within = [deviceId, isoOf(reach.fromMs), isoOf(reach.toMs)]
    const [{ from_ms, to_ms }] = decodeBounds(yield* sql.unsafe(selectBounds, within))
    const fromMs = Math.min(changed.fromMs, reach.fromMs - quarterHourMs, from_ms ?? Infinity)
    const toMs = Math.max(changed.toMs, reach.toMs, to_ms ?? -Infinity) + quarterHourMs
    return decodeSamples(yield* sql.unsafe(selectAround, [...within, isoOf(fromMs), isoOf(toMs)]))
  })

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
      const changesMs = decodeChanges(rows).map(({ change_ms }) => change_ms)
      const starts = facts.map(({ startMs }) => startMs)
      const changed = { fromMs: Math.min(...starts), toMs: Math.max(...starts) }
      return yield* Effect.forEach(facts, (known) =>
        known.steady
          ? Effect.succeed(known)
          : Effect.map(
              around(sql, deviceId, known.startMs, changed),
              (samples) => gatherFacts(samples, known.startMs, changesMs) ?? known,
            ),
      )
    })
