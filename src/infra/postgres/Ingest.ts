import type { SqlClient, SqlError } from "@effect/sql"
import { Array as Arr, Effect, Order, Schema } from "effect"
import {
  type DeviceId,
  type Instant,
  latestReports,
  quarterHourOf,
  quarterStartMs,
  reportedPeaks,
  type Sample,
  sampleReadings,
} from "../../domain/index.ts"
import type { IngestBatch, IngestCounts } from "../../domain/ports/index.ts"
import { isoOf } from "./Columns.ts"
import * as Doubt from "./Doubt.ts"
import { gather, millisOf, type TouchedWindow } from "./Facts.ts"
import * as Insert from "./Insert.ts"
import { lock, raiseRevision, readRevision } from "./Lock.ts"

const inOrder = Order.mapInput(Order.number, ({ ts }: Sample) => ts.epochMillis)
const noConflicts: ReadonlySet<number> = new Set()

const Instants = Schema.Array(Schema.Struct({ at: Schema.Number }))

/**
 * The quarter-hours at which something new that a meter said of itself can matter: its own, and that of what was said
 * next, since whether that is another meter depends on what comes before.
 */
const meterWindows = (sql: SqlClient.SqlClient, deviceId: DeviceId, { epochMillis }: Instant) =>
  sql
    .unsafe(
      `(select ${millisOf("ts")} as at from p1_meter_changes
        where device_id = $1 and ts > $2::timestamptz and unique_id is not null order by ts limit 1)
       union all select ${millisOf("$2::timestamptz")}`,
      [deviceId, isoOf(epochMillis)],
    )
    .pipe(
      Effect.map(Schema.decodeUnknownSync(Instants)),
      Effect.map((rows) =>
        rows.map(({ at }): TouchedWindow => ({ startMs: quarterStartMs(at), firstMs: at, lastMs: at })),
      ),
    )

/**
 * Stores a batch in one transaction. Writers of a device wait for each other, so that none decides a quarter-hour
 * without having seen the samples of the one before.
 */
export const ingest = (
  sql: SqlClient.SqlClient,
  deviceId: DeviceId,
  batch: IngestBatch,
): Effect.Effect<IngestCounts, SqlError.SqlError> =>
  Effect.gen(function* () {
    const samples = Arr.sort(batch.samples, inOrder)
    const zone = yield* lock(sql, deviceId)
    const windows = yield* Insert.samples(sql, deviceId, samples)
    const inserted = windows.reduce((sum, { count }) => sum + count, 0)
    const conflicts = inserted < samples.length ? yield* Insert.conflicts(sql, deviceId, samples) : noConflicts

    const readings = sampleReadings(samples)
    const peaks = latestReports([
      ...reportedPeaks(
        samples.filter((_, i) => !conflicts.has(i)),
        zone,
      ),
      ...Insert.reportedWith(batch.meteredPeaks, batch.receivedAt),
    ])
    const newReadings = readings.length > 0 && (yield* Insert.readings(sql, deviceId, readings))
    const newMeter = batch.meter !== null && (yield* Insert.meter(sql, deviceId, batch.meter))
    const newPeaks = peaks.length > 0 && (yield* Insert.peaks(sql, deviceId, peaks))

    const touched =
      newMeter && batch.meter ? [...windows, ...(yield* meterWindows(sql, deviceId, batch.meter.ts))] : windows
    if (touched.length > 0) {
      const facts = yield* Effect.flatMap(gather(sql, deviceId, touched), Doubt.settle(sql, deviceId))
      yield* Insert.quarterHours(sql, deviceId, facts.map(quarterHourOf))
    }
    const changed = inserted > 0 || newReadings || newMeter || newPeaks
    return {
      inserted,
      duplicates: samples.length - inserted,
      conflicts: conflicts.size,
      revision: yield* (changed ? raiseRevision : readRevision)(sql, deviceId),
    }
  }).pipe(sql.withTransaction)
