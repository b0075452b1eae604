import type { SqlClient } from "@effect/sql"
import { Array as Arr, DateTime, Effect, Option, Order } from "effect"
import {
  appendSamples,
  type DeviceId,
  latestReports,
  quarterHourOf,
  reportedPeaks,
  type Sample,
  sampleReadings,
  storedPowerW,
  type Tail,
  type WindowFacts,
  type WindowSample,
} from "../../domain/index.ts"
import { DeviceUnknown, type IngestBatch, type IngestCounts, type StoreUnavailable } from "../../domain/ports/index.ts"
import type { Appender } from "./Appender.ts"
import { settle } from "./Doubt.ts"
import { orUnavailable } from "./Failure.ts"
import { type Derived, keep, take, type Taken } from "./IngestStatements.ts"

/** What this process knows of a device since it last wrote to it: good for as long as the revision is the device's. */
interface Known {
  readonly revision: number
  readonly zone: string
  readonly tail: Tail
}

interface Placed {
  readonly sample: Sample
  readonly place: number
}

const inOrder = Order.mapInput(Order.number, ({ sample }: Placed) => sample.ts.epochMillis)

const pointOf = (sample: Sample): WindowSample => ({
  tsMs: sample.ts.epochMillis,
  importKwh: sample.energyImportKwh,
  exportKwh: sample.energyExportKwh,
  powerW: storedPowerW(sample.powerW),
})

const derive = (
  batch: IngestBatch,
  samples: ReadonlyArray<Sample>,
  agreeing: ReadonlyArray<Sample>,
  zone: string,
  facts: ReadonlyArray<WindowFacts>,
): Derived => ({
  quarterHours: facts.map(quarterHourOf),
  readings: sampleReadings(samples),
  peaks: latestReports([
    ...reportedPeaks(agreeing, DateTime.zoneUnsafeMakeNamed(zone)),
    ...batch.meteredPeaks.map((peak) => ({ ...peak, reportedAtMs: batch.receivedAt.epochMillis })),
  ]),
})

interface Written {
  readonly counts: IngestCounts
  readonly known: Option.Option<Known>
}

/** The newest quarter-hour: among those that changed, or else as it was, if this process had seen the device before. */
const tailAfter = (taken: Taken, before: Option.Option<Known>): Option.Option<Tail> =>
  Option.orElse(Option.fromNullable(taken.facts.find(({ facts }) => facts.after === null)), () =>
    before.pipe(
      Option.filter(({ revision }) => revision === taken.revision),
      Option.map(({ tail }) => tail),
    ),
  )

/** One transaction that finds out what is new, lets the domain decide and stores that; none for an unknown device. */
const anywhere = (
  sql: SqlClient.SqlClient,
  deviceId: DeviceId,
  batch: IngestBatch,
  placed: ReadonlyArray<Placed>,
  before: Option.Option<Known>,
) =>
  Effect.gen(function* () {
    const found = yield* take(
      sql,
      deviceId,
      placed.map(({ sample }) => sample),
      batch.meter,
    )
    if (Option.isNone(found)) return Option.none<Written>()
    const taken = found.value
    const samples = placed.filter((_, i) => !taken.expired.has(i))
    const agreeing = placed.filter((_, i) => !taken.expired.has(i) && !taken.conflicts.has(i))
    const facts = yield* settle(sql, deviceId)(taken.facts.map((tail) => tail.facts))
    const derived = derive(
      batch,
      samples.map(({ sample }) => sample),
      agreeing.map(({ sample }) => sample),
      taken.zone,
      facts,
    )
    const revision = yield* keep(sql, deviceId, taken, derived)
    const tail = facts.every(({ steady }) => steady) ? tailAfter(taken, before) : Option.none()
    return Option.some<Written>({
      counts: {
        inserted: taken.inserted,
        duplicates: samples.length - taken.inserted,
        conflicts: taken.conflicts.size,
        expired: placed.flatMap(({ place }, i) => (taken.expired.has(i) ? [place] : [])),
        revision,
      },
      known: Option.map(tail, (tail) => ({ revision, zone: taken.zone, tail })),
    })
  }).pipe(sql.withTransaction, orUnavailable)

/**
 * Samples that are newer than all others: what becomes of the device is decided before anything is sent. What a meter
 * says of itself may make another meter of it, which takes more than the newest quarter-hour.
 */
const atTheEnd =
  (appender: Appender, deviceId: DeviceId, batch: IngestBatch, samples: ReadonlyArray<Sample>) =>
  ({ revision: expected, tail: before, zone }: Known): Effect.Effect<Option.Option<Written>, StoreUnavailable> =>
    Option.match(
      batch.meter === null && samples.length > 0 ? appendSamples(before, samples.map(pointOf)) : Option.none(),
      {
        onNone: () => Effect.succeedNone,
        onSome: ({ changed, tail }) => {
          const derived = derive(batch, samples, samples, zone, changed)
          return Effect.map(
            appender.append({ deviceId, revision: expected, zone, samples, derived }),
            Option.map((revision) => ({
              counts: { inserted: samples.length, duplicates: 0, conflicts: 0, expired: [], revision },
              known: Option.some({ revision, zone, tail }),
            })),
          )
        },
      },
    )

/** Writes the batches of one device, one after another. */
export const makeDeviceWriter = (sql: SqlClient.SqlClient, appender: Appender, deviceId: DeviceId) => {
  const turn = Effect.unsafeMakeSemaphore(1)
  let known = Option.none<Known>()
  return (batch: IngestBatch): Effect.Effect<IngestCounts, StoreUnavailable | DeviceUnknown> =>
    Effect.gen(function* () {
      const placed = Arr.sort(
        batch.samples.map((sample, place) => ({ sample, place })),
        inOrder,
      )
      const samples = placed.map(({ sample }) => sample)
      const before = known
      known = Option.none()
      const appended = yield* Option.match(before, {
        onNone: () => Effect.succeedNone,
        onSome: atTheEnd(appender, deviceId, batch, samples),
      })
      const stored = Option.isSome(appended) ? appended : yield* anywhere(sql, deviceId, batch, placed, before)
      if (Option.isNone(stored)) return yield* new DeviceUnknown({ deviceId })
      const written = stored.value
      known = written.known
      return written.counts
    }).pipe(turn.withPermits(1))
}
