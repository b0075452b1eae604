import { describe, expect, layer } from "@effect/vitest"
import { Array as Arr, DateTime, Effect, type Layer } from "effect"
import { type DeviceId, rangeOfMonth, type Sample } from "../../src/domain/index.ts"
import { type Registry, Store } from "../../src/domain/ports/index.ts"
import { batchOf, sampleAt } from "../support/Samples.ts"
import { play } from "../support/SimulatedYear.ts"
import { always, newDevice, quartersByDomain, storeNames, stores } from "../support/Stores.ts"

const brussels = DateTime.zoneUnsafeMakeNamed("Europe/Brussels")
const { fromMs } = rangeOfMonth("2026-10", brussels)
const day = 86_400_000

/** A household every two minutes: four weeks with the night on which the clock goes back. */
const samples: ReadonlyArray<Sample> = [
  ...play({ range: { fromMs, toMs: fromMs + 28 * day }, everyS: 120, phaseS: 7, seed: 3, outages: [] }),
].flatMap(({ sample }) =>
  sample === undefined
    ? []
    : [
        sampleAt(sample.tsMs, {
          powerW: sample.powerW,
          energyImportKwh: sample.importKwh,
          energyExportKwh: sample.exportKwh,
        }),
      ],
)
/** An outage of three weeks at the server: what came before it, then live, then the backlog behind it. */
const before = samples.filter(({ ts }) => ts.epochMillis < fromMs + 3 * day)
const backlog = samples.filter(({ ts }) => ts.epochMillis >= fromMs + 3 * day && ts.epochMillis < fromMs + 24 * day)
const live = samples.filter(({ ts }) => ts.epochMillis >= fromMs + 24 * day)

describe.each(storeNames)("a backlog of three weeks: %s", (name) => {
  const storeLayer: Layer.Layer<Store | Registry, unknown> = stores[name]
  layer(storeLayer, { excludeTestServices: true, timeout: "60 seconds" })((it) => {
    it.effect(
      "reaches every quarter-hour, as if it had come in order",
      () =>
        Effect.gen(function* () {
          const store = yield* Store
          const send = (deviceId: DeviceId, list: ReadonlyArray<Sample>) =>
            Effect.forEach(Arr.chunksOf(list, 1_000), (chunk) => store.ingest(deviceId, batchOf(chunk)), {
              discard: true,
            })
          const late = yield* newDevice
          yield* send(late, before)
          for (const [i, chunk] of Arr.chunksOf(backlog, 3_000).entries()) {
            yield* send(late, live.slice(i * 500, (i + 1) * 500))
            yield* send(late, chunk)
          }
          yield* send(late, live)
          const stored = yield* store.quarterHours(late, always)
          expect(stored).toHaveLength(28 * 96)
          expect(stored).toEqual(quartersByDomain(samples))
        }),
      120_000,
    )
  })
})
