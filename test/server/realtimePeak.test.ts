import { describe, expect, it } from "@effect/vitest"
import { Clock, Effect, FastCheck as fc, Layer, Option, Runtime } from "effect"
import { addMonths, type Device, type DeviceId, fromEpochMillis, monthOf, type Sample } from "../../src/domain/index.ts"
import { type DeviceUnknown, Registry, Store, StoreAdmin, type StoreUnavailable } from "../../src/domain/ports/index.ts"
import { PostgresAdmin } from "../../src/infra/postgres/index.ts"
import { makeDocumentBuilder } from "../../src/server/RealtimeState.ts"
import { zoneOf } from "../../src/server/Readers.ts"
import { type AnswerHistory, answerHistory } from "../support/AnswerHistory.ts"
import { Database, layerFreshStore } from "../support/Database.ts"
import { times } from "../support/Property.ts"
import { batchOf, meterAt, sampleAt } from "../support/Samples.ts"
import { newDevice } from "../support/Stores.ts"

/* The document of a builder that remembers what it read is the one of a builder that has read nothing before. */

const layerStore = Layer.unwrapEffect(Effect.map(Database, ({ url }) => PostgresAdmin.layer({ url }))).pipe(
  Layer.provideMerge(layerFreshStore),
)

const deviceOf = (deviceId: DeviceId) =>
  Effect.flatMap(Registry, (registry) => Effect.flatten(registry.findDevice(deviceId)))

/** Reads at an instant; only what is read there asks what time it is. */
const at = <A, E, R>(nowMs: number, read: Effect.Effect<A, E, R>) =>
  Effect.flatMap(Effect.clock, (clock) =>
    Effect.withClock(read, {
      [Clock.ClockTypeId]: Clock.ClockTypeId,
      currentTimeMillis: Effect.succeed(nowMs),
      currentTimeNanos: clock.currentTimeNanos,
      unsafeCurrentTimeMillis: () => nowMs,
      unsafeCurrentTimeNanos: () => clock.unsafeCurrentTimeNanos(),
      sleep: (duration) => clock.sleep(duration),
    }),
  )

const remembering = (device: Device) => {
  const build = makeDocumentBuilder()
  return (nowMs: number) =>
    Effect.gen(function* () {
      const remembered = yield* at(nowMs, build(device))
      expect(remembered).toEqual(yield* at(nowMs, makeDocumentBuilder()(device)))
      return JSON.parse(Option.getOrThrow(remembered).json) as { readonly month: object }
    })
}

const minuteMs = 60_000
/** When June begins in Brussels. */
const monthMs = Date.parse("2026-05-31T22:00:00Z")

/** A sample after so many minutes of June, with what was imported until then. */
const sample = (minute: number, importWh: number, values: Partial<Sample> = {}): Sample =>
  sampleAt(monthMs + minute * minuteMs, { powerW: 0, energyImportKwh: 100 + importWh / 1000, ...values })

