import { Array as Arr, DateTime, Option } from "effect"
import { fromEpochMillis, type Instant, isCalendarDate } from "./Instant.ts"
import { isLate, type RecentReadings } from "./RecentReadings.ts"
import type { TsSource } from "./Sample.ts"
import { zoneOffsetMs } from "./Zone.ts"

const wallClock = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:?\d{2})?$/
const hourMs = 3_600_000

/** A leap second lies between the last second of its minute and the next minute: `:60` is the end of that second. */
const withoutLeapSecond = (stamp: string): string => stamp.replace(/(?<=^.{17})60(\.\d{1,9})?/, "59.999")

/** A stamp's wall clock as if it were UTC; NaN for what is no date. */
const wallClockMs = (stamp: string): number => Date.parse(`${stamp.slice(0, 19)}Z`)

/**
 * The instants a meter's stamp can stand for, earliest first: one as a rule, two in the repeated hour of autumn,
 * none for what is no date or falls into the gap of spring. A stamp with an offset is taken at its word.
 */
export const instantsOfStamp = (said: string, zone: DateTime.TimeZone): ReadonlyArray<Instant> => {
  const stamp = withoutLeapSecond(said)
  const match = wallClock.exec(stamp)
  if (match === null || !isCalendarDate(stamp.slice(0, 10))) return []
  if (match[8] !== undefined) return Option.toArray(Option.map(DateTime.make(stamp), DateTime.toUtc))
  const asUtcMs = wallClockMs(stamp) + Math.floor(Number(`0.${match[7] ?? "0"}`) * 1000)
  if (Number.isNaN(asUtcMs)) return []
  const offsets = [-12 * hourMs, 12 * hourMs].map((shift) => zoneOffsetMs(zone, asUtcMs + shift))
  return Arr.dedupe(offsets)
    .filter((offset) => zoneOffsetMs(zone, asUtcMs - offset) === offset)
    .map((offset) => fromEpochMillis(asUtcMs - offset))
    .sort((a, b) => a.epochMillis - b.epochMillis)
}

/** The latest instant of a stamp that is not after `limit`: how stamps of peaks and sub-meters are read. */
export const latestInstantOfStamp = (stamp: string, zone: DateTime.TimeZone, limit: Instant): Option.Option<Instant> =>
  Arr.findLast(instantsOfStamp(stamp, zone), (instant) => instant.epochMillis <= limit.epochMillis)

/** What the edge knows of time when a telegram arrives. */
export interface EdgeTime {
  readonly now: Instant
  /** The edge's clock was found within 5 s of the server's. */
  readonly trusted: boolean
}

/** A reading time that is known, and how long ago that was on the monotonic clock. */
export interface PastTime {
  readonly ts: Instant
  readonly elapsedMs: number
}

/** The sample before this one; of one from an earlier run, the time since is counted from the start of this one. */
export interface PreviousSample extends PastTime {
  readonly thisRun: boolean
}

/** What is known of time beside the stamp itself. */
export interface TimeEvidence {
  readonly edge: EdgeTime
  readonly previous: Option.Option<PreviousSample>
  /** The reading time of a raw telegram, which has a summer or winter flag. */
  readonly telegram?: Option.Option<PastTime>
  /** The telegram before was held back, and the stamp of this one moves on from it. */
  readonly movesOn?: boolean
  /** What was taken in the last minute. */
  readonly recent?: RecentReadings
}

const believedDistanceMs = 5 * 60_000

/** Whether a stamp moves on from another about as fast as time passes: a reading that is replayed does not. */
export const stampMovesOn = (from: string, to: string, elapsedMs: number): boolean => {
  const movedMs = wallClockMs(to) - wallClockMs(from)
  return movedMs > 0 && movedMs <= elapsedMs + 60_000
}

const after = ({ elapsedMs, ts }: PastTime): Instant =>
  fromEpochMillis(ts.epochMillis + Math.max(1, Math.round(elapsedMs)))

