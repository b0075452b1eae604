import { describe, expect, layer } from "@effect/vitest"
import { DateTime, Effect, type Layer, Option } from "effect"
import { fromEpochMillis, type ImportedQuarter, quarterHourMs } from "../../src/domain/index.ts"
import { type Registry, Store } from "../../src/domain/ports/index.ts"
import { baseMs, batchOf, sampleAt } from "../support/Samples.ts"
import { always, newDevice, storeNames, stores } from "../support/Stores.ts"

const quarter = (n: number, energyImportWh: number, more: Partial<ImportedQuarter> = {}): ImportedQuarter => ({
  startMs: baseMs + n * quarterHourMs,
  energyImportWh,
  energyExportWh: null,
  spanS: 900,
  source: "fluvius",
  validated: true,
  ...more,
})

const revisionOf = (deviceId: string) => Effect.flatMap(Store, ({ revision }) => revision(deviceId))

describe.each(storeNames)("what bills need, in the store: %s", (name) => {
  const storeLayer: Layer.Layer<Store | Registry, unknown> = stores[name]
  layer(storeLayer, { excludeTestServices: true, timeout: "60 seconds" })((it) => {
    it.effect("keeps a device's place", () =>
      Effect.gen(function* () {
        const store = yield* Store
        const deviceId = yield* newDevice
        const before = yield* revisionOf(deviceId)
        expect(yield* store.place(deviceId)).toEqual({ country: "BE", gridZone: null })
        yield* store.setPlace(deviceId, { country: "BE", gridZone: "zenne-dijle" })
        expect(yield* store.place(deviceId)).toEqual({ country: "BE", gridZone: "zenne-dijle" })
        expect(yield* revisionOf(deviceId)).toBe(before + 1)
      }),
    )

    it.effect("keeps peaks as they were typed, one a month, and raises the revision when they change", () =>
      Effect.gen(function* () {
        const store = yield* Store
        const deviceId = yield* newDevice
        const before = yield* revisionOf(deviceId)
        const set = (month: string, peakW: Option.Option<number>) => store.setManualPeak(deviceId, month, peakW)
        expect(yield* set("2026-03", Option.some(4200))).toBe(true)
        expect(yield* set("2026-03", Option.some(4200))).toBe(false)
        expect(yield* set("2026-02", Option.some(3000.5))).toBe(true)
        expect(yield* store.manualPeaks(deviceId)).toEqual([
          { month: "2026-02", peakW: 3000.5 },
          { month: "2026-03", peakW: 4200 },
        ])
        expect(yield* set("2026-02", Option.none())).toBe(true)
        expect(yield* set("2026-02", Option.none())).toBe(false)
        expect(yield* store.manualPeaks(deviceId)).toEqual([{ month: "2026-03", peakW: 4200 }])
        expect(yield* revisionOf(deviceId)).toBe(before + 3)
      }),
    )

    it.effect("keeps imported quarter-hours once, the better known of two", () =>
      Effect.gen(function* () {
        const store = yield* Store
        const deviceId = yield* newDevice
        const before = yield* revisionOf(deviceId)
        const file = [quarter(0, 250, { energyExportWh: 3 }), quarter(1, 500, { validated: false }), quarter(7, 1)]
        const counts = ({
          changed,
          inserted,
          kept,
          unchanged,
        }: Record<"changed" | "inserted" | "kept" | "unchanged", number>) => [inserted, changed, unchanged, kept]
        expect(counts(yield* store.importQuarters(deviceId, file))).toEqual([3, 0, 0, 0])
        expect(counts(yield* store.importQuarters(deviceId, file))).toEqual([0, 0, 3, 0])
        expect(yield* revisionOf(deviceId)).toBe(before + 1)
        const other = [quarter(1, 510, { source: "homewizard" }), quarter(7, 9, { source: "dsmr-reader", spanS: 3600 })]
        expect(counts(yield* store.importQuarters(deviceId, other))).toEqual([0, 1, 0, 1])
        expect(yield* store.importedQuarters(deviceId, { fromMs: baseMs, toMs: baseMs + 2 * quarterHourMs })).toEqual([
          file[0],
          other[0],
        ])
        expect(yield* store.importedQuarters(deviceId, always)).toHaveLength(3)
        expect(counts(yield* store.importQuarters(deviceId, []))).toEqual([0, 0, 0, 0])
        const range = { fromMs: baseMs, toMs: baseMs + 8 * quarterHourMs }
        expect(yield* store.extent(deviceId)).toEqual(Option.some(range))
        yield* store.ingest(deviceId, batchOf([sampleAt(baseMs - 1)]))
        expect(yield* store.extent(deviceId)).toEqual(Option.some({ ...range, fromMs: baseMs - quarterHourMs }))
      }),
    )

    it.effect("lists what the meter reported of each month", () =>
      Effect.gen(function* () {
        const store = yield* Store
        const deviceId = yield* newDevice
        const receivedAt = DateTime.unsafeMake("2026-04-02T00:00:00Z")
        const meteredPeaks = [
          { month: "2026-03", peakW: 3000, peakTs: fromEpochMillis(baseMs) },
          { month: "2026-01", peakW: 2000, peakTs: null },
        ]
        yield* store.ingest(deviceId, batchOf([sampleAt(baseMs)], { meteredPeaks, receivedAt }))
        const reported = yield* store.reportedPeaks(deviceId)
        expect(reported).toEqual(
          meteredPeaks.toReversed().map((peak) => ({ ...peak, reportedAtMs: receivedAt.epochMillis })),
        )
      }),
    )

    it.effect("gives a sub-meter's readings of a range with the nearest on either side", () =>
      Effect.gen(function* () {
        const store = yield* Store
        const deviceId = yield* newDevice
        const reading = (n: number, id = "G1") => ({
          id,
          kind: "gas_meter",
          ts: fromEpochMillis(baseMs + n * 300_000),
          value: 10 + n,
          unit: "m3",
        })
        const samples = [0, 1, 2, 3, 4].map((n) =>
          sampleAt(baseMs + n * 300_000, { external: [reading(n), reading(n, "G2")] }),
        )
        yield* store.ingest(deviceId, batchOf(samples))
        const values = (fromMs: number, toMs: number) =>
          Effect.map(store.meterReadings(deviceId, "G1", { fromMs, toMs }), (rows) => rows.map(({ value }) => value))
        expect(yield* values(baseMs + 300_000, baseMs + 900_000)).toEqual([10, 11, 12, 13])
        expect(yield* values(baseMs + 300_001, baseMs + 300_002)).toEqual([11, 12])
        expect(yield* values(baseMs - 10, baseMs - 5)).toEqual([10])
        expect(yield* values(baseMs + 9_000_000, baseMs + 9_000_001)).toEqual([14])
        expect(yield* store.meterReadings(deviceId, "none", always)).toEqual([])
      }),
    )
  })
})
