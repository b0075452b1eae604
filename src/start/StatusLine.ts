import type { Realtime } from "../domain/index.ts"

/** What the edge has done so far. */
export interface Progress {
  readonly taken: number
  readonly waiting: number
  readonly uploaded: number
}

const watts = (value: number): string => `${Math.round(value).toLocaleString("en")} W`
const minutes = (seconds: number): string =>
  `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`

const quarter = ({ quarter: { averageW, elapsedS, projectedW } }: Realtime): string =>
  `quarter-hour ${minutes(elapsedS)} at ${watts(averageW)} → ${watts(projectedW)}`

const power = ({ powerW }: Realtime): string =>
  powerW < 0 ? `${watts(-powerW)} to the grid` : `${watts(powerW)} from the grid`

/** The one line that stays: watts now, the running quarter-hour, samples taken, spooled and uploaded. */
export const statusLine = (realtime: Realtime | null, { taken, uploaded, waiting }: Progress): string =>
  [
    realtime === null ? "waiting for the first sample" : realtime.stale ? "the meter is silent" : power(realtime),
    ...(realtime === null || realtime.stale ? [] : [quarter(realtime)]),
    `taken ${taken}`,
    `spooled ${waiting}`,
    `uploaded ${uploaded}`,
  ].join(" · ")
