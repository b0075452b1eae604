/** The registers that one sample gives, kWh; null where the meter has none. */
export interface RegisterPoint {
  readonly tsMs: number
  readonly importKwh: number | null
  readonly exportKwh: number | null
}

export type Register = "importKwh" | "exportKwh"

/** A fall of a register up to this is noise, kWh. */
export const noiseKwh = 0.01
/** No connection that is metered here imports or exports more, kW. */
export const plausibleKw = 100
/** Two readings closer than this are judged as if they lay this far apart. */
export const closestMs = 1000

/** Whether a register can have gone from one point to the next: no fall beyond noise, no rise beyond 100 kW. */
export const continues = (from: RegisterPoint, to: RegisterPoint, register: Register): boolean => {
  const a = from[register]
  const b = to[register]
  if (a === null || b === null) return false
  const plausibleKwh = (plausibleKw * Math.max(to.tsMs - from.tsMs, closestMs)) / 3_600_000
  return b >= a - noiseKwh && b - a <= plausibleKwh
}

const bothNull = (from: RegisterPoint, to: RegisterPoint, register: Register): boolean =>
  from[register] === null && to[register] === null

/** Whether one meter can have given both points: each register continues, or is missing in both. */
export const follows = (from: RegisterPoint, to: RegisterPoint): boolean =>
  (["importKwh", "exportKwh"] as const).every(
    (register) => bothNull(from, to, register) || continues(from, to, register),
  )

export const toWh = (kwh: number | null): number | null => (kwh === null ? null : Math.round(kwh * 1000))

/**
 * The register in Wh at an instant between two points, linear in time, rounded down as a meter does: at a steady power
 * it is the one the meter had, or 1 Wh less. A fall within the noise counts as level.
 */
export const interpolateWh = (from: RegisterPoint, to: RegisterPoint, atMs: number, register: Register): number => {
  const fromWh = toWh(from[register]) ?? 0
  const riseWh = Math.max((toWh(to[register]) ?? 0) - fromWh, 0)
  return fromWh + Math.floor((riseWh * (atMs - from.tsMs)) / (to.tsMs - from.tsMs))
}

/**
 * How much a difference of two readings may be off, Wh: a register says whole watt-hours, rounded down, and the total
 * is the sum of two, day and night. Source: the telegram's three decimals of a kWh.
 */
export const resolutionWh = 2

const replacedAfterMs = 15 * 60_000
const replacedAfterReadings = 60

/** A reading that is believed, and which meter, counted from the first, it is of. */
export interface BelievedPoint extends RegisterPoint {
  readonly segment: number
}

const runsOf = (
  points: ReadonlyArray<RegisterPoint>,
  changedBetween: (from: RegisterPoint, to: RegisterPoint) => boolean,
): ReadonlyArray<ReadonlyArray<RegisterPoint>> => {
  const runs: Array<Array<RegisterPoint>> = []
  for (const point of points) {
    const run = runs.at(-1)
    const previous = run?.at(-1)
    if (run !== undefined && previous !== undefined && follows(previous, point) && !changedBetween(previous, point)) {
      run.push(point)
    } else runs.push([point])
  }
  return runs
}

const held = (run: ReadonlyArray<RegisterPoint>): boolean =>
  run.length >= replacedAfterReadings && (run.at(-1)?.tsMs ?? 0) - (run[0]?.tsMs ?? 0) >= replacedAfterMs

/**
 * Those of the readings, in order of time, that are believed. A reading that cannot follow is a glitch until the
 * registers are back, or a replaced meter: its id changed (`changesMs`), or its readings have held for 15 minutes and
 * 60 of them. What lies between is not believed, then or later.
 */
export const believedPoints = (
  readings: ReadonlyArray<RegisterPoint>,
  changesMs: ReadonlyArray<number>,
): ReadonlyArray<BelievedPoint> => {
  const changedBetween = (from: RegisterPoint, to: RegisterPoint): boolean =>
    changesMs.some((changeMs) => changeMs > from.tsMs && changeMs <= to.tsMs)
  const believed: Array<BelievedPoint> = []
  const withRegister = readings.filter(({ importKwh, exportKwh }) => importKwh !== null || exportKwh !== null)
  for (const run of runsOf(withRegister, changedBetween)) {
    const [first] = run
    const last = believed.at(-1)
    if (first === undefined) continue
    const replaced = last !== undefined && changedBetween(last, first)
    if (last === undefined || replaced || follows(last, first) || held(run)) {
      const anew = last !== undefined && (replaced || !follows(last, first))
      const segment = (last?.segment ?? 0) + (anew ? 1 : 0)
      for (const point of run) believed.push({ ...point, segment })
    }
  }
  return believed
}
