import { quarterHourMs } from "./QuarterTime.ts"
import { believedPoints, follows, type RegisterPoint, toWh } from "./Registers.ts"

/** A power is held after its sample, and samples cover what lies between them, for at most this long. */
export const holdMs = 120_000

/** How far around a quarter-hour readings are looked at to tell a glitch from a replaced meter. */
export const doubtReachMs = 4 * quarterHourMs

/** What the registers jumped by where a meter was replaced, Wh. */
export interface Seam {
  readonly importWh: number
  readonly exportWh: number
}

interface Points {
  readonly first: RegisterPoint
  readonly last: RegisterPoint
  readonly before: RegisterPoint | null
  readonly after: RegisterPoint | null
  readonly seam: Seam | null
}

/**
 * What the samples in and around one quarter-hour say: gathered by the store, decided upon by `quarterHourOf`.
 *
 * `before` and `after` are the nearest samples outside: the last before the start, the first at or after the end.
 * `steady`: each of these and those inside follows from the one before. Where not, the points are those of them that
 * {@link believedPoints} leaves, without registers where none is left inside; `before` and `after` are null where
 * another meter gave them; `seam` is where the meter was replaced inside.
 *
 * Integrals (watt-seconds) hold each power until the next sample, for at most 120 s, clipped to the window; `heldMs`
 * is the time they span. `coveredMs` is the part of the window between samples at most 120 s apart.
 */
export interface WindowFacts extends Points {
  readonly startMs: number
  readonly sampleCount: number
  readonly steady: boolean
  readonly importIntegralWs: number
  readonly exportIntegralWs: number
  readonly heldMs: number
  readonly coveredMs: number
  readonly maxPowerW: number
}

/** A sample as the facts of windows are gathered from it. */
export interface WindowSample extends RegisterPoint {
  readonly powerW: number
}

const pointOf = ({ tsMs, importKwh, exportKwh }: RegisterPoint): RegisterPoint => ({ tsMs, importKwh, exportKwh })
const withoutRegisters = ({ tsMs }: RegisterPoint): RegisterPoint => ({ tsMs, importKwh: null, exportKwh: null })

const isSteady = (chain: ReadonlyArray<WindowSample>, changesMs: ReadonlyArray<number>): boolean =>
  chain.every((point, i) => i === 0 || follows(chain[i - 1] ?? point, point)) &&
  !changesMs.some((changeMs) => changeMs > (chain[0]?.tsMs ?? 0) && changeMs <= (chain.at(-1)?.tsMs ?? 0))

/** The readings that decide a window in doubt: those within reach, or the nearest on a side that has none. */
const withinReach = (samples: ReadonlyArray<WindowSample>, startMs: number): ReadonlyArray<WindowSample> => {
  const endMs = startMs + quarterHourMs
  const from = samples.findIndex(({ tsMs }) => tsMs >= startMs - doubtReachMs)
  const to = samples.findLastIndex(({ tsMs }) => tsMs < endMs + doubtReachMs)
  const nothingBefore = (samples[from]?.tsMs ?? Infinity) >= startMs
  const nothingAfter = (samples[to]?.tsMs ?? -Infinity) < endMs
  return samples.slice(Math.max(0, nothingBefore ? from - 1 : from), nothingAfter ? to + 2 : to + 1)
}

const doubtedPoints = (
  samples: ReadonlyArray<WindowSample>,
  startMs: number,
  changesMs: ReadonlyArray<number>,
): Pick<Points, "before" | "after" | "seam"> & Partial<Points> => {
  const endMs = startMs + quarterHourMs
  const believed = believedPoints(withinReach(samples, startMs), changesMs)
  const within = believed.filter(({ tsMs }) => tsMs >= startMs && tsMs < endMs)
  const before = believed.findLast(({ tsMs }) => tsMs < startMs)
  const after = believed.find(({ tsMs }) => tsMs >= endMs)
  const first = within[0]
  const last = within.at(-1)
  let seam: Seam | null = null
  within.forEach((point, i) => {
    const previous = within[i - 1]
    if (previous === undefined || previous.segment === point.segment) return
    seam = {
      importWh: (seam?.importWh ?? 0) + (toWh(point.importKwh) ?? 0) - (toWh(previous.importKwh) ?? 0),
      exportWh: (seam?.exportWh ?? 0) + (toWh(point.exportKwh) ?? 0) - (toWh(previous.exportKwh) ?? 0),
    }
  })
  return {
    ...(first && last && { first: pointOf(first), last: pointOf(last) }),
    before: before && before.segment === (first ?? after)?.segment ? pointOf(before) : null,
    after: after && after.segment === (last ?? before)?.segment ? pointOf(after) : null,
    seam,
  }
}

/** How long each power counts inside a window, and what of it the samples cover. */
const integrals = (chain: ReadonlyArray<WindowSample>, startMs: number) => {
  const endMs = startMs + quarterHourMs
  let importWms = 0
  let exportWms = 0
  let heldMs = 0
  let coveredMs = 0
  chain.forEach((sample, i) => {
    const next = chain[i + 1]
    if (next === undefined) return
    const overlap = (untilMs: number) => Math.max(0, Math.min(untilMs, endMs) - Math.max(sample.tsMs, startMs))
    const forMs = overlap(Math.min(next.tsMs, sample.tsMs + holdMs))
    importWms += Math.max(sample.powerW, 0) * forMs
    exportWms += Math.max(-sample.powerW, 0) * forMs
    heldMs += forMs
    if (next.tsMs - sample.tsMs <= holdMs) coveredMs += overlap(next.tsMs)
  })
  return { importIntegralWs: importWms / 1000, exportIntegralWs: exportWms / 1000, heldMs, coveredMs }
}

/**
 * The facts of the window at `startMs`, from samples in order of time: all of the window's and the nearest on either
 * side, and where those do not follow from each other, all within {@link doubtReachMs}. `changesMs` is when another
 * meter was first seen. Stores that speak SQL gather the same of steady windows; a test holds the two together.
 */
export const gatherFacts = (
  samples: ReadonlyArray<WindowSample>,
  startMs: number,
  changesMs: ReadonlyArray<number> = [],
): WindowFacts | null => {
  const endMs = startMs + quarterHourMs
  const inside = samples.filter(({ tsMs }) => tsMs >= startMs && tsMs < endMs)
  const first = inside[0]
  const last = inside.at(-1)
  if (first === undefined || last === undefined) return null
  const before = samples.findLast(({ tsMs }) => tsMs < startMs) ?? null
  const after = samples.find(({ tsMs }) => tsMs >= endMs) ?? null
  const chain = [before, ...inside, after].filter((sample) => sample !== null)
  const steady = isSteady(chain, changesMs)
  const points = steady
    ? { first: pointOf(first), last: pointOf(last), before: before && pointOf(before), after: after && pointOf(after) }
    : {
        first: withoutRegisters(first),
        last: withoutRegisters(last),
        ...doubtedPoints(samples, startMs, changesMs),
      }
  return {
    startMs,
    sampleCount: inside.length,
    steady,
    seam: null,
    ...points,
    ...integrals(chain, startMs),
    maxPowerW: Math.max(...inside.map(({ powerW }) => powerW)),
  }
}
