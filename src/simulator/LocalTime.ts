import { DateTime } from "effect"
import type { Month, ZoneName } from "../domain/index.ts"

export const daySeconds = 86_400
export const quarterSeconds = 900

/** Belgian tariffs: 1 is day, Monday to Friday from 7 to 22 h, 2 is night and weekend. */
export type Tariff = 1 | 2

/** What holds for a whole quarter-hour of the local calendar. */
export interface LocalQuarter {
  readonly startSecond: number
  /** Local wall clock less UTC, seconds. */
  readonly offsetS: number
  /** Days of the local calendar since 1970-01-01. */
  readonly day: number
  readonly tariff: Tariff
  readonly month: Month
}

/** `YYYY-MM-DDTHH:mm:ss` of a UTC second, moved by an offset. */
const isoSecond = (second: number, offsetS: number): string =>
  new Date((second + offsetS) * 1000).toISOString().slice(0, 19)

const tariffOf = (day: number, secondOfDay: number): Tariff => {
  const weekday = (day + 4) % 7
  return weekday >= 1 && weekday <= 5 && secondOfDay >= 7 * 3600 && secondOfDay < 22 * 3600 ? 1 : 2
}

/** A wall clock and calendar for UTC seconds. */
export interface LocalTime {
  readonly quarterAt: (second: number) => LocalQuarter
  /** Whether the wall clock of a second is ahead of the year's standard time. */
  readonly isSummer: (second: number) => boolean
  /** The wall clock of a second as the meter writes it: no zone, no fraction. */
  readonly stampOf: (second: number) => string
}

/** Asks the zone once per quarter-hour, the finest step at which the offsets of the zones allowed here change. */
export const makeLocalTime = (zoneName: ZoneName): LocalTime => {
  const zone = DateTime.zoneUnsafeMakeNamed(zoneName)

  const lookUp = (startSecond: number): LocalQuarter => {
    const offsetS = DateTime.zonedOffset(DateTime.unsafeMakeZoned(startSecond * 1000, { timeZone: zone })) / 1000
    const local = startSecond + offsetS
    const day = Math.floor(local / daySeconds)
    return {
      startSecond,
      offsetS,
      day,
      tariff: tariffOf(day, local - day * daySeconds),
      month: isoSecond(startSecond, offsetS).slice(0, 7),
    }
  }

  let quarter = lookUp(0)
  const quarterAt = (second: number): LocalQuarter => {
    const startSecond = second - (second % quarterSeconds)
    if (quarter.startSecond !== startSecond) quarter = lookUp(startSecond)
    return quarter
  }
  /** Stamps of peaks lie far from the running quarter-hour: a place of their own keeps them from evicting it. */
  let stamped = quarter
  const stampOf = (second: number): string => {
    const startSecond = second - (second % quarterSeconds)
    if (quarter.startSecond === startSecond) return isoSecond(second, quarter.offsetS)
    if (stamped.startSecond !== startSecond) stamped = lookUp(startSecond)
    return isoSecond(second, stamped.offsetS)
  }
  const offsetIn = (year: number, month: number): number => lookUp(Date.UTC(year, month) / 1000).offsetS
  const isSummer = (second: number): boolean => {
    const { offsetS } = lookUp(second - (second % quarterSeconds))
    const year = new Date(second * 1000).getUTCFullYear()
    return offsetS > Math.min(offsetIn(year, 0), offsetIn(year, 6))
  }
  return { quarterAt, isSummer, stampOf }
}
