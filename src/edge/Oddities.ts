import { Array as Arr, Effect, Option, Ref } from "effect"
import { follows, type Measurement, type RegisterPoint, type Sample, unreadableExternals } from "../domain/index.ts"
import { makeFoldedLog } from "./FoldedLog.ts"

/** A reading and the sample that it became. */
export interface TakenReading {
  readonly measurement: Measurement
  readonly sample: Sample
}

/** Something that a person should know of a reading, which is taken all the same. */
interface Oddity {
  readonly kind: "MeterReplaced" | "RegisterJumped" | "PeaksGone" | "SubMeterUnreadable"
  readonly reason: string
}

const registersOf = ({ energyExportKwh, energyImportKwh, ts }: Sample): RegisterPoint => ({
  tsMs: ts.epochMillis,
  importKwh: energyImportKwh,
  exportKwh: energyExportKwh,
})

const saysRegisters = ({ energyExportKwh, energyImportKwh }: Sample): string =>
  `import ${energyImportKwh ?? "unknown"} kWh, export ${energyExportKwh ?? "unknown"} kWh`

const replaced = (before: TakenReading, now: TakenReading): Option.Option<Oddity> => {
  const [old, uniqueId] = [before.measurement.uniqueId, now.measurement.uniqueId]
  return old === null || uniqueId === null || old === uniqueId
    ? Option.none()
    : Option.some({
        kind: "MeterReplaced",
        reason: `The smart meter ${old} was replaced by ${uniqueId}: its registers are counted anew, what was counted before stays.`,
      })
}

const jumped = (before: TakenReading, now: TakenReading): Option.Option<Oddity> =>
  follows(registersOf(before.sample), registersOf(now.sample))
    ? Option.none()
    : Option.some({
        kind: "RegisterJumped",
        reason: `The registers jumped from ${saysRegisters(before.sample)} to ${saysRegisters(now.sample)}: kept as the meter says it, but no energy is counted from it until they are back or have held for 15 minutes.`,
      })

const givesPeaks = ({ averagePower15mW, monthlyPowerPeakW }: Measurement): boolean =>
  averagePower15mW !== null && monthlyPowerPeakW !== null

const peaksGone = (before: TakenReading, now: TakenReading): Option.Option<Oddity> =>
  givesPeaks(now.measurement) || !givesPeaks(before.measurement)
    ? Option.none()
    : Option.some({
        kind: "PeaksGone",
        reason:
          "The meter gives no quarter-hour peaks any more: usual when a month begins; if it stays so, request the P1 port at the grid operator again. Peaks are counted from the registers meanwhile.",
      })

const unreadable = ({ measurement }: TakenReading): Option.Option<Oddity> => {
  const count = unreadableExternals(measurement)
  return count === 0
    ? Option.none()
    : Option.some({
        kind: "SubMeterUnreadable",
        reason: `${count} of ${measurement.external?.length ?? 0} sub-meters cannot be read and are left out: check the radio or the cable between them and the smart meter.`,
      })
}

const isNewer = (now: TakenReading, before: TakenReading): boolean =>
  now.sample.ts.epochMillis > before.sample.ts.epochMillis

/** What is odd about a reading that follows on another. */
export const odditiesOf = (before: Option.Option<TakenReading>, now: TakenReading): ReadonlyArray<Oddity> =>
  Arr.getSomes([
    ...Option.match(before, {
      onNone: () => [],
      onSome: (last) => {
        const other = replaced(last, now)
        return [Option.isSome(other) ? other : jumped(last, now), peaksGone(last, now)]
      },
    }),
    unreadable(now),
  ])

/** Says what is odd about each reading that was taken, each kind at most once in ten minutes. */
export const makeOddities = Effect.gen(function* () {
  const last = yield* Ref.make(Option.none<TakenReading>())
  const folded = yield* makeFoldedLog("10 minutes")
  return {
    taken: (now: TakenReading): Effect.Effect<void> =>
      Effect.flatMap(Ref.getAndSet(last, Option.some(now)), (before) =>
        Effect.forEach(
          // One that came late does not follow on the one before it.
          odditiesOf(
            Option.filter(before, (reading) => isNewer(now, reading)),
            now,
          ),
          ({ kind, reason }) =>
            folded.warn(kind, Effect.annotateLogs(Effect.logWarning("The meter says something odd"), { kind, reason })),
          { discard: true },
        ),
      ),
  }
})