describe("the peak of the running month", () => {
  it.scopedLive("is what the store says, whatever happened since it was last read", () =>
    Effect.gen(function* () {
      const store = yield* Store
      const admin = yield* StoreAdmin
      const deviceId = yield* newDevice
      const same = remembering(yield* deviceOf(deviceId))
      const take = (samples: ReadonlyArray<Sample>, rest = {}) => store.ingest(deviceId, batchOf(samples, rest))
      const nowMs = monthMs + 50 * minuteMs
      const month = () => Effect.map(same(nowMs), (document) => document.month)

      yield* take([sample(-20, 0), sample(-15, 1), sample(0, 2)])
      yield* take([sample(0.5, 10), sample(1, 20)])
      expect(yield* month()).toMatchObject({ month: "2026-06", peak_w: null })
      for (const minute of [2, 3, 4, 14.9]) yield* Effect.zipRight(take([sample(minute, minute * 100)]), month())
      yield* take([sample(15, 1_500), sample(15.3, 1_510)])
      expect(yield* month()).toMatchObject({ peak_w: 5_992, peak_ts: "2026-05-31T22:15:00.000Z" })
      yield* take([sample(29.9, 1_600), sample(30, 1_601), sample(30.2, 1_602)])
      expect(yield* month()).toMatchObject({ peak_w: 5_992 })
      yield* take([sample(31, 1_700)])
      expect(yield* month()).toMatchObject({ peak_w: 5_992 })
      yield* take([sample(7, 1_480)])
      yield* month()
      yield* admin.recompute(deviceId, { fromMs: monthMs, toMs: nowMs })
      yield* month()

      const report = (peakW: number) => ({
        monthlyPowerPeakW: peakW,
        monthlyPowerPeakTs: fromEpochMillis(monthMs + 15 * minuteMs),
      })
      yield* take([sample(32, 1_750, report(800))])
      expect(yield* month()).toMatchObject({ peak_w: 800, source: "meter" })
      yield* take([sample(44.9, 3_300)])
      expect(yield* month()).toMatchObject({ peak_w: 800, source: "meter" })
      yield* take([sample(45, 3_310)])
      expect(yield* month()).toMatchObject({ peak_w: 6_836, source: "computed" })
      yield* take([sample(45.2, 3_311, report(6_900))])
      expect(yield* month()).toMatchObject({ peak_w: 6_900, source: "meter" })
      yield* take([sample(45.4, 3_312)], {
        meteredPeaks: [{ month: "2026-06", peakW: 6_901, peakTs: null }],
        receivedAt: fromEpochMillis(nowMs),
      })
      expect(yield* month()).toMatchObject({ peak_w: 6_901, source: "meter" })
      yield* take([sample(45.6, 3_313)], { meter: meterAt(monthMs + 20 * minuteMs, { uniqueId: "1" }) })
      yield* month()
      yield* take([sample(45.8, 3_314)], { meter: meterAt(monthMs + 45 * minuteMs, { uniqueId: "2" }) })
      yield* month()
      yield* take([sample(46, 3_315, report(900))])
      yield* month()
      yield* store.setManualPeak(deviceId, "2026-06", Option.some(7_000))
      expect(yield* month()).toMatchObject({ peak_w: 7_000, source: "manual" })
      yield* store.setManualPeak(deviceId, "2026-06", Option.none())
      yield* month()

      yield* take([sample(64, 9_000), sample(70, 20_000)])
      yield* month()
      yield* same(monthMs + 80 * minuteMs)
      yield* month()
      yield* take([sample(46.2, 3_316)])
      yield* month()
    }).pipe(Effect.provide(layerStore)),
  )

  it.scopedLive("is what the store says of what lies beside the newest quarter-hour, or in its place", () =>
    Effect.gen(function* () {
      const store = yield* Store
      const deviceId = yield* newDevice
      const same = remembering(yield* deviceOf(deviceId))
      const take = (samples: ReadonlyArray<Sample>, rest = {}) => store.ingest(deviceId, batchOf(samples, rest))
      const month = Effect.map(same(monthMs + 50 * minuteMs), (document) => document.month)
      const powers = (fromMinute: number, minutes: number, powerW: number) =>
        Array.from({ length: minutes }, (_, i) => sampleAt(monthMs + (fromMinute + i) * minuteMs, { powerW }))

      yield* take([...powers(0, 15, 6_000), ...powers(15, 15, 500), ...powers(30, 15, 1_000), ...powers(45, 3, 200)])
      expect(yield* month).toMatchObject({ peak_w: 6_000, source: "computed" })
      yield* take(powers(48, 1, 200), {
        meteredPeaks: [{ month: "2026-06", peakW: 300, peakTs: null }],
        receivedAt: fromEpochMillis(monthMs + 35 * minuteMs),
      })
      expect(yield* month).toMatchObject({ peak_w: 1_000, source: "computed" })

      yield* take(powers(60, 15, 2_000))
      expect(yield* month).toMatchObject({ peak_w: 1_868 })
      yield* take(powers(74.9, 1, 2_000))
      expect(yield* month).toMatchObject({ peak_w: 1_988 })

      const startMs = monthMs + 45 * minuteMs
      const quarter = { startMs, energyImportWh: 2_500, energyExportWh: null, spanS: 900, source: "fluvius" } as const
      yield* store.importQuarters(deviceId, [{ ...quarter, validated: true }])
      expect(yield* month).toMatchObject({ peak_w: 10_000, source: "import" })
    }).pipe(Effect.provide(layerStore)),
  )

  it.scopedLive("is that of a device that was removed and added again, not of the one before it", () =>
    Effect.gen(function* () {
      const store = yield* Store
      const registry = yield* Registry
      const deviceId = yield* newDevice
      const device = yield* deviceOf(deviceId)
      const same = remembering(device)
      const month = Effect.map(same(monthMs + 50 * minuteMs), (document) => document.month)
      const last = [sample(30, 2_000), sample(31, 2_001)]

      yield* store.ingest(deviceId, batchOf([sample(0, 0), sample(14.9, 1_900), sample(15, 1_910), ...last]))
      expect(yield* month).toMatchObject({ peak_w: 7_640 })
      yield* registry.removeDevice(deviceId)
      yield* registry.addDevice(device)
      yield* store.ingest(deviceId, batchOf([sample(29.9, 1_999), ...last]))
      expect(yield* month).toMatchObject({ peak_w: null })
    }).pipe(Effect.provide(layerStore)),
  )

  it.scopedLive("is not read again while samples go on where they were", () =>
    Effect.gen(function* () {
      const store = yield* Store
      const deviceId = yield* newDevice
      const device = yield* deviceOf(deviceId)
      const build = makeDocumentBuilder()
      let read = 0
      const counted: typeof store = {
        ...store,
        condensed: (...of) =>
          Effect.zipRight(
            Effect.sync(() => (read += 1)),
            store.condensed(...of),
          ),
        manualPeaks: (...of) =>
          Effect.zipRight(
            Effect.sync(() => (read += 1)),
            store.manualPeaks(...of),
          ),
        meterChanges: (...of) =>
          Effect.zipRight(
            Effect.sync(() => (read += 1)),
            store.meterChanges(...of),
          ),
      }
      const take = (...samples: ReadonlyArray<Sample>) =>
        Effect.gen(function* () {
          yield* store.ingest(deviceId, batchOf(samples))
          read = 0
          yield* Effect.provideService(at(monthMs + 40 * minuteMs, build(device)), Store, counted)
          return read
        })
      expect(yield* take(sample(0, 0), sample(1, 1), sample(16, 20))).toBe(3)
      for (const minute of [17, 18, 29]) expect(yield* take(sample(minute, minute * 2))).toBe(0)
      expect(yield* take(sample(31, 90))).toBe(3)
      expect(yield* take(sample(32, 90), sample(33, 91))).toBe(0)
      expect(yield* take(sample(20, 41))).toBe(3)
    }).pipe(Effect.provide(layerStore)),
  )
})

