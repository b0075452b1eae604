import { Clock, type DateTime, Effect, Option, Schema } from "effect"
import {
  type Device,
  type DeviceId,
  fromEpochMillis,
  importedPeak,
  monthlyPeak,
  monthOf,
  peakCandidates,
  rangesWithin,
  rangeOfMonth,
  RealtimeState,
  replacementsMs,
  runningQuarter,
  unseenRanges,
} from "../domain/index.ts"
import { type Latest, type RealtimeDocument, Store } from "../domain/ports/index.ts"
import { condensedQuartersOf, manualPeakIn } from "./Quarters.ts"
import { zoneOf } from "./Readers.ts"

/** A sample further ahead of the server's clock is stored, but is not yet the latest. */
const aheadMs = 60_000

const encode = Schema.encode(Schema.parseJson(RealtimeState))

const stateOf = (device: Device, latest: Latest, peak: RealtimeState["month"]): RealtimeState => {
  const { firstAveragePower15mW, quarter, recentImportW, sample } = latest
  const running = runningQuarter(quarter, {
    nowMs: sample.ts.epochMillis,
    recentW: recentImportW,
    monthlyPeakW: peak.peakW ?? 0,
    firstMeterW: firstAveragePower15mW,
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

/** Of a month that the meter reports, only the quarter-hours that it did not see can matter. */
const peakOf = (deviceId: DeviceId, tsMs: number, zone: DateTime.TimeZone) =>
  Effect.gen(function* () {
    const store = yield* Store
    const month = monthOf(tsMs, zone)
    const whole = rangeOfMonth(month, zone)
    const [reported, typed, meters] = yield* Effect.all(
      [store.reportedPeak(deviceId, month), store.manualPeaks(deviceId), store.meterChanges(deviceId)],
      { concurrency: 3 },
    )
    const replacedMs = replacementsMs(meters)
    const unseen = Option.match(reported, {
      onNone: () => [whole],
      onSome: (report) => rangesWithin(whole, unseenRanges(report, replacedMs)),
    })
    const known = yield* Effect.forEach(unseen, (range) => condensedQuartersOf(deviceId, [range]))
    const quarters = known.flatMap(({ quarters, stretches }) => peakCandidates(quarters, stretches))
    const imported = importedPeak(
      known.flatMap(({ imported }) => imported),
      whole,
    )
    const evidence = { quarters, reported, manual: manualPeakIn(typed, month), imported, replacedMs }
    const { peak, source } = monthlyPeak(evidence)
    const { peakTsMs, peakW } = Option.getOrElse(peak, () => ({ peakW: null, peakTsMs: null }))
    return { month, peakW, peakTs: peakTsMs === null ? null : fromEpochMillis(peakTsMs), source }
  })

/** The device's latest as the store has it. */
export const buildDocument = (device: Device) =>
  Effect.gen(function* () {
    const store = yield* Store
    const nowMs = yield* Clock.currentTimeMillis
    const found = yield* store.latest(device.deviceId, fromEpochMillis(nowMs + aheadMs))
    if (Option.isNone(found)) return Option.none<RealtimeDocument>()
    const { revision, sample } = found.value
    const tsMs = sample.ts.epochMillis
    const peak = yield* peakOf(device.deviceId, tsMs, yield* zoneOf(device))
    const json = yield* Effect.orDie(encode(stateOf(device, found.value, peak)))
    return Option.some<RealtimeDocument>({ revision, tsMs, json })
  })
