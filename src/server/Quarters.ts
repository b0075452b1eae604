import { Array as Arr, type DateTime, Effect, Option } from "effect"
import {
  type Condensed,
  cutFurther,
  cutKnown,
  type DecidedMonth,
  decideMonth,
  type DeviceId,
  type KnownQuarters,
  knownQuarters,
  type ManualPeak,
  type Month,
  type Peak,
  type Range,
  rangeOfMonth,
  reachOf,
  yearBeforeMs,
  replacementsMs,
  unseenRanges,
} from "../domain/index.ts"
import { Store, type StoreUnavailable } from "../domain/ports/index.ts"

const wholeOf = (pieces: ReadonlyArray<Range>): Range => ({
  fromMs: pieces[0]?.fromMs ?? 0,
  toMs: pieces.at(-1)?.toMs ?? 0,
})

const boundsOf = (ranges: ReadonlyArray<Range>): ReadonlyArray<number> =>
  ranges.flatMap(({ fromMs, toMs }) => [fromMs, toMs]).filter(Number.isFinite)

/** The quarter-hours of a range, ours with what was imported. */
export const quartersOf = (deviceId: DeviceId, range: Range): Effect.Effect<KnownQuarters, StoreUnavailable, Store> =>
  Effect.gen(function* () {
    const { quarterHours } = yield* Store
    const stored = yield* quarterHours(deviceId, range)
    return yield* withImports(deviceId, { stored, stretches: [] }, range)
  })

/** The same for pieces that follow each other, none of them cut by what is only known as a sum. */
export const condensedQuartersOf = (
  deviceId: DeviceId,
  pieces: ReadonlyArray<Range>,
  cutsMs: ReadonlyArray<number> = [],
): Effect.Effect<KnownQuarters, StoreUnavailable, Store> =>
  Effect.gen(function* () {
    const { condensed } = yield* Store
    return yield* withImports(deviceId, yield* condensed(deviceId, cutFurther(pieces, cutsMs)), wholeOf(pieces))
  })

const withImports = (deviceId: DeviceId, condensed: Condensed, range: Range) =>
  Effect.gen(function* () {
    const { importedQuarters } = yield* Store
    return knownQuarters(condensed, yield* importedQuarters(deviceId, reachOf(condensed, range)), range)
  })

/** What was typed of a month's peak; nobody types when it was. */
export const manualPeakIn = (peaks: ReadonlyArray<ManualPeak>, month: Month): Option.Option<Peak> =>
  Option.map(Option.fromNullable(peaks.find((peak) => peak.month === month)), ({ peakW }) => ({
    peakW,
    peakTsMs: null,
  }))

/**
 * Months that follow each other, decided from all that is stored of them, and their quarter-hours: one by one where
 * `each` of them is wanted.
 */
export const monthsOf = (
  deviceId: DeviceId,
  months: ReadonlyArray<Month>,
  zone: DateTime.TimeZone,
  { each, nowMs }: { readonly each: boolean; readonly nowMs: number },
): Effect.Effect<
  KnownQuarters & { readonly months: ReadonlyArray<DecidedMonth & { readonly month: Month }> },
  StoreUnavailable,
  Store
> =>
  Effect.gen(function* () {
    const store = yield* Store
    const ranges = months.map((month) => rangeOfMonth(month, zone))
    const [reported, manual, meters] = yield* Effect.all(
      [store.reportedPeaks(deviceId), store.manualPeaks(deviceId), store.meterChanges(deviceId)],
      { concurrency: 3 },
    )
    const replacedMs = replacementsMs(meters)
    const cutsMs = [...reported.flatMap((report) => boundsOf(unseenRanges(report, replacedMs))), yearBeforeMs(nowMs)]
    const known = yield* each ? quartersOf(deviceId, wholeOf(ranges)) : condensedQuartersOf(deviceId, ranges, cutsMs)
    const decided = Arr.zipWith(months, ranges, (month, range) => {
      const records = {
        ...cutKnown(known, range),
        reported: Option.fromNullable(reported.find((peak) => peak.month === month)),
        manual: manualPeakIn(manual, month),
        replacedMs,
      }
      return { month, ...decideMonth(records, range, nowMs) }
    })
    return { ...known, months: decided }
  })