const nowMs = Date.parse("2026-03-31T23:20:00Z")

/** Samples as they came, half of what else there is to know of the month between them. */
const sameAllAlong = (history: AnswerHistory) =>
  Effect.gen(function* () {
    const store = yield* Store
    const deviceId = yield* newDevice
    const device = yield* deviceOf(deviceId)
    const month = monthOf(nowMs, yield* zoneOf(device))
    const same = remembering(device)
    const meteredPeaks = history.reported.map(([ago, peakW]) => ({
      month: addMonths(month, -ago),
      peakW,
      peakTs: null,
    }))
    const asides: ReadonlyArray<Effect.Effect<unknown, StoreUnavailable | DeviceUnknown>> = [
      Effect.forEach(history.typed, ([ago, watts]) =>
        store.setManualPeak(deviceId, addMonths(month, -ago), Option.some(watts)),
      ),
      store.ingest(deviceId, batchOf(history.samples.slice(0, 1), { meteredPeaks })),
      store.importQuarters(deviceId, history.imported),
    ]
    for (const [i, places] of history.batches.entries()) {
      yield* store.ingest(deviceId, batchOf(places.flatMap((place) => history.samples[place] ?? [])))
      yield* same(nowMs)
      const aside = asides[i - Math.floor(history.batches.length / 2)]
      if (aside !== undefined) yield* Effect.zipRight(aside, same(nowMs))
    }
  })

describe("whatever comes, in whatever order", () => {
  it.scopedLive(
    "the document that is remembered in parts is the one that is read as a whole",
    () =>
      Effect.gen(function* () {
        const run = Runtime.runPromise(yield* Effect.runtime<Store | Registry>())
        yield* Effect.promise(() =>
          fc.assert(
            fc.asyncProperty(answerHistory(nowMs), (history) => run(sameAllAlong(history))),
            { numRuns: times(8) },
          ),
        )
      }).pipe(Effect.provide(layerStore)),
    60_000 * times(1),
  )
})
