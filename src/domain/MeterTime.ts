import { Array as Arr, DateTime, Option } from "effect"
import { fromEpochMillis, type Instant, isCalendarDate } from "./Instant.ts"
import type { TsSource } from "./Sample.ts"
import { zoneOffsetMs } from "./Zone.ts"

const wallClock = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:?\d{2})?$/
const hourMs = 3_600_000

/**
 * The instants a meter's stamp can stand for, earliest first: one as a rule, two in the repeated hour of autumn,
 * none for what is no date or falls into the gap of spring. A stamp with an offset is taken at its word.
 */
export const instantsOfStamp = (stamp: string, zone: DateTime.TimeZone): ReadonlyArray<Instant> => {
  const match = wallClock.exec(stamp)
  if (match === null || !isCalendarDate(stamp.slice(0, 10))) return []
  if (match[8] !== undefined) return Option.toArray(Option.map(DateTime.make(stamp), DateTime.toUtc))
  const asUtcMs = Date.parse(`${stamp.slice(0, 19)}Z`) + Math.floor(Number(`0.${match[7] ?? "0"}`) * 1000)
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

/** The sample before this one: its key, and how long ago it was taken on the monotonic clock. */
export interface PreviousSample {
  readonly ts: Instant
  readonly elapsedMs: number
}

const believedDistanceMs = 5 * 60_000

/**
 * The key of a telegram: the meter's own reading time when it is later than the previous sample's and, once the
 * edge's clock is known to be good, within five minutes of it; else the edge's clock where that is good; else the
 * previous key plus the time that has passed since. Of a repeated hour the first occurrence that is late enough.
 */
export const resolveTs = (
  stamp: string | null,
  zone: DateTime.TimeZone,
  edge: EdgeTime,
  previous: Option.Option<PreviousSample>,
): { readonly ts: Instant; readonly tsSource: TsSource } => {
  const afterMs = Option.match(previous, { onNone: () => -Infinity, onSome: ({ ts }) => ts.epochMillis })
  const believed = (instant: Instant): boolean =>
    instant.epochMillis > afterMs &&
    (!edge.trusted || Math.abs(instant.epochMillis - edge.now.epochMillis) <= believedDistanceMs)
  const byMeter = Arr.findFirst(stamp === null ? [] : instantsOfStamp(stamp, zone), believed)
  if (Option.isSome(byMeter)) return { ts: byMeter.value, tsSource: "meter" }
  if (edge.trusted && edge.now.epochMillis > afterMs) return { ts: edge.now, tsSource: "edge" }
  return Option.match(previous, {
    onNone: () => ({ ts: edge.now, tsSource: "edge" as const }),
    onSome: ({ ts, elapsedMs }) => ({
      ts: fromEpochMillis(ts.epochMillis + Math.max(1, Math.round(elapsedMs))),
      tsSource: "elapsed" as const,
    }),
  })
}
