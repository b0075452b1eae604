import { describe, expect, layer } from "@effect/vitest"
import { Effect, FastCheck as fc, type Layer, Option } from "effect"
import { type DeviceId, expandQuarterHours, quarterHourMs } from "../../src/domain/index.ts"
import { type Registry, Store } from "../../src/domain/ports/index.ts"
import { arbitraryRun, baseMs, batchOf, meterAt, sampleAt } from "../support/Samples.ts"
import { always, everySecond, newDevice, quartersByDomain, storeNames, stores } from "../support/Stores.ts"
import { times } from "../support/Property.ts"

/** Everything that is derived of a device and must not depend on how its samples came. */
const stateOf = (deviceId: DeviceId) =>
  Effect.gen(function* () {
    const store = yield* Store
    return {
      samples: yield* store.samples(deviceId, always),
      quarters: yield* store.quarterHours(deviceId, always),
      february: yield* store.reportedPeak(deviceId, "2026-02"),
      march: yield* store.reportedPeak(deviceId, "2026-03"),
      extent: yield* store.extent(deviceId),
    }
  })

/** A run cut into batches in any order, some samples sent twice. */
const arbitraryDelivery = arbitraryRun.chain((run) =>
  fc.record({
    run: fc.constant(run),
    order: fc.shuffledSubarray(
      run.map((_, i) => i),
      { minLength: run.length },
    ),
    again: fc.array(fc.nat(run.length - 1), { maxLength: 10 }),
    size: fc.integer({ min: 1, max: 25 }),
  }),
)

