import type { Range } from "./Calendar.ts"
import { expandQuarterHours } from "./ExpandQuarterHours.ts"
import type { ImportedQuarter } from "./ImportedQuarter.ts"
import { withImported } from "./ImportedQuarters.ts"
import type { QuarterHourView } from "./QuarterHour.ts"
import { quarterHourMs } from "./QuarterTime.ts"
import { besideStretches, type Condensed, type Stretch } from "./Stretch.ts"

/** What is known of a range: quarter-hours, stretches of which only the sums are, and all that was imported. */
export interface KnownQuarters {
  readonly quarters: ReadonlyArray<QuarterHourView>
  readonly stretches: ReadonlyArray<Stretch>
  readonly imported: ReadonlyArray<ImportedQuarter>
}

const within =
  ({ fromMs, toMs }: Range) =>
  ({ startMs }: { readonly startMs: number }): boolean =>
    startMs >= fromMs && startMs < toMs

/** The part of a range at whose ends no stretch is cut. */
export const cutKnown = ({ imported, quarters, stretches }: KnownQuarters, range: Range): KnownQuarters => ({
  quarters: quarters.filter(within(range)),
  stretches: stretches.filter(within(range)),
  imported: imported.filter(within(range)),
})

/** A range with the stored quarter-hours on either side of it: what is imported there matters to the gaps at its ends. */
export const reachOf = ({ stored }: Condensed, { fromMs, toMs }: Range): Range => ({
  fromMs: Math.min(fromMs, stored[0]?.startMs ?? Infinity),
  toMs: Math.max(toMs, (stored.at(-1)?.startMs ?? -Infinity) + quarterHourMs),
})

/**
 * The quarter-hours of a range, ours with what was imported. Gaps at the range's ends are settled as a whole, so that
 * a quarter-hour is the same in whatever range it is asked for.
 */
export const knownQuarters = (
  condensed: Condensed,
  imported: ReadonlyArray<ImportedQuarter>,
  range: Range,
): KnownQuarters => {
  const { stored, stretches } = condensed
  const { fromMs, toMs } = reachOf(condensed, range)
  const own = expandQuarterHours(stored, fromMs, toMs, stretches)
  const quarters = withImported(own, besideStretches(imported, stretches))
  return cutKnown({ quarters, stretches, imported }, range)
}
