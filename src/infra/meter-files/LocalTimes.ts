import type { DateTime } from "effect"
import { instantsOfStamp } from "../../domain/index.ts"

/**
 * Reads wall-clock times in the order in which a file has them: of the repeated hour of autumn the first time that
 * was not yet given. Times that do not exist, or were given before, are undefined.
 */
export const makeLocalTimes = (zone: DateTime.TimeZone) => {
  const given = new Set<number>()
  return (date: string, time: string): number | undefined => {
    const stamp = `${date}T${time.padStart(5, "0").slice(0, 5)}:00`
    const found = instantsOfStamp(stamp, zone).find(({ epochMillis }) => !given.has(epochMillis))
    if (found !== undefined) given.add(found.epochMillis)
    return found?.epochMillis
  }
}

/** `22-10-2023` and `22/10/2023` as `2023-10-22`. */
export const isoDate = (text: string | undefined): string | undefined => {
  const match = /^(\d{1,2})[-/](\d{1,2})[-/](\d{4})$/.exec(text?.trim() ?? "")
  if (match === null) return undefined
  const [, day = "", month = "", year = ""] = match
  return `${year}-${month.padStart(2, "0")}-${day.padStart(2, "0")}`
}