/** Half as fast as time passes: how keys that have run ahead of a clock wait for it, without standing still. */
const waiting = ({ elapsedMs, ts }: PastTime): Instant => after({ ts, elapsedMs: elapsedMs / 2 })

const distanceMs = (a: Instant, b: Instant): number => Math.abs(a.epochMillis - b.epochMillis)

const nearest = (candidates: ReadonlyArray<Instant>, time: Instant): Option.Option<Instant> =>
  Option.fromNullable(
    candidates.reduce<Instant | undefined>(
      (best, instant) => (best === undefined || distanceMs(instant, time) < distanceMs(best, time) ? instant : best),
      undefined,
    ),
  )

/**
 * The key of a telegram: the meter's own reading time when it is later than the previous sample's and within five
 * minutes of where it should be, by the edge's clock once that is known to be good, else by what the meter said
 * before in this run. Of a repeated hour that is the occurrence that fits; the first one that is late enough where
 * nothing is known.
 *
 * A reading of the last minute that was never taken comes late and keeps its reading time. None for another stamp that
 * does not fit: it may be a replay of an old reading. When the next one moves on from it, the meter lives and its clock
 * is wrong or has been set: then the key is the edge's clock where that is good, the new reading time of a clock set
 * ahead, or the previous key plus the time that has passed since. Where the previous key is up to five minutes ahead of
 * the clock that is believed, keys go on at half the speed of time until that clock has caught up.
 */
export const resolveTs = (
  stamp: string | null,
  zone: DateTime.TimeZone,
  { edge, movesOn = false, previous, recent, telegram = Option.none() }: TimeEvidence,
): Option.Option<{ readonly ts: Instant; readonly tsSource: TsSource }> => {
  const afterMs = Option.match(previous, { onNone: () => -Infinity, onSome: ({ ts }) => ts.epochMillis })
  const isLater = (instant: Instant): boolean => instant.epochMillis > afterMs
  const candidates = stamp === null ? [] : instantsOfStamp(stamp, zone)
  const soFar = Option.orElse(
    Option.filter(previous, ({ thisRun }) => thisRun),
    () => telegram,
  )
  const expected = edge.trusted ? Option.some(edge.now) : Option.map(soFar, after)
  const near = Option.flatMap(expected, (time) =>
    Option.filter(nearest(candidates, time), (ts) => distanceMs(ts, time) <= believedDistanceMs),
  )
  const meter = Option.match(expected, {
    onNone: () => Arr.findFirst(candidates, isLater),
    onSome: (time) => Option.filter(nearest(candidates, time), isLater),
  })
  const fits = Option.isNone(expected) ? meter : Option.filter(near, isLater)
  if (Option.isSome(fits)) return Option.some({ ts: fits.value, tsSource: "meter" })
  const late = Arr.findFirst(candidates, (instant) => recent !== undefined && isLate(recent, instant))
  if (Option.isSome(late)) return Option.some({ ts: late.value, tsSource: "meter" })
  if (candidates.length > 0 && !movesOn) return Option.none()
  const believed = Option.orElse(near, () => (edge.trusted ? Option.some(edge.now) : Option.none()))
  const isAhead = Option.exists(believed, (time) => !isLater(time) && afterMs - time.epochMillis <= believedDistanceMs)
  if (isAhead && Option.isSome(previous)) return Option.some({ ts: waiting(previous.value), tsSource: "elapsed" })
  if (edge.trusted && (isLater(edge.now) || afterMs - edge.now.epochMillis > believedDistanceMs)) {
    return Option.some({ ts: edge.now, tsSource: "edge" })
  }
  if (!edge.trusted && Option.isSome(meter)) return Option.some({ ts: meter.value, tsSource: "meter" })
  return Option.some(
    Option.match(previous, {
      onNone: () => ({ ts: edge.now, tsSource: "edge" }),
      onSome: (last) => ({ ts: after(last), tsSource: "elapsed" }),
    }),
  )
}
