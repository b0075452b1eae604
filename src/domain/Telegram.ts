import { Array as Arr, type DateTime, Either, Option } from "effect"
import type { Instant } from "./Instant.ts"
import { instantsOfStamp } from "./MeterTime.ts"
import { monthOf } from "./Calendar.ts"
import type { MeteredPeak, Month } from "./Sample.ts"

/** What a telegram says that the meter's JSON does not. */
export interface Telegram {
  /** The reading time with its summer or winter flag, so that the repeated hour of autumn is told apart. */
  readonly ts: Option.Option<Instant>
  /** The closed months that the meter remembers, at most 13. */
  readonly meteredPeaks: ReadonlyArray<MeteredPeak>
}

/** CRC-16/ARC of ASCII text. Source: DSMR P1 companion standard 5.0.2, 6.2. */
const crc16 = (text: string): number => {
  let crc = 0
  for (let i = 0; i < text.length; i++) {
    crc ^= text.charCodeAt(i)
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xa001 : 0)
  }
  return crc
}

const frame = /\/[^!]*!/
const checksum = /^[0-9A-Fa-f]{4}/

/** The telegram from `/` to `!`, when its checksum is right; meters before DSMR 4 send none. */
const intact = (text: string): Either.Either<string, string> => {
  const body = frame.exec(text)
  if (body === null) return Either.left("it has no beginning or no end")
  const given = checksum.exec(text.slice(body.index + body[0].length))?.[0]
  if (given !== undefined && Number.parseInt(given, 16) !== crc16(body[0])) return Either.left("its checksum is wrong")
  return Either.right(body[0])
}

const stamp = /^(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})([SW])$/

/** `YYMMDDhhmmss` with its S (summer) or W (winter) flag: the one candidate whose offset the flag means. */
const instantOf = (text: string, zone: DateTime.TimeZone): Option.Option<Instant> => {
  const match = stamp.exec(text)
  if (match === null) return Option.none()
  const [, year, month, day, hour, minute, second, season] = match
  const candidates = instantsOfStamp(`20${year}-${month}-${day}T${hour}:${minute}:${second}`, zone)
  return season === "S" ? Arr.head(candidates) : Arr.last(candidates)
}

const value = (telegram: string, code: string): Option.Option<string> =>
  Option.fromNullable(new RegExp(`^${code.replaceAll(".", "[.]")}[(](.*)[)]\\s*$`, "m").exec(telegram)?.[1])

const captured = /\((\d{12}[SW])\)\((\d{12}[SW])\)\(([\d.]+)\*kW\)/g

/**
 * The peaks of closed months, OBIS 0-0:98.1.0. A row's first stamp is when its month was closed, local midnight of the
 * next month's first day, so the month is that of the second before; the second stamp is when the peak was. Fillers
 * that are no date, and months without a peak, are left out.
 *
 * Source: e-MUCS P1 companion specification 1.7.1.
 */
const peaksOf = (telegram: string, zone: DateTime.TimeZone): ReadonlyArray<MeteredPeak> => {
  const history = Option.getOrElse(value(telegram, "0-0:98.1.0"), () => "")
  const peaks = new Map<Month, MeteredPeak>()
  for (const [, closed = "", occurred = "", kilowatts = ""] of `(${history})`.matchAll(captured)) {
    const closedAt = instantOf(closed, zone)
    const peakW = Math.round(Number(kilowatts) * 1000)
    if (Option.isNone(closedAt) || !(peakW > 0)) continue
    const month = monthOf(closedAt.value.epochMillis - 1000, zone)
    peaks.set(month, { month, peakW, peakTs: Option.getOrNull(instantOf(occurred, zone)) })
  }
  return [...peaks.values()]
}

/** Reads a raw DSMR telegram; a sentence's end where it cannot be believed. */
export const parseTelegram = (text: string, zone: DateTime.TimeZone): Either.Either<Telegram, string> =>
  Either.map(intact(text), (telegram) => ({
    ts: Option.flatMap(value(telegram, "0-0:1.0.0"), (given) => instantOf(given, zone)),
    meteredPeaks: peaksOf(telegram, zone),
  }))
