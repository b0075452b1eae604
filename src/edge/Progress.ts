import { Option } from "effect"
import {
  type Instant,
  type KnownStamps,
  type Measurement,
  type MeterInfo,
  meterStampLength,
  noRecentReadings,
  type RecentReadings,
  type Sample,
  withReading,
} from "../domain/index.ts"

interface Taken {
  readonly ts: Instant
  readonly meterStamp: string | null
  readonly thisRun: boolean
}

/** A telegram whose stamp did not fit: an old reading, unless the next one moves on from it, as of a wrong clock. */
interface Held {
  readonly stamp: string
  readonly atNs: bigint
}

/** How far the taking of samples has come. */
export interface Progress {
  readonly last: Option.Option<Taken>
  /** When it was taken, or this program started, on the monotonic clock. */
  readonly sinceNs: bigint
  readonly lastMeter: Option.Option<MeterInfo>
  readonly known: KnownStamps
  readonly held: Option.Option<Held>
  readonly recent: RecentReadings
}

export const stampOf = ({ timestamp }: Measurement): string | null => timestamp?.slice(0, meterStampLength) ?? null

export const heldAs = (stamp: string | null, atNs: bigint): Option.Option<Held> =>
  Option.map(Option.fromNullable(stamp), (stamp) => ({ stamp, atNs }))

export interface Beginning {
  readonly lastTaken: Option.Option<{ readonly ts: Instant; readonly meterStamp: string | null }>
  readonly lastMeter: Option.Option<MeterInfo>
  readonly known: KnownStamps
  readonly nowNs: bigint
}

/** Going on from what an earlier run took. */
export const begin = ({ known, lastMeter, lastTaken, nowNs }: Beginning): Progress => ({
  last: Option.map(lastTaken, (taken) => ({ ...taken, thisRun: false })),
  sinceNs: nowNs,
  lastMeter,
  known,
  held: Option.none(),
  recent: noRecentReadings(Option.match(lastTaken, { onNone: () => -Infinity, onSome: ({ ts }) => ts.epochMillis })),
})

/** Whether a sample is older than the last one and yet no step back of the clock: it came the slower way. */
export const cameLate = ({ last }: Progress, { ts, tsSource }: Sample): boolean =>
  tsSource === "meter" && Option.exists(last, (taken) => taken.ts.epochMillis > ts.epochMillis)

const remembered = ({ recent }: Progress, measurement: Measurement, sample: Sample): RecentReadings =>
  sample.tsSource === "meter" && sample.meterStamp !== null
    ? withReading(recent, measurement, sample.meterStamp, sample.ts)
    : recent

/** After a sample that came late: what comes next still follows the newest one. */
export const withLate = (progress: Progress, measurement: Measurement, sample: Sample): Progress => ({
  ...progress,
  recent: remembered(progress, measurement, sample),
})

export interface Next {
  readonly measurement: Measurement
  readonly sample: Sample
  readonly lastMeter: Option.Option<MeterInfo>
  readonly known: KnownStamps
  readonly nowNs: bigint
}

/** After a sample that is the newest. */
export const withNewest = (progress: Progress, { known, lastMeter, measurement, nowNs, sample }: Next): Progress => ({
  last: Option.some({ ts: sample.ts, meterStamp: sample.meterStamp, thisRun: true }),
  sinceNs: nowNs,
  lastMeter,
  known,
  held: sample.tsSource === "meter" ? Option.none() : heldAs(sample.meterStamp, nowNs),
  recent: remembered(progress, measurement, sample),
})
