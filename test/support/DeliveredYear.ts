import { Effect } from "effect"
import { type DeviceId, fromEpochMillis, type Range, type Sample } from "../../src/domain/index.ts"
import { Store } from "../../src/domain/ports/index.ts"
import { batchOf, meterAt, sampleAt } from "./Samples.ts"
import { type Reading, type Run, playRun } from "./SimulatedYear.ts"

const batchSize = 5_000

const sampleOf = ({ exportKwh, importKwh, peakTsMs, peakW, powerW, tsMs }: Reading): Sample =>
  sampleAt(tsMs, {
    powerW,
    energyImportKwh: importKwh,
    energyExportKwh: exportKwh,
    monthlyPowerPeakW: peakW,
    monthlyPowerPeakTs: peakTsMs === null ? null : fromEpochMillis(peakTsMs),
  })

/**
 * Plays a run and stores it as an edge would deliver it: what was read while the server was away (`away`) comes when it
 * is back, the oldest first, behind what is read then.
 */
export const deliverRun = (deviceId: DeviceId, run: Run, away: Range) =>
  Effect.gen(function* () {
    const store = yield* Store
    const send = (samples: ReadonlyArray<Sample>) =>
      samples.length === 0 ? Effect.void : Effect.asVoid(store.ingest(deviceId, batchOf(samples)))
    const tell = (tsMs: number, uniqueId: string) =>
      store.ingest(deviceId, batchOf([], { meter: meterAt(tsMs, { uniqueId }) }))

    const { played, readings } = playRun(run)
    const backlog: Array<Sample> = []
    let live: Array<Sample> = []
    const flush = Effect.suspend(() => {
      const batch = live
      live = []
      return Effect.zipRight(send(batch), send(backlog.splice(0, batchSize)))
    })
    yield* tell(run.range.fromMs, "4E471")
    for (const reading of readings) {
      if (reading.tsMs >= away.fromMs && reading.tsMs < away.toMs) backlog.push(sampleOf(reading))
      else {
        live.push(sampleOf(reading))
        if (live.length >= (backlog.length > 0 ? batchSize / 5 : batchSize)) yield* flush
      }
    }
    while (live.length > 0 || backlog.length > 0) yield* flush
    if (run.replacedMs !== undefined) yield* tell(run.replacedMs, "4E472")
    return played()
  })