describe.each(storeNames)("quarter-hours in the store: %s", (name) => {
  const storeLayer: Layer.Layer<Store | Registry, unknown> = stores[name]
  layer(storeLayer, { excludeTestServices: true, timeout: "60 seconds" })((it) => {
    it.effect.prop(
      "makes the same of samples in whatever batches and order, and decides as the domain does",
      [arbitraryDelivery],
      ([{ run, order, again, size }]) =>
        Effect.gen(function* () {
          const store = yield* Store
          const inOrder = yield* newDevice
          const shuffled = yield* newDevice
          yield* store.ingest(inOrder, batchOf(run))
          const sent = [...order, ...again].flatMap((i) => run[i] ?? [])
          for (let i = 0; i < sent.length; i += size) {
            yield* store.ingest(shuffled, batchOf(sent.slice(i, i + size)))
          }
          const expected = yield* stateOf(inOrder)
          expect(yield* stateOf(shuffled)).toEqual(expected)
          expect(expected.quarters).toEqual(quartersByDomain(run))
          expect(expected.samples.length).toBe(run.length)
        }),
      { fastCheck: { numRuns: times(30) } },
    )

    const quarter = (n: number, wh: number) =>
      sampleAt(baseMs + n * quarterHourMs + 450_000, { energyImportKwh: wh / 1000 })

    it.effect("decides the neighbours of late samples again", () =>
      Effect.gen(function* () {
        const store = yield* Store
        const deviceId = yield* newDevice
        yield* store.ingest(deviceId, batchOf([quarter(0, 1000), quarter(8, 1800)]))
        const before = yield* store.quarterHours(deviceId, always)
        expect(before.map(({ energyImportWh }) => energyImportWh)).toEqual([50, 50])
        yield* store.ingest(deviceId, batchOf([quarter(4, 1760)]))
        const after = yield* store.quarterHours(deviceId, always)
        expect(after.map(({ energyImportWh }) => energyImportWh)).toEqual([95, 100, 5])
      }),
    )

    it.effect("decides them again however far away they are", () =>
      Effect.gen(function* () {
        const store = yield* Store
        /** Two samples whose power is held from one quarter-hour into the next, register and power growing unevenly. */
        const around = (n: number) =>
          [-20_000, 10_000].map((ms) =>
            sampleAt(baseMs + n * quarterHourMs + ms, { powerW: 900 + ms / 100, energyImportKwh: 1 + n ** 1.1 / 10 }),
          )
        for (const apart of [7, 8, 9, 10, 96, 9_000]) {
          const deviceId = yield* newDevice
          const [first, late, last] = [around(0), around(apart), around(2 * apart)]
          yield* store.ingest(deviceId, batchOf([...first, ...last]))
          yield* store.ingest(deviceId, batchOf(late))
          expect(yield* store.quarterHours(deviceId, always)).toEqual(quartersByDomain([...first, ...late, ...last]))
        }
      }),
    )

    it.effect("tells a replaced meter the same in whatever order it is told of it", () =>
      Effect.gen(function* () {
        const store = yield* Store
        const every10s = (fromS: number, toS: number, kwh: number) =>
          Array.from({ length: (toS - fromS) / 10 }, (_, i) =>
            sampleAt(baseMs + (fromS + i * 10) * 1000, { energyImportKwh: kwh + i / 360 }),
          )
        const run = [...every10s(0, 1_800, 5_000), ...every10s(2_000, 6_000, 7_000)]
        const meters = [
          [0, "old"],
          [2_000, "new"],
          [2_500, "new"],
        ] as const
        const told = (deviceId: DeviceId, order: ReadonlyArray<number>) =>
          Effect.forEach(order, (n) => {
            const [second, uniqueId] = meters[n] ?? [0, "old"]
            return store.ingest(deviceId, batchOf([], { meter: meterAt(baseMs + second * 1000, { uniqueId }) }))
          })
        const size = 37
        const batches = Array.from({ length: Math.ceil(run.length / size) }, (_, i) =>
          run.slice(i * size, (i + 1) * size),
        )
        const send = (deviceId: DeviceId, parts: typeof batches) =>
          Effect.forEach(parts, (part) => store.ingest(deviceId, batchOf(part)))

        const atOnce = yield* newDevice
        yield* told(atOnce, [0, 1, 2])
        yield* store.ingest(atOnce, batchOf(run))
        const expected = yield* store.quarterHours(atOnce, always)
        expect(expected.map(({ energyImportWh }) => energyImportWh)).toEqual([250, 247, 194, 250, 250, 250, 164])

        const late = yield* newDevice
        yield* send(late, batches.toReversed())
        yield* told(late, [2, 0, 1])
        expect(yield* store.quarterHours(late, always)).toEqual(expected)

        // Without an id the readings themselves tell, when they have held.
        const untold = yield* newDevice
        yield* send(untold, batches)
        expect(yield* store.quarterHours(untold, always)).toEqual(quartersByDomain(run))
        expect(yield* store.quarterHours(untold, always)).toEqual(expected)
      }),
    )

    it.effect(
      "is told late of another meter, hours after the old one's last reading: that quarter-hour ends there",
      () =>
        Effect.gen(function* () {
          const store = yield* Store
          const deviceId = yield* newDevice
          const reading = (hour: number) => sampleAt(baseMs + (hour + 0.1) * 3_600_000, { energyImportKwh: 5 + hour })
          yield* store.ingest(deviceId, batchOf([0, 3, 6].map(reading)))
          const told = (hour: number, uniqueId: string) =>
            store.ingest(deviceId, batchOf([], { meter: meterAt(reading(hour).ts.epochMillis, { uniqueId }) }))
          yield* told(0, "old")
          yield* told(3, "new")
          const quarters = yield* store.quarterHours(deviceId, always)
          expect(quarters.map(({ energyImportWh, method }) => [energyImportWh, method])).toEqual([
            [0, "register"],
            [150, "spread"],
            [100, "spread"],
          ])
        }),
    )

    it.effect("stores batches of one device one after another", () =>
      Effect.gen(function* () {
        const store = yield* Store
        const deviceId = yield* newDevice
        const before = yield* store.revision(deviceId)
        const run = everySecond(baseMs + 880_000, 64)
        const parts = Array.from({ length: 8 }, (_, part) => run.filter((_, i) => i % 8 === part))
        const counts = yield* Effect.forEach(parts, (part) => store.ingest(deviceId, batchOf(part)), {
          concurrency: "unbounded",
        })
        expect(counts.map(({ revision }) => revision - before).sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
        expect(yield* store.quarterHours(deviceId, always)).toEqual(quartersByDomain(run))
      }),
    )

    it.effect("gives quarter-hours that add up to the register's difference", () =>
      Effect.gen(function* () {
        const store = yield* Store
        const deviceId = yield* newDevice
        const run = [0, 7, 61, 800, 905, 2_000, 2_010, 9_000, 9_001, 12_345].map((second, i) =>
          sampleAt(baseMs + second * 1000, { energyImportKwh: 5 + i * 0.037 }),
        )
        yield* store.ingest(deviceId, batchOf(run))
        const quarters = expandQuarterHours(yield* store.quarterHours(deviceId, always), always.fromMs, always.toMs)
        expect(quarters.length).toBe(14)
        expect(quarters.reduce((sum, { energyImportWh }) => sum + energyImportWh, 0)).toBe(9 * 37)
      }),
    )

    it.effect("gives the quarter-hours of a range with the nearest on either side", () =>
      Effect.gen(function* () {
        const store = yield* Store
        const deviceId = yield* newDevice
        const at = (n: number) => baseMs + n * quarterHourMs
        yield* store.ingest(deviceId, batchOf([0, 2, 5, 6, 9].map((n) => sampleAt(at(n)))))
        const starts = (fromMs: number, toMs: number) =>
          Effect.map(store.quarterHours(deviceId, { fromMs, toMs }), (quarters) =>
            quarters.map(({ startMs }) => (startMs - baseMs) / quarterHourMs),
          )
        expect(yield* starts(at(5), at(9))).toEqual([2, 5, 6, 9])
        expect(yield* starts(at(3), at(4))).toEqual([2, 5])
        expect(yield* starts(at(20), at(21))).toEqual([9])
        expect(yield* store.extent(deviceId)).toEqual(Option.some({ fromMs: at(0), toMs: at(10) }))
      }),
    )
  })
})
