import { Option } from "effect"
import { quarterHourMs, quarterStartMs } from "./QuarterTime.ts"
import { follows, type RegisterPoint } from "./Registers.ts"
import { holdMs, type WindowFacts, type WindowSample } from "./WindowFacts.ts"

/** The newest quarter-hour of a device: its facts, of which none is `after`, and the power of its last sample. */
export interface Tail {
  readonly facts: WindowFacts
  readonly lastPowerW: number
}

const pointOf = ({ exportKwh, importKwh, tsMs }: WindowSample): RegisterPoint => ({ tsMs, importKwh, exportKwh })

/** Sums in watt-milliseconds are whole numbers, so that the order of adding does not matter. */
const plusWs = (ws: number, watts: number, forMs: number): number => (Math.round(ws * 1000) + watts * forMs) / 1000

/** A window's facts with what one sample holds until the next, as far as that lies in the window. */
const withHeld = (facts: WindowFacts, tsMs: number, powerW: number, nextMs: number): WindowFacts => {
  const endMs = facts.startMs + quarterHourMs
  const within = (untilMs: number) => Math.max(0, Math.min(untilMs, endMs) - Math.max(tsMs, facts.startMs))
  const forMs = within(Math.min(nextMs, tsMs + holdMs))
  return {
    ...facts,
    importIntegralWs: plusWs(facts.importIntegralWs, Math.max(powerW, 0), forMs),
    exportIntegralWs: plusWs(facts.exportIntegralWs, Math.max(-powerW, 0), forMs),
    heldMs: facts.heldMs + forMs,
    coveredMs: facts.coveredMs + (nextMs - tsMs <= holdMs ? within(nextMs) : 0),
  }
}

const opened = (sample: WindowSample, before: RegisterPoint): WindowFacts => ({
  startMs: quarterStartMs(sample.tsMs),
  sampleCount: 1,
  steady: true,
  seam: null,
  first: pointOf(sample),
  last: pointOf(sample),
  before,
  after: null,
  importIntegralWs: 0,
  exportIntegralWs: 0,
  heldMs: 0,
  coveredMs: 0,
  maxPowerW: sample.powerW,
})

/**
 * The facts of the newest quarter-hour and of those after it, once samples that are all newer, in order of time, have
 * come: the same as gathering them from all samples again. None where that takes more than these: where a reading
 * does not follow from the one before.
 */
export const appendSamples = (
  tail: Tail,
  samples: ReadonlyArray<WindowSample>,
): Option.Option<{ readonly changed: ReadonlyArray<WindowFacts>; readonly tail: Tail }> => {
  const closed: Array<WindowFacts> = []
  let { facts, lastPowerW } = tail
  for (const sample of samples) {
    const { last } = facts
    if (sample.tsMs <= last.tsMs || !follows(last, sample)) return Option.none()
    const held = withHeld(facts, last.tsMs, lastPowerW, sample.tsMs)
    if (quarterStartMs(sample.tsMs) === facts.startMs) {
      facts = {
        ...held,
        sampleCount: held.sampleCount + 1,
        last: pointOf(sample),
        maxPowerW: Math.max(held.maxPowerW, sample.powerW),
      }
    } else {
      closed.push({ ...held, after: pointOf(sample) })
      facts = withHeld(opened(sample, last), last.tsMs, lastPowerW, sample.tsMs)
    }
    lastPowerW = sample.powerW
  }
  return Option.some({ changed: [...closed, facts], tail: { facts, lastPowerW } })
}
