import { DateTime, Option, Schema } from "effect"
import { quarterHourMs } from "./QuarterTime.ts"

const halfYearMs = 182 * 86_400_000

const wholeQuarterHours = (zone: DateTime.TimeZone.Named): boolean =>
  [0, halfYearMs].every((offset) => {
    const probe = DateTime.unsafeMakeZoned(1_767_225_600_000 + offset, { timeZone: zone })
    return DateTime.zonedOffset(probe) % quarterHourMs === 0
  })

/** The zone of a name, when it exists and its offset is whole quarter-hours, so that local days hold whole ones. */
export const zoneNamed = (name: string): Option.Option<DateTime.TimeZone.Named> =>
  Option.filter(DateTime.zoneMakeNamed(name), wholeQuarterHours)

/** An IANA zone name whose offset is whole quarter-hours. */
export const ZoneName = Schema.String.pipe(
  Schema.filter((name) =>
    Option.isSome(zoneNamed(name)) ? undefined : `${name} is not an IANA zone with an offset of whole quarter-hours`,
  ),
).annotations({ title: "ZoneName", description: "An IANA time zone, for example Europe/Brussels" })
export type ZoneName = typeof ZoneName.Type

export const defaultZone: ZoneName = "Europe/Brussels"

const maxKept = 4096
const offsets = new WeakMap<DateTime.TimeZone, Map<number, number>>()

/**
 * Milliseconds by which a zone is ahead of UTC at an instant. Offsets change at whole quarter-hours only, so each of
 * those is looked up once: the platform takes some 40 µs for it.
 */
export const zoneOffsetMs = (zone: DateTime.TimeZone, epochMillis: number): number => {
  const quarter = Math.floor(epochMillis / quarterHourMs)
  const kept = offsets.get(zone) ?? new Map<number, number>()
  const known = kept.get(quarter)
  if (known !== undefined) return known
  const offset = DateTime.zonedOffset(DateTime.unsafeMakeZoned(quarter * quarterHourMs, { timeZone: zone }))
  if (kept.size >= maxKept) kept.clear()
  offsets.set(zone, kept.set(quarter, offset))
  return offset
}
