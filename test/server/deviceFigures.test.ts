import { expect, it } from "@effect/vitest"
import { Effect, Layer, TestClock } from "effect"
import { fromEpochMillis } from "../../src/domain/index.ts"
import { Registry, Store } from "../../src/domain/ports/index.ts"
import * as DeviceFigures from "../../src/server/DeviceFigures.ts"
import { batchOf, sampleAt } from "../support/Samples.ts"
import { memoryPorts } from "./support/server.ts"

it.effect("tells when a device was last heard of, and by how much our peak is off the meter's", () => {
  const fromMs = Date.UTC(2026, 2, 10, 10)
  const quarter = Array.from({ length: 91 }, (_, i) =>
    sampleAt(fromMs + i * 10_000, { powerW: 3_600, energyImportKwh: 100 + i * 0.01 }),
  )
  const reported = sampleAt(fromMs + 960_000, {
    powerW: 0,
    energyImportKwh: 100.9,
    monthlyPowerPeakW: 3_500,
    monthlyPowerPeakTs: fromEpochMillis(fromMs + 900_000),
  })
  return Effect.gen(function* () {
    const registry = yield* Registry
    const store = yield* Store
    yield* registry.addDevice({ deviceId: "home", name: "Home", zone: "Europe/Brussels" })
    yield* store.ingest("home", batchOf([...quarter, reported]))
    yield* TestClock.setTime(fromMs + 1_000_000)
    const { families } = yield* DeviceFigures.DeviceFigures
    expect((yield* families).map(({ name, points }) => [name, points])).toEqual([
      ["p1_device_last_seen_age_seconds", [{ labels: { device: "home" }, value: 40 }]],
      ["p1_peak_difference_watts", [{ labels: { device: "home", month: "2026-03" }, value: 100 }]],
    ])
  }).pipe(Effect.provide(Layer.provideMerge(DeviceFigures.layer, memoryPorts)))
})
