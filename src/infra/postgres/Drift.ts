import { SqlClient } from "@effect/sql"
import { Effect, Metric, Option, Random, Schema } from "effect"
import { type DeviceId, type Range } from "../../domain/index.ts"
import { isoOf } from "./Columns.ts"
import { millisOf } from "./Facts.ts"
import { alone, raiseRevision } from "./Lock.ts"
import { recompute } from "./Recompute.ts"
import { refreshAlone } from "./Refresh.ts"
import { probe } from "./Timescale.ts"

const dayMs = 86_400_000
const drifted = Metric.counter("p1_store_drift_total", {
  description: "Quarter-hours, minutes and hours that were not what their samples make of them",
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

const Wrong = Schema.Tuple(Schema.Struct({ wrong: Schema.Number, pending: Schema.Boolean }))

/** How many buckets of a curve are not what raw samples, by the same buckets, make of them. */
const unlike = (curve: string, raw: string): string => `
  (select count(*) from (${raw}) raw full join (
     select bucket, sample_count as count, power_sum_w as sum
     from range, ${curve}($1, $2::timestamptz, $3::timestamptz) where bucket >= from_ts
   ) kept using (bucket) where row(raw.count, raw.sum) is distinct from row(kept.count, kept.sum))`

const selectWrong = `
with range as (
  select greatest($2::timestamptz, ts) as from_ts from p1_horizon
), minutes as (
  select time_bucket('1 minute', ts) as bucket, count(*) as count, sum(power_w) as sum from p1_samples, range
  where device_id = $1 and ts >= $2::timestamptz and ts >= from_ts and ts < $3::timestamptz group by 1
)
select exists (select from p1_late_ranges) as pending,
  ${unlike("p1_power_minutes_of", "table minutes")} + ${unlike(
    "p1_power_hours_of",
    "select time_bucket('1 hour', bucket) as bucket, sum(count) as count, sum(sum) as sum from minutes group by 1",
  )} as wrong`

/** Minutes and hours of a day whose kept curves are not what its samples make, unless they are about to be made anew. */
const wrongCurves = (deviceId: DeviceId, { fromMs, toMs }: Range) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const rows = yield* sql.unsafe(selectWrong, [deviceId, isoOf(fromMs), isoOf(toMs)])
    const [{ pending, wrong }] = yield* Effect.orDie(Schema.decodeUnknown(Wrong)(rows))
    return pending ? 0 : wrong
  })

const repairAlone = (deviceId: DeviceId, range: Range) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const { changed } = yield* recompute(sql, deviceId, range)
    const { used } = yield* probe
    const curves = used ? yield* wrongCurves(deviceId, range) : 0
    if (curves > 0) yield* Effect.zipRight(refreshAlone(range, true), raiseRevision(sql, deviceId))
    if (changed + curves === 0) return 0
    yield* Metric.incrementBy(drifted, changed + curves)
    yield* Effect.logError("What is derived was not what the samples make of it, and was repaired").pipe(
      Effect.annotateLogs({
        deviceId,
        day: isoOf(range.fromMs).slice(0, 10),
        quarterHours: changed,
        minutesAndHours: curves,
      }),
    )
    return changed + curves
  })

/** Decides a day of a device again and repairs what is not as it must be; gives how much was not. */
export const repairDay = (deviceId: DeviceId, range: Range) => alone(repairAlone(deviceId, range))

/** Looks at a day of a device by chance. */
export const checkDrift = Effect.flatMap(
  chooseDay,
  Option.match({
    onNone: () => Effect.succeed(0),
    onSome: ({ deviceId, range }) => repairAlone(deviceId, range),
  }),
).pipe(alone)
