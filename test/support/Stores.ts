import { Effect, Layer } from "effect"
import { type DeviceId, gatherFacts, quarterHourOf, quarterStartMs, type Sample } from "../../src/domain/index.ts"
import { Registry } from "../../src/domain/ports/index.ts"
import { MemoryRegistry, MemoryStore } from "../../src/infra/memory/index.ts"
import { layerFreshStore } from "./Database.ts"
import { baseMs, sampleAt } from "./Samples.ts"

/** Every store there is, to be held to the same promises. */
export const stores = {
  memory: MemoryStore.layer.pipe(Layer.provideMerge(MemoryRegistry.layer)),
  PostgreSQL: layerFreshStore,
}

export const storeNames: ReadonlyArray<keyof typeof stores> = ["memory", "PostgreSQL"]

export const always = { fromMs: 0, toMs: Date.UTC(2030, 0) }

/** A device of the test's own. */
export const newDevice = Effect.gen(function* () {
  const deviceId: DeviceId = `d-${crypto.randomUUID()}`
  yield* Effect.flatMap(Registry, (registry) => registry.addDevice({ deviceId, name: "Home", zone: "Europe/Brussels" }))
  return deviceId
})

/** The quarter-hours of samples in order of time, without any store. */
export const quartersByDomain = (samples: ReadonlyArray<Sample>) => {
  const points = samples.map((sample) => ({
    tsMs: sample.ts.epochMillis,
    powerW: sample.powerW,
    importKwh: sample.energyImportKwh,
    exportKwh: sample.energyExportKwh,
  }))
  const starts = [...new Set(points.map(({ tsMs }) => quarterStartMs(tsMs)))]
  return starts.flatMap((startMs) => {
    const facts = gatherFacts(points, startMs)
    return facts === null ? [] : [quarterHourOf(facts)]
  })
}

export const everySecond = (fromMs: number, count: number, powerW = 3_600): ReadonlyArray<Sample> =>
  Array.from({ length: count }, (_, i) =>
    sampleAt(fromMs + i * 1000, {
      powerW,
      energyImportKwh: 100 + ((fromMs - baseMs) / 1000 + i) * (powerW / 3_600_000),
    }),
  )
