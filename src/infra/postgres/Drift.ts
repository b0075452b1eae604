import { SqlClient } from "@effect/sql"
import { Effect, Metric, Option, Random, Schema } from "effect"
import { type DeviceId, type Range } from "../../domain/index.ts"
import { isoOf } from "./Columns.ts"
import { millisOf } from "./Facts.ts"
import { raiseRevision } from "./Lock.ts"
import { recompute } from "./Recompute.ts"
import { refresh } from "./Refresh.ts"
import { probe } from "./Timescale.ts"

const dayMs = 86_400_000
const drifted = Metric.counter("p1_store_drift_total", {
  description: "Quarter-hours and minutes that were not what their samples make of them",
  incremental: true,
})

const Chosen = Schema.Array(Schema.Struct({ device_id: Schema.String, start_ms: Schema.Number }))

/** Any quarter-hour of any device whose samples are there; the days of a device are then as likely as its data. */
const select = `
select device_id, ${millisOf("start")} as start_ms from p1_quarter_hours
where start >= (select ts from p1_horizon) and device_id = (
  select device_id from p1_devices order by device_id
  offset floor($1::float8 * (select count(*) from p1_devices)) limit 1)
order by start
offset floor($2::float8 * (
  select count(*) from p1_quarter_hours where start >= (select ts from p1_horizon) and device_id = (
    select device_id from p1_devices order by device_id
    offset floor($1::float8 * (select count(*) from p1_devices)) limit 1))) limit 1`

const chooseDay = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql.unsafe(select, [yield* Random.next, yield* Random.next])
  const [chosen] = yield* Effect.orDie(Schema.decodeUnknown(Chosen)(rows))
  if (chosen === undefined) return Option.none()
  const fromMs = Math.floor(chosen.start_ms / dayMs) * dayMs
  return Option.some({ deviceId: chosen.device_id, range: { fromMs, toMs: fromMs + dayMs } })
})

const Counts = Schema.Tuple(Schema.Struct({ raw: Schema.Number, kept: Schema.Number, pending: Schema.Boolean }))

/** Samples that the kept minutes of a day lack or have too many, unless they are about to be made anew. */
const missingMinutes = (deviceId: DeviceId, { fromMs, toMs }: Range) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const rows = yield* sql.unsafe(
      `select
        (select count(*) from p1_samples where device_id = $1 and ts >= $2::timestamptz and ts < $3::timestamptz) as raw,
        (select coalesce(sum(sample_count), 0)::bigint
           from p1_power_minutes_of($1, $2::timestamptz, $3::timestamptz)) as kept,
        exists (select from p1_late_ranges) as pending`,
      [deviceId, isoOf(fromMs), isoOf(toMs)],
    )
    const [{ kept, pending, raw }] = yield* Effect.orDie(Schema.decodeUnknown(Counts)(rows))
    return pending ? 0 : Math.abs(raw - kept)
  })

/** Decides a day of a device again and repairs what is not as it must be; gives how much was not. */
export const repairDay = (deviceId: DeviceId, range: Range) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const { changed } = yield* recompute(sql, deviceId, range)
    const { used } = yield* probe
    const minutes = used ? yield* missingMinutes(deviceId, range) : 0
    if (minutes > 0) yield* Effect.zipRight(refresh(range, true), raiseRevision(sql, deviceId))
    if (changed + minutes === 0) return 0
    yield* Metric.incrementBy(drifted, changed + minutes)
    yield* Effect.logError("What is derived was not what the samples make of it, and was repaired").pipe(
      Effect.annotateLogs({ deviceId, day: isoOf(range.fromMs).slice(0, 10), quarterHours: changed, samples: minutes }),
    )
    return changed + minutes
  })

/** Looks at a day of a device by chance. */
export const checkDrift = Effect.flatMap(
  chooseDay,
  Option.match({
    onNone: () => Effect.succeed(0),
    onSome: ({ deviceId, range }) => repairDay(deviceId, range),
  }),
)
