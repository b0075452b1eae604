import { describe, expect, layer } from "@effect/vitest"
import { Effect, FastCheck as fc, type Layer } from "effect"
import { powerCurve, type Sample } from "../../src/domain/index.ts"
import { type Registry, Store } from "../../src/domain/ports/index.ts"
import { arbitraryRun, baseMs, batchOf, sampleAt } from "../support/Samples.ts"
import { always, newDevice, storeNames, stores } from "../support/Stores.ts"
import { times } from "../support/Property.ts"

const phases = fc.record({
  powerL1W: fc.option(fc.integer({ min: -3_000, max: 3_000 })),
  powerL2W: fc.option(fc.integer({ min: -3_000, max: 3_000 })),
  powerL3W: fc.constant(null),
  voltageL1V: fc.option(fc.integer({ min: 2_100, max: 2_500 }).map((tenths) => tenths / 10)),
  voltageL3V: fc.option(fc.integer({ min: 210, max: 250 })),
})

/** A run whose samples say something of each phase, or nothing. */
const arbitraryPhases: fc.Arbitrary<ReadonlyArray<Sample>> = arbitraryRun.chain((run) =>
  fc
    .array(phases, { minLength: run.length, maxLength: run.length })
    .map((values) => run.map((sample, i) => ({ ...sample, ...values[i] }))),
)

describe.each(storeNames)("power curves in the store: %s", (name) => {
  const storeLayer: Layer.Layer<Store | Registry, unknown> = stores[name]
  layer(storeLayer, { excludeTestServices: true, timeout: "60 seconds" })((it) => {
    it.effect.prop(
      "are the domain's, by minute and by hour",
      [arbitraryPhases],
      ([run]) =>
        Effect.gen(function* () {
          const store = yield* Store
          const deviceId = yield* newDevice
          yield* store.ingest(deviceId, batchOf(run))
          expect(yield* store.powerCurve(deviceId, always, "minute")).toEqual(powerCurve(run, "minute"))
          expect(yield* store.powerCurve(deviceId, always, "hour")).toEqual(powerCurve(run, "hour"))
        }),
      { fastCheck: { numRuns: times(20) } },
    )

    it.effect("hold the minutes that start in the range, whole", () =>
      Effect.gen(function* () {
        const store = yield* Store
        const deviceId = yield* newDevice
        const run = [0, 59, 60, 119, 120, 179, 3_600].map((second) => sampleAt(baseMs + second * 1000))
        yield* store.ingest(deviceId, batchOf(run))
        const counts = (fromS: number, toS: number, bucket: "minute" | "hour") =>
          Effect.map(
            store.powerCurve(deviceId, { fromMs: baseMs + fromS * 1000, toMs: baseMs + toS * 1000 }, bucket),
            (points) => points.map(({ sampleCount, startMs }) => [(startMs - baseMs) / 1000, sampleCount]),
          )
        expect(yield* counts(0, 60, "minute")).toEqual([[0, 2]])
        expect(yield* counts(1, 61, "minute")).toEqual([[60, 2]])
        expect(yield* counts(1, 3_600, "minute")).toEqual([
          [60, 2],
          [120, 2],
        ])
        expect(yield* counts(0, 3_601, "hour")).toEqual([
          [0, 6],
          [3_600, 1],
        ])
        expect(yield* counts(1, 3_600, "hour")).toEqual([])
      }),
    )
  })
})
