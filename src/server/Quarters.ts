import { type DateTime, Effect, Option } from "effect"
import {
  type DecidedMonth,
  decideMonth,
  type DeviceId,
  expandQuarterHours,
  type ImportedQuarter,
  type ManualPeak,
  type Month,
  type Peak,
  quarterHourMs,
  type QuarterHourView,
  type Range,
  rangeOfMonth,
  withImported,
} from "../domain/index.ts"
import { Store, type StoreUnavailable } from "../domain/ports/index.ts"

export interface KnownQuarters {
  readonly quarters: ReadonlyArray<QuarterHourView>
  readonly imported: ReadonlyArray<ImportedQuarter>
}

const within =
  ({ fromMs, toMs }: Range) =>
  ({ startMs }: { readonly startMs: number }): boolean =>
    startMs >= fromMs && startMs < toMs

const cut = ({ imported, quarters }: KnownQuarters, range: Range): KnownQuarters => ({
  quarters: quarters.filter(within(range)),
  imported: imported.filter(within(range)),
})

/**
 * The quarter-hours of a range, ours with what was imported. Gaps at the range's edges are settled as a whole, so that
 * a quarter-hour is the same in whatever range it is asked for.
 */
export const quartersOf = (deviceId: DeviceId, range: Range): Effect.Effect<KnownQuarters, StoreUnavailable, Store> =>
  Effect.gen(function* () {
    const store = yield* Store
    const stored = yield* store.quarterHours(deviceId, range)
    const fromMs = Math.min(range.fromMs, stored[0]?.startMs ?? Infinity)
    const toMs = Math.max(range.toMs, (stored.at(-1)?.startMs ?? -Infinity) + quarterHourMs)
    const imported = yield* store.importedQuarters(deviceId, { fromMs, toMs })
    return cut({ quarters: withImported(expandQuarterHours(stored, fromMs, toMs), imported), imported }, range)
  })

/** What was typed of a month's peak; nobody types when it was. */
export const manualPeakIn = (peaks: ReadonlyArray<ManualPeak>, month: Month): Option.Option<Peak> =>
  Option.map(Option.fromNullable(peaks.find((peak) => peak.month === month)), ({ peakW }) => ({
    peakW,
    peakTsMs: null,
  }))

/** Months that follow each other, decided from all that is stored of them, and their quarter-hours. */
export const monthsOf = (
  deviceId: DeviceId,
  months: ReadonlyArray<Month>,
  zone: DateTime.TimeZone,
  nowMs: number,
): Effect.Effect<
  KnownQuarters & { readonly months: ReadonlyArray<DecidedMonth & { readonly month: Month }> },
  StoreUnavailable,
  Store
> =>
  Effect.gen(function* () {
    const store = yield* Store
    const ranges = months.map((month) => ({ month, range: rangeOfMonth(month, zone) }))
    const whole = { fromMs: ranges[0]?.range.fromMs ?? 0, toMs: ranges.at(-1)?.range.toMs ?? 0 }
    const [known, reported, manual] = yield* Effect.all(
      [quartersOf(deviceId, whole), store.reportedPeaks(deviceId), store.manualPeaks(deviceId)],
      { concurrency: 3 },
    )
    const decided = ranges.map(({ month, range }) => {
      const records = {
        ...cut(known, range),
        reported: Option.fromNullable(reported.find((peak) => peak.month === month)),
        manual: manualPeakIn(manual, month),
      }
      return { month, ...decideMonth(records, range, nowMs) }
    })
    return { ...known, months: decided }
  })
