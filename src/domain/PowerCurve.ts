import type { Sample } from "./Sample.ts"

/** How finely a power curve is kept: UTC minutes and hours. */
export const curveBucketMs = { minute: 60_000, hour: 3_600_000 } as const
export type CurveBucket = keyof typeof curveBucketMs

/** One phase of a power curve; null where the meter gave nothing. */
export interface PhasePoint {
  readonly meanPowerW: number | null
  readonly minVoltageV: number | null
  readonly maxVoltageV: number | null
}

/**
 * A minute or an hour of a power curve, starting at `startMs`: watts as the meter gave them, means over the samples.
 * It says how power went, not what energy was used: energy comes from the registers, in quarter-hours.
 */
export interface PowerPoint {
  readonly startMs: number
  readonly sampleCount: number
  readonly meanPowerW: number
  readonly minPowerW: number
  readonly maxPowerW: number
  readonly phases: readonly [PhasePoint, PhasePoint, PhasePoint]
}

type Numbers = ReadonlyArray<number>

const known = (values: ReadonlyArray<number | null>): Numbers => values.filter((value) => value !== null)
const orNull = (values: Numbers, of: (values: Numbers) => number): number | null =>
  values.length === 0 ? null : of(values)
const mean = (values: Numbers): number => values.reduce((sum, value) => sum + value, 0) / values.length
const least = (values: Numbers): number => Math.min(...values)
const most = (values: Numbers): number => Math.max(...values)

const phaseOf = (powers: ReadonlyArray<number | null>, voltages: ReadonlyArray<number | null>): PhasePoint => ({
  meanPowerW: orNull(known(powers), mean),
  minVoltageV: orNull(known(voltages), least),
  maxVoltageV: orNull(known(voltages), most),
})

const pointOf = (startMs: number, samples: ReadonlyArray<Sample>): PowerPoint => {
  const powers = samples.map(({ powerW }) => powerW)
  const all = (of: (sample: Sample) => number | null) => samples.map(of)
  return {
    startMs,
    sampleCount: samples.length,
    meanPowerW: mean(powers),
    minPowerW: least(powers),
    maxPowerW: most(powers),
    phases: [
      phaseOf(
        all(({ powerL1W }) => powerL1W),
        all(({ voltageL1V }) => voltageL1V),
      ),
      phaseOf(
        all(({ powerL2W }) => powerL2W),
        all(({ voltageL2V }) => voltageL2V),
      ),
      phaseOf(
        all(({ powerL3W }) => powerL3W),
        all(({ voltageL3V }) => voltageL3V),
      ),
    ],
  }
}

/** The power curve of samples in order of time; a bucket without samples gives no point. */
export const powerCurve = (samples: ReadonlyArray<Sample>, bucket: CurveBucket): ReadonlyArray<PowerPoint> => {
  const groups = new Map<number, Array<Sample>>()
  for (const sample of samples) {
    const startMs = Math.floor(sample.ts.epochMillis / curveBucketMs[bucket]) * curveBucketMs[bucket]
    const group = groups.get(startMs)
    if (group === undefined) groups.set(startMs, [sample])
    else group.push(sample)
  }
  return [...groups].map(([startMs, group]) => pointOf(startMs, group))
}
