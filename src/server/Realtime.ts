import { HttpApiBuilder } from "@effect/platform"
import { Clock, Context, type DateTime, Effect, Layer, Option } from "effect"
import { P1Api } from "../domain/api/index.ts"
import {
  type Device,
  type DeviceId,
  fromEpochMillis,
  monthlyPeak,
  monthOf,
  quarterStartMs,
  rangeOfMonth,
  type Realtime,
  type RealtimeState,
  expandQuarterHours,
  runningQuarter,
} from "../domain/index.ts"
import { type Latest, RealtimeCache, Store, type StoreUnavailable } from "../domain/ports/index.ts"
import { Lookups } from "./Lookups.ts"
import { noSamplesYet, orNotFound, requestedDevice, zoneOf } from "./Readers.ts"
import { orUnavailable } from "./Problems.ts"

const staleAfterS = 60
/** A sample further ahead of the server's clock is stored, but is not yet the latest. */
const aheadMs = 60_000
/** How long a reply to an ingest waits for the realtime state. */
const refreshFor = "1 second"

/** The latest of each device: from the cache, or built from the store. */
export class RealtimeStates extends Context.Tag("server/RealtimeStates")<
  RealtimeStates,
  {
    readonly current: (device: Device) => Effect.Effect<Option.Option<RealtimeState>, StoreUnavailable>
    /** Builds the state anew and caches it; never fails and never takes long. */
    readonly refresh: (deviceId: DeviceId) => Effect.Effect<void>
  }
>() {}

const stateOf = (device: Device, latest: Latest, peak: RealtimeState["month"]): RealtimeState => {
  const { quarter, recentImportW, sample } = latest
  const running = runningQuarter(quarter, sample.ts.epochMillis, recentImportW, peak.peakW ?? 0)
  return {
    deviceId: device.deviceId,
    ts: sample.ts,
    powerW: sample.powerW,
    importPowerW: Math.max(sample.powerW, 0),
    energyImportKwh: sample.energyImportKwh,
    energyExportKwh: sample.energyExportKwh,
    tariff: sample.tariff,
    powerL1W: sample.powerL1W,
    powerL2W: sample.powerL2W,
    powerL3W: sample.powerL3W,
    voltageL1V: sample.voltageL1V,
    voltageL2V: sample.voltageL2V,
    voltageL3V: sample.voltageL3V,
    currentL1A: sample.currentL1A,
    currentL2A: sample.currentL2A,
    currentL3A: sample.currentL3A,
    quarter: {
      start: fromEpochMillis(running.startMs),
      end: fromEpochMillis(running.endMs),
      elapsedS: running.elapsedMs / 1000,
      energyImportKwh: running.energyImportWh / 1000,
      averageW: running.averageW,
      certainW: running.certainW,
      projectedW: running.projectedW,
      allowanceW: running.allowanceW,
      coverage: running.coverage,
    },
    month: peak,
  }
}

const make = Effect.gen(function* () {
  const store = yield* Store
  const cache = yield* RealtimeCache
  const lookups = yield* Lookups

  /** Of a month that the meter reports, only the quarter-hours since its last report can matter. */
  const peakOf = (deviceId: DeviceId, tsMs: number, zone: DateTime.TimeZone) =>
    Effect.gen(function* () {
      const month = monthOf(tsMs, zone)
      const whole = rangeOfMonth(month, zone)
      const reported = yield* store.reportedPeak(deviceId, month)
      const sinceMs = Option.match(reported, {
        onNone: () => whole.fromMs,
        onSome: ({ reportedAtMs }) => Math.max(whole.fromMs, quarterStartMs(reportedAtMs)),
      })
      const range = { fromMs: Math.min(sinceMs, whole.toMs), toMs: whole.toMs }
      const stored = yield* store.quarterHours(deviceId, range)
      const { peak, source } = monthlyPeak(expandQuarterHours(stored, range.fromMs, range.toMs), reported)
      const { peakTsMs, peakW } = Option.getOrElse(peak, () => ({ peakW: null, peakTsMs: null }))
      return { month, peakW, peakTs: peakTsMs === null ? null : fromEpochMillis(peakTsMs), source }
    })

  const build = (device: Device) =>
    Effect.gen(function* () {
      const nowMs = yield* Clock.currentTimeMillis
      const found = yield* store.latest(device.deviceId, fromEpochMillis(nowMs + aheadMs))
      if (Option.isNone(found)) return Option.none<RealtimeState>()
      const latest = found.value
      const zone = yield* zoneOf(device)
      const peak = yield* peakOf(device.deviceId, latest.sample.ts.epochMillis, zone)
      const state = stateOf(device, latest, peak)
      yield* cache.put(device.deviceId, latest.revision, state)
      return Option.some(state)
    })

  return RealtimeStates.of({
    current: (device) =>
      Effect.flatMap(
        cache.get(device.deviceId),
        Option.match({ onNone: () => build(device), onSome: Effect.succeedSome }),
      ),
    refresh: (deviceId) =>
      lookups.device(deviceId).pipe(
        Effect.flatMap(Effect.transposeMapOption(build)),
        Effect.disconnect,
        Effect.interruptible,
        Effect.timeout(refreshFor),
        Effect.catchAll((error) =>
          Effect.logWarning("The realtime state was not renewed").pipe(Effect.annotateLogs({ reason: error.message })),
        ),
      ),
  })
})

export const layerStates: Layer.Layer<RealtimeStates, never, Store | RealtimeCache | Lookups> = Layer.effect(
  RealtimeStates,
  make,
)

const realtime = (requested: DeviceId | undefined) =>
  Effect.gen(function* () {
    const device = yield* requestedDevice(requested)
    const { current } = yield* RealtimeStates
    const state = yield* current(device).pipe(orUnavailable, orNotFound(noSamplesYet))
    const nowMs = yield* Clock.currentTimeMillis
    const ageS = Math.max(0, nowMs - state.ts.epochMillis) / 1000
    const reply: Realtime = { ...state, ageS, stale: ageS > staleAfterS }
    return reply
  })

/** `GET /v1/realtime`. */
export const layer = HttpApiBuilder.group(P1Api, "realtime", (handlers) =>
  handlers.handle("latest", ({ urlParams }) => realtime(urlParams.device_id)),
)
