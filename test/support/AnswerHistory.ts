import { FastCheck as fc, Option } from "effect"
import {
  fromEpochMillis,
  type ImportedQuarter,
  quarterHourMs,
  quarterStartMs,
  type Sample,
} from "../../src/domain/index.ts"
import { sampleAt } from "./Samples.ts"
import { arbitraryHistory } from "./StoreModel.ts"

const dayMs = 86_400_000

/** All that answers are made of: samples as they were delivered, what was imported, typed and reported. */
export interface AnswerHistory {
  /** In order of time. */
  readonly samples: ReadonlyArray<Sample>
  /** The same in the batches in which they came, by places in `samples`. */
  readonly batches: ReadonlyArray<ReadonlyArray<number>>
  readonly imported: ReadonlyArray<ImportedQuarter>
  /** How many months ago, and the peak. */
  readonly typed: ReadonlyArray<readonly [number, number]>
  readonly reported: ReadonlyArray<readonly [number, number]>
  /** From which sample on another meter counts. */
  readonly replacedAt: Option.Option<number>
}

const peaks = fc.uniqueArray(fc.tuple(fc.integer({ min: 0, max: 13 }), fc.integer({ min: 100, max: 12_000 })), {
  maxLength: 6,
  selector: ([monthsAgo]) => monthsAgo,
})

/** A few readings of the year before, with gaps of weeks between them. */
const past = fc.array(
  fc.record({
    daysAgo: fc.integer({ min: 2, max: 400 }),
    wh: fc.integer({ min: 0, max: 900_000 }),
    powerW: fc.nat(5_000),
  }),
  { maxLength: 6 },
)

const imports = fc.array(
  fc.record({
    quartersAgo: fc.oneof(fc.nat(40), fc.nat(38_000)),
    energyImportWh: fc.nat(3_000),
    energyExportWh: fc.option(fc.nat(500)),
    spanS: fc.constantFrom(900 as const, 3600 as const),
    source: fc.constantFrom("fluvius" as const, "homewizard" as const, "dsmr-reader" as const),
    validated: fc.boolean(),
  }),
  { maxLength: 25 },
)

/** A history that ends just before an instant. */
export const answerHistory = (nowMs: number): fc.Arbitrary<AnswerHistory> =>
  fc
    .record({
      history: arbitraryHistory,
      past,
      imports,
      typed: peaks,
      reported: peaks,
      replaced: fc.option(fc.nat(80)),
    })
    .map(({ history: { groups, run }, imports, past, replaced, reported, typed }) => {
      const shiftMs = nowMs - 20_000 - (run.at(-1)?.ts.epochMillis ?? 0)
      const shifted = run.map((sample): Sample => {
        const { monthlyPowerPeakTs: peakTs, ts } = sample
        return {
          ...sample,
          ts: fromEpochMillis(ts.epochMillis + shiftMs),
          monthlyPowerPeakTs: peakTs && fromEpochMillis(peakTs.epochMillis + shiftMs),
        }
      })
      const byAge = [...new Map(past.map((each) => [each.daysAgo, each])).values()].sort(
        (a, b) => a.daysAgo - b.daysAgo,
      )
      let importWh = Math.round((run[0]?.energyImportKwh ?? 0) * 1000)
      const before = byAge.map(({ daysAgo, powerW, wh }) => {
        importWh = Math.max(0, importWh - wh)
        const tsMs = nowMs - daysAgo * dayMs
        return sampleAt(tsMs, {
          powerW,
          energyImportKwh: importWh / 1000,
          energyExportKwh: run[0]?.energyExportKwh ?? null,
        })
      })
      const samples = [...before.toReversed(), ...shifted]
      const late = before.map((_, place) => place)
      const batches = groups.flatMap(({ steps }) =>
        steps.map(({ places }) => places.map((place) => place + before.length)),
      )
      const middle = Math.floor(batches.length / 2)
      return {
        samples,
        batches: [...batches.slice(0, middle), ...(late.length > 0 ? [late] : []), ...batches.slice(middle)],
        imported: [...new Map(imports.map((each) => [each.quartersAgo, each])).values()].map(
          ({ quartersAgo, ...quarter }) => ({
            ...quarter,
            startMs: quarterStartMs(nowMs) - quartersAgo * quarterHourMs,
          }),
        ),
        typed,
        reported,
        replacedAt: Option.filter(Option.fromNullable(replaced), (place) => place > 0 && place < samples.length),
      }
    })
