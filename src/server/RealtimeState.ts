import { Clock, Effect, Option, Schema } from "effect"
import {
  type Device,
  fromEpochMillis,
  type QuarterHour,
  RealtimeState,
  runningQuarter,
  startsByMeter,
} from "../domain/index.ts"
import { type Latest, type RealtimeDocument, Store } from "../domain/ports/index.ts"
import { makePeakOf } from "./RealtimePeak.ts"

/** A sample further ahead of the server's clock is stored, but is not yet the latest. */
const aheadMs = 60_000

const encode = Schema.encode(Schema.parseJson(RealtimeState))

/** What the meter said at a quarter-hour's first sample, where that matters. No sample is ever another than it was. */
const firstMeterOf = (store: typeof Store.Service, { deviceId }: Device, quarter: QuarterHour) =>
  startsByMeter(quarter)
    ? Effect.map(
        store.samples(deviceId, { fromMs: quarter.first.tsMs, toMs: quarter.first.tsMs + 1 }),
        ([first]) => first?.averagePower15mW ?? null,
      )
    : Effect.succeed(null)

const stateOf = (
  device: Device,
  latest: Latest,
  firstMeterW: number | null,
  peak: RealtimeState["month"],
): RealtimeState => {
  const { quarter, recentImportW, sample } = latest
  const running = runningQuarter(quarter, {
    nowMs: sample.ts.epochMillis,
    recentW: recentImportW,
    monthlyPeakW: peak.peakW ?? 0,
    firstMeterW,
    meterW: sample.averagePower15mW,
  })
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
      startSource: running.startSource,
      averageW: running.averageW,
      certainW: running.certainW,
      projectedW: running.projectedW,
      allowanceW: running.allowanceW,
      meterW: running.meterW,
      differenceW: running.differenceW,
      coverage: running.coverage,
    },
    month: peak,
  }
}

/** Builds documents of devices' latest as the store has it. */
export const makeDocumentBuilder = () => {
  const peakOf = makePeakOf()
  return (device: Device) =>
    Effect.gen(function* () {
      const store = yield* Store
      const nowMs = yield* Clock.currentTimeMillis
      const found = yield* store.latest(device.deviceId, fromEpochMillis(nowMs + aheadMs))
      if (Option.isNone(found)) return Option.none<RealtimeDocument>()
      const { quarter, revision, sample } = found.value
      const firstMeterW = yield* firstMeterOf(store, device, quarter)
      const peak = yield* peakOf(device, found.value)
      const json = yield* Effect.orDie(encode(stateOf(device, found.value, firstMeterW, peak)))
      return Option.some<RealtimeDocument>({ revision, tsMs: sample.ts.epochMillis, json })
    })
}
