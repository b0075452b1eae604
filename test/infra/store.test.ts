import { describe, expect, layer } from "@effect/vitest"
import { Clock, Effect, type Layer, Option } from "effect"
import { dayMs, fromEpochMillis } from "../../src/domain/index.ts"
import { DeviceUnknown, Registry, Store } from "../../src/domain/ports/index.ts"
import { baseMs, batchOf, fullSample, meterAt, sampleAt } from "../support/Samples.ts"
import { always, everySecond, newDevice, quartersByDomain, storeNames, stores } from "../support/Stores.ts"

const revisionOf = (deviceId: string) => Effect.flatMap(Store, ({ revision }) => revision(deviceId))
const ever = fromEpochMillis(always.toMs - 1)

describe.each(storeNames)("store: %s", (name) => {
  const storeLayer: Layer.Layer<Store | Registry, unknown> = stores[name]
  layer(storeLayer, { excludeTestServices: true, timeout: "60 seconds" })((it) => {
    it.effect("gives back every field of a sample as it was", () =>
      Effect.gen(function* () {
        const store = yield* Store
        const deviceId = yield* newDevice
        const before = yield* revisionOf(deviceId)
        const sample = fullSample(baseMs)
        const nothing = sampleAt(baseMs + 1000)
        const counts = yield* store.ingest(deviceId, batchOf([nothing, sample]))
        expect(counts).toEqual({ inserted: 2, duplicates: 0, conflicts: 0, expired: [], revision: before + 1 })
        expect(yield* store.samples(deviceId, always)).toEqual([sample, nothing])
        expect(yield* store.samples(deviceId, { fromMs: baseMs + 1, toMs: baseMs + 1001 })).toEqual([nothing])
      }),
    )

    it.effect("takes nothing of a device that is not there, or no longer", () =>
      Effect.gen(function* () {
        const store = yield* Store
        const registry = yield* Registry
        const deviceId = yield* newDevice
        const batch = (second: number) => batchOf([sampleAt(baseMs + second * 1000)])
        yield* store.ingest(deviceId, batch(0))
        yield* registry.removeDevice(deviceId)
        for (const unknown of [deviceId, "nobody"]) {
          expect(yield* Effect.flip(store.ingest(unknown, batch(1)))).toEqual(new DeviceUnknown({ deviceId: unknown }))
        }
        expect(yield* store.samples("nobody", always)).toEqual([])
      }),
    )

    it.effect("keeps power as whole watts, and takes the same fraction again as the same", () =>
      Effect.gen(function* () {
        const store = yield* Store
        const deviceId = yield* newDevice
        const before = yield* revisionOf(deviceId)
        const batch = batchOf([sampleAt(baseMs, { powerW: -0.4 }), sampleAt(baseMs + 1000, { powerW: 99.6 })])
        yield* store.ingest(deviceId, batch)
        expect((yield* store.samples(deviceId, always)).map(({ powerW }) => powerW)).toEqual([0, 100])
        expect(yield* store.ingest(deviceId, batch)).toEqual({
          inserted: 0,
          duplicates: 2,
          conflicts: 0,
          expired: [],
          revision: before + 1,
        })
      }),
    )

    it.effect("counts what is there already, and of that what says otherwise", () =>
      Effect.gen(function* () {
        const store = yield* Store
        const deviceId = yield* newDevice
        const before = yield* revisionOf(deviceId)
        const first = sampleAt(baseMs, { energyImportKwh: 1, meterStamp: "a" })
        const twice = yield* store.ingest(deviceId, batchOf([first, first, { ...first, powerW: 501 }]))
        expect(twice).toEqual({ inserted: 1, duplicates: 2, conflicts: 1, expired: [], revision: before + 1 })
        const later = { ...first, receivedAt: fromEpochMillis(baseMs + 9) }
        const other = [{ ...first, energyExportKwh: 0 }, { ...first, meterStamp: "b" }, later, sampleAt(baseMs + 1)]
        const counts = yield* store.ingest(deviceId, batchOf(other))
        expect(counts).toEqual({ inserted: 1, duplicates: 3, conflicts: 2, expired: [], revision: before + 2 })
        expect((yield* store.samples(deviceId, always))[0]).toEqual(first)
        const same = yield* store.ingest(deviceId, batchOf([first]))
        expect(same).toEqual({ inserted: 0, duplicates: 1, conflicts: 0, expired: [], revision: before + 2 })
      }),
    )

    it.effect("keeps a sub-meter's reading once, with the first sample that brought it", () =>
      Effect.gen(function* () {
        const store = yield* Store
        const deviceId = yield* newDevice
        const before = yield* revisionOf(deviceId)
        const gas = { id: "g", kind: "gas_meter", ts: fromEpochMillis(baseMs - 5000), value: 12.345, unit: "m3" }
        const [first, second, third] = [1, 2, 3].map((n) => sampleAt(baseMs + n * 1000, { external: [gas] }))
        if (first === undefined || second === undefined || third === undefined) throw new Error("three samples")
        yield* store.ingest(deviceId, batchOf([third, second]))
        yield* store.ingest(deviceId, batchOf([first]))
        expect((yield* store.samples(deviceId, always)).map(({ external }) => external)).toEqual([[gas], null, null])
        const again = yield* store.ingest(deviceId, batchOf([second]))
        expect(again.revision).toBe(before + 2)
      }),
    )

    it.effect("keeps what the meter says of itself as changes, whatever order they come in", () =>
      Effect.gen(function* () {
        const store = yield* Store
        const deviceId = yield* newDevice
        const before = yield* revisionOf(deviceId)
        const say = (tsMs: number, firmwareVersion: string | null) =>
          store.ingest(deviceId, batchOf([sampleAt(baseMs)], { meter: meterAt(tsMs, { firmwareVersion }) }))
        yield* say(baseMs, "1")
        yield* say(baseMs + 9000, "1")
        expect((yield* store.meterChanges(deviceId)).length).toBe(1)
        yield* say(baseMs + 5000, null)
        expect(yield* store.meterChanges(deviceId)).toEqual([
          meterAt(baseMs, { firmwareVersion: "1" }),
          meterAt(baseMs + 5000, { firmwareVersion: null }),
          meterAt(baseMs + 9000, { firmwareVersion: "1" }),
        ])
        expect((yield* say(baseMs + 5000, null)).revision).toBe(before + 3)
      }),
    )

    it.effect("keeps the newest report of each month's peak", () =>
      Effect.gen(function* () {
        const store = yield* Store
        const deviceId = yield* newDevice
        const before = yield* revisionOf(deviceId)
        const peakTs = fromEpochMillis(Date.UTC(2026, 1, 10, 17, 15))
        const endOfMonth = fromEpochMillis(Date.UTC(2026, 1, 28, 23))
        const report = (second: number, monthlyPowerPeakW: number, monthlyPowerPeakTs = peakTs) =>
          sampleAt(baseMs + second * 1000, { monthlyPowerPeakW, monthlyPowerPeakTs })
        const peaks = { month: "2025-12", peakW: 4_100, peakTs: null }
        yield* store.ingest(deviceId, batchOf([report(2, 3_000), report(5, 3_400)], { meteredPeaks: [peaks] }))
        const late = yield* store.ingest(deviceId, batchOf([report(3, 9_999), report(4, 0)], { meteredPeaks: [peaks] }))
        expect(late.revision).toBe(before + 2)
        expect(yield* store.reportedPeak(deviceId, "2026-02")).toEqual(
          Option.some({ month: "2026-02", peakW: 3_400, peakTs, reportedAtMs: baseMs + 5000 }),
        )
        expect(Option.getOrThrow(yield* store.reportedPeak(deviceId, "2025-12"))).toEqual({
          ...peaks,
          reportedAtMs: batchOf([]).receivedAt.epochMillis,
        })
        yield* store.ingest(deviceId, batchOf([report(6, 3_600, endOfMonth)]))
        expect(Option.getOrThrow(yield* store.reportedPeak(deviceId, "2026-02")).peakW).toBe(3_600)
        expect(yield* store.reportedPeak(deviceId, "2026-03")).toEqual(Option.none())
      }),
    )

    it.effect("gives the latest of a device, whatever came last", () =>
      Effect.gen(function* () {
        const store = yield* Store
        const deviceId = yield* newDevice
        const before = yield* revisionOf(deviceId)
        expect(yield* store.latest(deviceId, ever)).toEqual(Option.none())
        expect(yield* store.extent(deviceId)).toEqual(Option.none())
        const run = everySecond(baseMs, 200, 7_200)
        yield* store.ingest(deviceId, batchOf(run.slice(100)))
        yield* store.ingest(deviceId, batchOf(run.slice(0, 100)))
        const latest = Option.getOrThrow(yield* store.latest(deviceId, ever))
        expect(latest.revision).toBe(before + 2)
        expect(latest.sample).toEqual(run.at(-1))
        expect([latest.quarter]).toEqual(quartersByDomain(run))
        expect(latest.recentImportW).toBeCloseTo(7_200, 3)

        const earlier = Option.getOrThrow(yield* store.latest(deviceId, fromEpochMillis(baseMs + 50_000)))
        expect(earlier.sample).toEqual(run[50])
        expect(yield* store.latest(deviceId, fromEpochMillis(baseMs - 1))).toEqual(Option.none())
      }),
    )

    it.effect("tells with the latest what ran in the minute before", () =>
      Effect.gen(function* () {
        const store = yield* Store
        const deviceId = yield* newDevice
        const at = (second: number, powerW: number) => sampleAt(baseMs + second * 1000, { powerW })
        const samples = [at(-41, 9_000), at(-40, 100), at(0, 200), at(20, 300), at(80, 9_000)]
        yield* store.ingest(deviceId, batchOf(samples))
        const latest = Option.getOrThrow(yield* store.latest(deviceId, fromEpochMillis(baseMs + 79_000)))
        expect(latest.sample.powerW).toBe(300)
        expect(latest.recentImportW).toBe(200)
      }),
    )

    it.effect("tells so at the edge of the last day, too", () =>
      Effect.gen(function* () {
        const store = yield* Store
        const deviceId = yield* newDevice
        const yesterdayMs = (yield* Clock.currentTimeMillis) - dayMs
        const at = (second: number, powerW: number) => sampleAt(yesterdayMs + second * 1000, { powerW })
        yield* store.ingest(deviceId, batchOf([at(-25, 100), at(-20, 200), at(35, 300)]))
        const latest = Option.getOrThrow(yield* store.latest(deviceId, ever))
        expect(latest.recentImportW).toBe(200)
      }),
    )

    it.effect("gives the latest of each week as it comes, and of those before", () =>
      Effect.gen(function* () {
        const store = yield* Store
        const deviceId = yield* newDevice
        const nowMs = yield* Clock.currentTimeMillis
        for (const week of [-20, -1, 0, 1, 2]) {
          const sample = sampleAt(nowMs + week * 7 * dayMs, { powerW: 500 + week })
          yield* store.ingest(deviceId, batchOf([sample]))
          const latest = yield* store.latest(deviceId, sample.ts)
          expect(Option.map(latest, ({ sample }) => sample)).toEqual(Option.some(sample))
        }
        const before = yield* store.latest(deviceId, fromEpochMillis(nowMs - 8 * dayMs))
        expect(Option.getOrThrow(before).sample.powerW).toBe(480)
      }),
    )

    it.effect("can be used, and says what it is", () =>
      Effect.gen(function* () {
        const store = yield* Store
        yield* store.check
        expect(store.description).toMatch(name === "memory" ? /^in memory$/ : /^PostgreSQL \d+\.\d+, /)
      }),
    )
  })
})
