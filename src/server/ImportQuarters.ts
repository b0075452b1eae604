import { Array as Arr, type DateTime, Effect } from "effect"
import {
  compareImported,
  type DeviceId,
  expandQuarterHours,
  type ImportComparison,
  type ImportedQuarter,
  type ImportPlan,
  isMetered,
  type Month,
  monthOf,
  planImport,
  quarterHourMs,
  quarterPowerW,
  type Range,
} from "../domain/index.ts"
import { Store, type StoreUnavailable } from "../domain/ports/index.ts"

/** A month of an import: what it says of the peak, and how it compares with ours. */
export interface ImportedMonth extends ImportComparison {
  readonly month: Month
  readonly quarters: number
  readonly peakW: number | null
  readonly peakStartMs: number | null
  /** How many stand where ours may not set a peak, or where we have none. */
  readonly used: number
}

export type ImportCounts = Omit<ImportPlan, "write">

export interface ImportResult extends ImportCounts {
  readonly months: ReadonlyArray<ImportedMonth>
}

const batchSize = 1_000
const nothing: ImportCounts = { inserted: 0, changed: 0, unchanged: 0, kept: 0 }
const add = (a: ImportCounts, b: ImportCounts): ImportCounts => ({
  inserted: a.inserted + b.inserted,
  changed: a.changed + b.changed,
  unchanged: a.unchanged + b.unchanged,
  kept: a.kept + b.kept,
})

const rangeOf = (quarters: ReadonlyArray<ImportedQuarter>): Range => ({
  fromMs: quarters[0]?.startMs ?? 0,
  toMs: (quarters.at(-1)?.startMs ?? 0) + quarterHourMs,
})

const summarize = (deviceId: DeviceId, quarters: ReadonlyArray<ImportedQuarter>, zone: DateTime.TimeZone) =>
  Effect.gen(function* () {
    const { quarterHours } = yield* Store
    const months = Arr.groupWith(
      quarters as Arr.NonEmptyReadonlyArray<ImportedQuarter>,
      (a, b) => monthOf(a.startMs, zone) === monthOf(b.startMs, zone),
    )
    return yield* Effect.forEach(months, (inMonth) =>
      Effect.map(quarterHours(deviceId, rangeOf(inMonth)), (stored): ImportedMonth => {
        const own = expandQuarterHours(stored, -Infinity, Infinity)
        const ours = new Set(own.filter(({ eligible }) => eligible).map(({ startMs }) => startMs))
        const metered = inMonth.filter(isMetered)
        const [first] = metered
        const best = first && metered.reduce((a, b) => (b.energyImportWh > a.energyImportWh ? b : a), first)
        return {
          month: monthOf(inMonth[0].startMs, zone),
          quarters: inMonth.length,
          peakW: best ? quarterPowerW(best.energyImportWh) : null,
          peakStartMs: best?.startMs ?? null,
          used: inMonth.filter(({ startMs }) => !ours.has(startMs)).length,
          ...compareImported(own, inMonth),
        }
      }),
    )
  })

/**
 * Imports quarter-hours, given in any order, and says what that changed and how they compare with ours. A dry run
 * says the same and stores nothing. `progress` is told how many are done.
 */
export const importQuarters = (
  deviceId: DeviceId,
  zone: DateTime.TimeZone,
  given: ReadonlyArray<ImportedQuarter>,
  options: { readonly dryRun: boolean; readonly progress: (done: number) => Effect.Effect<void> },
): Effect.Effect<ImportResult, StoreUnavailable, Store> =>
  Effect.gen(function* () {
    const store = yield* Store
    const quarters = [...given].sort((a, b) => a.startMs - b.startMs)
    let counts = nothing
    for (const [i, batch] of Arr.chunksOf(quarters, batchSize).entries()) {
      const plan = options.dryRun
        ? planImport(yield* store.importedQuarters(deviceId, rangeOf(batch)), batch)
        : yield* store.importQuarters(deviceId, batch)
      counts = add(counts, plan)
      yield* options.progress(Math.min(quarters.length, (i + 1) * batchSize))
    }
    return { ...counts, months: quarters.length === 0 ? [] : yield* summarize(deviceId, quarters, zone) }
  })
