import type { Range } from "./Calendar.ts"

/** What the counter of a sub-meter said. */
export interface MeterReading {
  readonly tsMs: number
  readonly value: number
  readonly unit: string
}

/** What a sub-meter counted in a piece of a range. */
export interface MeterPoint extends Range {
  readonly used: number
}

/** Units are whole to this many parts, so that sums of pieces are the counter's difference. */
const parts = 1_000_000

/** The counter at an instant, linear between readings; null outside of them. */
const counterAt = (readings: ReadonlyArray<MeterReading>, atMs: number): number | null => {
  const next = readings.findIndex(({ tsMs }) => tsMs >= atMs)
  const to = readings[next]
  const from = readings[next - 1]
  if (to === undefined) return readings.at(-1)?.value ?? null
  if (from === undefined || to.tsMs === atMs) return to.value
  const share = (atMs - from.tsMs) / (to.tsMs - from.tsMs)
  return Math.round((from.value + Math.max(0, to.value - from.value) * share) * parts) / parts
}

/**
 * What a sub-meter counted in the pieces of a range, from its readings in order of time with the nearest on either
 * side. A piece outside of all readings gives no point; a counter that fell counted nothing.
 */
export const meterSeries = (
  readings: ReadonlyArray<MeterReading>,
  pieces: ReadonlyArray<Range>,
): ReadonlyArray<MeterPoint> =>
  pieces.flatMap((piece) => {
    const known = readings.length > 1 && readings.some(({ tsMs }) => tsMs < piece.toMs)
    const [from, to] = [counterAt(readings, piece.fromMs), counterAt(readings, piece.toMs)]
    const ends = (readings.at(-1)?.tsMs ?? -Infinity) > piece.fromMs
    if (!known || !ends || from === null || to === null) return []
    return [{ ...piece, used: Math.max(0, Math.round((to - from) * parts) / parts) }]
  })
