import { Effect, Option } from "effect"
import {
  type Device,
  type DeviceId,
  fromEpochMillis,
  highestQuarter,
  importedPeak,
  monthlyPeak,
  monthOf,
  type Peak,
  type PeakCandidate,
  peakCandidates,
  type Range,
  rangesWithin,
  rangeOfMonth,
  replacementsMs,
  unseenRanges,
} from "../domain/index.ts"
import { type Latest, Store } from "../domain/ports/index.ts"
import { condensedQuartersOf, manualPeakIn } from "./Quarters.ts"
import { zoneOf } from "./Readers.ts"

/** What was last read for each device, while its key is the same and as far as it lasts. */
const lastRead = <A>(lasts: (value: A) => boolean) => {
  const kept = new Map<DeviceId, { readonly key: string; readonly value: A }>()
  return <E, R>(deviceId: DeviceId, key: string, read: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.suspend(() => {
      const last = kept.get(deviceId)
      if (last?.key === key) return Effect.succeed(last.value)
      return Effect.tap(read, (value) => {
        if (lasts(value)) kept.set(deviceId, { key, value })
      })
    })
}

interface Candidates {
  /** The highest beside the newest quarter-hour where that changes by itself; else all of them, the newest too. */
  readonly quarters: ReadonlyArray<PeakCandidate>
  readonly imported: Option.Option<Peak>
  /** Whether the newest is the last, and nothing was imported that could take its place or share a gap with it. */
  readonly besideNewest: boolean
}

const typedAndTold = (deviceId: DeviceId) =>
  Effect.gen(function* () {
    const store = yield* Store
    const [typed, meters] = yield* Effect.all([store.manualPeaks(deviceId), store.meterChanges(deviceId)], {
      concurrency: 2,
    })
    return { typed, replacedMs: replacementsMs(meters) }
  })

const candidatesIn = (deviceId: DeviceId, ranges: ReadonlyArray<Range>, whole: Range, newestMs: number) =>
  Effect.gen(function* () {
    const known = yield* Effect.forEach(ranges, (range) => condensedQuartersOf(deviceId, [range]))
    const candidates = known.flatMap(({ quarters, stretches }) => peakCandidates(quarters, stretches))
    const imported = known.flatMap((each) => each.imported)
    const besideNewest = imported.length === 0 && candidates.every(({ startMs }) => startMs <= newestMs)
    const others = highestQuarter(candidates.filter(({ startMs }) => startMs !== newestMs))
    return {
      quarters: besideNewest ? Option.toArray(others) : candidates,
      imported: importedPeak(imported, whole),
      besideNewest,
    } satisfies Candidates
  })

/**
 * The peak of the month of a device's latest sample. What cannot have changed since it was last asked for is not read
 * again: while samples come, only the newest quarter-hour grows. Of a month that the meter reports, only the
 * quarter-hours that it did not see can matter.
 */
export const makePeakOf = () => {
  const people = lastRead<Effect.Effect.Success<ReturnType<typeof typedAndTold>>>(() => true)
  const candidates = lastRead<Candidates>(({ besideNewest }) => besideNewest)
  return (device: Device, { pastRevision, quarter, reported: reports, sample }: Latest) =>
    Effect.gen(function* () {
      const { deviceId } = device
      const zone = yield* zoneOf(device)
      const month = monthOf(sample.ts.epochMillis, zone)
      const whole = rangeOfMonth(month, zone)
      const reported = Option.fromNullable(reports.find((report) => report.month === month))
      const { replacedMs, typed } = yield* people(deviceId, String(pastRevision), typedAndTold(deviceId))
      const unseen = Option.match(reported, {
        onNone: () => [whole],
        onSome: (report) => rangesWithin(whole, unseenRanges(report, replacedMs)),
      })
      const { besideNewest, imported, quarters } = yield* candidates(
        deviceId,
        JSON.stringify([pastRevision, quarter.startMs, unseen]),
        candidatesIn(deviceId, unseen, whole, quarter.startMs),
      )
      const { peak, source } = monthlyPeak({
        quarters: besideNewest ? [...quarters, quarter] : quarters,
        reported,
        manual: manualPeakIn(typed, month),
        imported,
        replacedMs,
      })
      const { peakTsMs, peakW } = Option.getOrElse(peak, () => ({ peakW: null, peakTsMs: null }))
      return { month, peakW, peakTs: peakTsMs === null ? null : fromEpochMillis(peakTsMs), source }
    })
}
