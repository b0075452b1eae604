import type { Instant } from "./Instant.ts"
import type { Measurement } from "./Measurement.ts"

const rememberedMs = 60_000

/** A reading of the last minute that was taken: its stamp and its key, and what of it tells it from another. */
interface RecentReading {
  readonly stamp: string
  readonly tsMs: number
  readonly content: string
}

/** The readings of the last minute, by which one that comes late is told from one that is replayed. */
export interface RecentReadings {
  /** What was taken in an earlier run ends here: nothing before it comes late. */
  readonly afterMs: number
  readonly readings: ReadonlyArray<RecentReading>
}

export const noRecentReadings = (afterMs: number): RecentReadings => ({ afterMs, readings: [] })

const contentOf = ({ energyExportKwh, energyExportT1Kwh, energyImportKwh, energyImportT1Kwh, powerW }: Measurement) =>
  JSON.stringify([powerW, energyImportKwh, energyImportT1Kwh, energyExportKwh, energyExportT1Kwh])

/** Remembers a reading that was taken by the meter's own time. */
export const withReading = (
  { afterMs, readings }: RecentReadings,
  measurement: Measurement,
  stamp: string,
  ts: Instant,
): RecentReadings => ({
  afterMs,
  readings: [
    ...readings.filter(({ tsMs }) => ts.epochMillis - tsMs <= rememberedMs),
    { stamp, tsMs: ts.epochMillis, content: contentOf(measurement) },
  ],
})

/** Whether it is one of them once more. */
export const wasTaken = ({ readings }: RecentReadings, measurement: Measurement, stamp: string): boolean =>
  readings.some((reading) => reading.stamp === stamp && reading.content === contentOf(measurement))

/**
 * Whether a reading of this instant comes late: older than the newest one by a minute at most, and never taken. That
 * happens where the meter pushes and is asked as well, and one way is slower than the other.
 */
export const isLate = ({ afterMs, readings }: RecentReadings, { epochMillis: ms }: Instant): boolean => {
  const newestMs = readings.reduce((newest, { tsMs }) => Math.max(newest, tsMs), -Infinity)
  return ms > afterMs && ms < newestMs && newestMs - ms <= rememberedMs && readings.every(({ tsMs }) => tsMs !== ms)
}
