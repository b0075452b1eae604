import { DateTime, Schema } from "effect"
import { Instant, isCalendarDate } from "./Instant.ts"
import type { Month } from "./Sample.ts"

/** `YYYY-MM-DD`: a calendar day in the device's zone. */
export const LocalDate = Schema.String.pipe(
  Schema.pattern(/^\d{4}-\d{2}-\d{2}$/),
  Schema.filter((text) => isCalendarDate(text) || `${text} is not a date that exists`),
).annotations({
  title: "LocalDate",
  description: "A calendar day in the device's zone, YYYY-MM-DD",
  examples: ["2026-03-28"],
})
export type LocalDate = typeof LocalDate.Type

/** An instant, or a day of the device's zone for its midnight. */
export const Moment = Schema.Union(LocalDate, Instant).annotations({
  title: "Moment",
  description: "An instant, ISO 8601 with offset, or a local date, for its midnight",
  message: () => "expected a date such as 2026-03-01, or an instant with an offset",
  jsonSchema: { type: "string", examples: ["2026-03-01", "2026-03-01T12:00:00Z"] },
})
export type Moment = typeof Moment.Type

/** What a series shows at once. */
export const Frame = Schema.Literal("day", "week", "month", "year", "all").annotations({
  description: "What is shown at once",
  message: () => "expected day, week, month, year or all",
})
export type Frame = typeof Frame.Type

/** What one point of a series stands for. */
export const Bucket = Schema.Literal("minute", "15m", "hour", "day", "week", "month", "year").annotations({
  message: () => "expected minute, 15m, hour, day, week, month or year",
})
export type Bucket = typeof Bucket.Type

const buckets = { day: "hour", week: "day", month: "week", year: "month", all: "month" } as const satisfies Record<
  Frame,
  Bucket
>

/** The bucket of a frame: a day by hour, a week by day, a month by week, a year and all time by month. */
export const bucketOf = (frame: Frame): Bucket => buckets[frame]

const weekStartsOn = 1
const lengths = { day: { days: 1 }, week: { weeks: 1 }, month: { months: 1 }, year: { years: 1 } } as const
const minuteMs = 60_000
/** Counted on the instant: zones differ from UTC by whole quarter-hours, and an hour that occurs twice is two. */
const fixedMs = { minute: minuteMs, "15m": 15 * minuteMs } as const

export interface Range {
  readonly fromMs: number
  readonly toMs: number
}

/** The parts of ranges that lie in another. */
export const rangesWithin = (whole: Range, ranges: ReadonlyArray<Range>): ReadonlyArray<Range> =>
  ranges.flatMap(({ fromMs, toMs }) => {
    const part = { fromMs: Math.max(fromMs, whole.fromMs), toMs: Math.min(toMs, whole.toMs) }
    return part.fromMs < part.toMs ? [part] : []
  })

/** The local month that holds an instant. */
export const monthOf = (epochMillis: number, zone: DateTime.TimeZone): Month =>
  DateTime.formatIsoDate(DateTime.unsafeMakeZoned(epochMillis, { timeZone: zone })).slice(0, 7)

/** The month so many months later, or earlier. */
export const addMonths = (month: Month, count: number): Month => {
  const months = Number(month.slice(0, 4)) * 12 + Number(month.slice(5)) - 1 + count
  return `${String(Math.floor(months / 12)).padStart(4, "0")}-${String((months % 12) + 1).padStart(2, "0")}`
}

/** Local midnight of a date. */
export const instantOfDate = (date: LocalDate, zone: DateTime.TimeZone): Instant =>
  DateTime.toUtc(startOfLocalDate(date, zone))

const startOfLocalDate = (date: LocalDate, zone: DateTime.TimeZone): DateTime.Zoned =>
  DateTime.unsafeMakeZoned(`${date}T00:00:00`, { timeZone: zone, adjustForTimeZone: true })

/** A month in its zone: from local midnight of its first day to that of the next month's. */
export const rangeOfMonth = (month: Month, zone: DateTime.TimeZone): Range => {
  const from = startOfLocalDate(`${month}-01`, zone)
  return { fromMs: from.epochMillis, toMs: DateTime.add(from, { months: 1 }).epochMillis }
}

/** The day, ISO week, month or year in its zone that holds a local date. */
export const rangeOfFrame = (frame: Exclude<Frame, "all">, date: LocalDate, zone: DateTime.TimeZone): Range => {
  const from = DateTime.startOf(startOfLocalDate(date, zone), frame, { weekStartsOn })
  return { fromMs: from.epochMillis, toMs: DateTime.add(from, { [`${frame}s`]: 1 }).epochMillis }
}

/** The local date of an instant. */
export const localDateOf = (instant: Instant, zone: DateTime.TimeZone): LocalDate =>
  DateTime.formatIsoDate(DateTime.setZone(instant, zone))

const cutEvenly = ({ fromMs, toMs }: Range, stepMs: number): ReadonlyArray<Range> => {
  const pieces: Array<Range> = []
  for (let at = Math.floor(fromMs / stepMs) * stepMs; at < toMs; at += stepMs) {
    pieces.push({ fromMs: Math.max(at, fromMs), toMs: Math.min(at + stepMs, toMs) })
  }
  return pieces
}

/** A range cut into buckets at local boundaries; the first and the last are clipped to the range. */
export const cutRange = (range: Range, bucket: Bucket, zone: DateTime.TimeZone): ReadonlyArray<Range> => {
  if (bucket === "minute" || bucket === "15m") return cutEvenly(range, fixedMs[bucket])
  const pieces: Array<Range> = []
  let at = DateTime.startOf(DateTime.unsafeMakeZoned(range.fromMs, { timeZone: zone }), bucket, { weekStartsOn })
  while (at.epochMillis < range.toMs) {
    const next = bucket === "hour" ? DateTime.addDuration(at, "1 hour") : DateTime.add(at, lengths[bucket])
    pieces.push({ fromMs: Math.max(at.epochMillis, range.fromMs), toMs: Math.min(next.epochMillis, range.toMs) })
    at = next
  }
  return pieces
}
