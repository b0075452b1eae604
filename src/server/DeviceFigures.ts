import { Clock, Context, Effect, Layer, Option } from "effect"
import {
  computedPeak,
  type Device,
  type DeviceId,
  fromEpochMillis,
  type Month,
  monthOf,
  peakCandidates,
  rangeOfMonth,
} from "../domain/index.ts"
import { Registry, Store } from "../domain/ports/index.ts"
import type { Prometheus } from "../infra/prometheus/index.ts"
import { condensedQuartersOf } from "./Quarters.ts"
import { zoneOf } from "./Readers.ts"

/** How often the store is asked at most: what this process takes in itself it knows at once. */
const seenEvery = "30 seconds"
const peaksEvery = "5 minutes"
const patience = "2 seconds"

interface Difference {
  readonly month: Month
  readonly watts: number
}

/** What is watched of every device: when it was last heard of, and whether our peak is the meter's. */
export class DeviceFigures extends Context.Tag("server/DeviceFigures")<
  DeviceFigures,
  {
    readonly seen: (deviceId: DeviceId, tsMs: number) => Effect.Effect<void>
    readonly families: Effect.Effect<ReadonlyArray<Prometheus.Family>>
  }
>() {}

/** The running month's peak as computed less what the meter says. */
const differenceOf = (device: Device) =>
  Effect.gen(function* () {
    const store = yield* Store
    const zone = yield* zoneOf(device)
    const month = monthOf(yield* Clock.currentTimeMillis, zone)
    const reported = yield* store.reportedPeak(device.deviceId, month)
    if (Option.isNone(reported)) return Option.none<Difference>()
    const range = rangeOfMonth(month, zone)
    const { quarters, stretches } = yield* condensedQuartersOf(device.deviceId, [range])
    const computed = computedPeak(peakCandidates(quarters, stretches).filter(({ method }) => method !== "import"))
    return Option.zipWith(computed, reported, (own, meter): Difference => ({ month, watts: own.peakW - meter.peakW }))
  })

const make = Effect.gen(function* () {
  const registry = yield* Registry
  const store = yield* Store
  const lastSeen = new Map<DeviceId, number>()
  const differences = new Map<DeviceId, Difference>()

  const seen = (deviceId: DeviceId, tsMs: number) =>
    Effect.sync(() => void lastSeen.set(deviceId, Math.max(tsMs, lastSeen.get(deviceId) ?? 0)))
  const forget = (devices: ReadonlyArray<Device>) =>
    Effect.sync(() => {
      const known = new Set(devices.map(({ deviceId }) => deviceId))
      for (const figures of [lastSeen, differences])
        for (const deviceId of figures.keys()) if (!known.has(deviceId)) figures.delete(deviceId)
    })

  const lookSeen = Effect.gen(function* () {
    const devices = yield* registry.devices
    yield* forget(devices)
    const now = fromEpochMillis(yield* Clock.currentTimeMillis)
    yield* Effect.forEach(devices, ({ deviceId }) =>
      Effect.flatMap(
        store.latest(deviceId, now),
        Effect.transposeMapOption(({ sample }) => seen(deviceId, sample.ts.epochMillis)),
      ),
    )
  })
  const lookPeaks = Effect.gen(function* () {
    yield* Effect.forEach(yield* registry.devices, (device) =>
      Effect.map(differenceOf(device), (difference) =>
        Option.match(difference, {
          onNone: () => void differences.delete(device.deviceId),
          onSome: (found) => void differences.set(device.deviceId, found),
        }),
      ),
    )
  })
  /** Asked again when it is asked for and some time has passed. A store that is away is another's alarm. */
  const now = <E>(look: Effect.Effect<void, E>, every: typeof seenEvery | typeof peaksEvery) =>
    Effect.cachedWithTTL(Effect.ignore(Effect.timeout(look, patience)), every)
  const seenNow = yield* now(lookSeen, seenEvery)
  const peaksNow = yield* now(Effect.provideService(lookPeaks, Store, store), peaksEvery)

  return DeviceFigures.of({
    seen,
    families: Effect.zipRight(Effect.zipRight(seenNow, peaksNow), Clock.currentTimeMillis).pipe(
      Effect.map((nowMs): ReadonlyArray<Prometheus.Family> => [
        {
          name: "p1_device_last_seen_age_seconds",
          type: "gauge",
          help: "Age of the device's newest sample",
          points: Array.from(lastSeen, ([device, tsMs]) => ({ labels: { device }, value: (nowMs - tsMs) / 1000 })),
        },
        {
          name: "p1_peak_difference_watts",
          type: "gauge",
          help: "The running month's computed peak less the meter's",
          points: Array.from(differences, ([device, { month, watts }]) => ({
            labels: { device, month },
            value: watts,
          })),
        },
      ]),
    ),
  })
})

export const layer: Layer.Layer<DeviceFigures, never, Registry | Store> = Layer.effect(DeviceFigures, make)
