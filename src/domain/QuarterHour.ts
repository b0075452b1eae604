import { Schema } from "effect"
import { fromEpochMillis, type Instant } from "./Instant.ts"

export const quarterHourMs = 900_000
export const quarterHoursPerHour = 4

/** The start of the quarter-hour that holds an instant: a UTC multiple of 900 s, on DST nights too. */
export const quarterStartMs = (epochMillis: number): number => Math.floor(epochMillis / quarterHourMs) * quarterHourMs
export const quarterStart = (instant: Instant): Instant => fromEpochMillis(quarterStartMs(instant.epochMillis))

/** Power in watts that an energy in watt-hours makes over a quarter-hour. */
export const quarterPowerW = (energyWh: number): number => energyWh * quarterHoursPerHour

/**
 * How a quarter-hour's energy is known: by the registers at its edges; by integrating power where there are no
 * registers; as an even share of a gap's total; as imported from the grid operator.
 */
export const Method = Schema.Literal("register", "power", "spread", "import").annotations({ identifier: "Method" })
export type Method = typeof Method.Type

/** The registers that one sample gives, kWh; null where the meter has none. */
export interface RegisterPoint {
  readonly tsMs: number
  readonly importKwh: number | null
  readonly exportKwh: number | null
}

/**
 * What the samples in and around one quarter-hour say: gathered by the store, decided upon by {@link quarterHourOf}.
 *
 * `before` and `after` are the nearest samples outside: the last before the start, the first at or after the end.
 * Integrals (watt-seconds) hold each power until the next sample, for at most 120 s, clipped to the window; `heldMs`
 * is the time they span. `coveredMs` is the part of the window between samples at most 120 s apart.
 */
export interface WindowFacts {
  readonly startMs: number
  readonly sampleCount: number
  readonly first: RegisterPoint
  readonly last: RegisterPoint
  readonly before: RegisterPoint | null
  readonly after: RegisterPoint | null
  readonly importIntegralWs: number
  readonly exportIntegralWs: number
  readonly heldMs: number
  readonly coveredMs: number
  readonly maxPowerW: number
}

/**
 * What a reader sees of a quarter-hour, sampled or inside a gap. Energies are watt-hours, `lowWh` and `highWh` bound
 * the import for certain (`highWh` null: no bound known), `meanPowerW` is import less export, `spanMs` is the time
 * the energy stands for: 900 s, less only where the first or last sample of all cuts it.
 */
export interface QuarterHourView {
  readonly startMs: number
  readonly sampleCount: number
  readonly energyImportWh: number
  readonly energyExportWh: number
  readonly lowWh: number
  readonly highWh: number | null
  readonly meanPowerW: number
  readonly maxPowerW: number | null
  readonly coverage: number
  readonly spanMs: number
  readonly method: Method
  readonly eligible: boolean
}

/**
 * A quarter-hour that holds samples, as it is stored. The registers at its edges are interpolated between the
 * neighbouring samples and rounded to the watt-hour before they are subtracted, so that consecutive quarter-hours
 * add up exactly.
 */
export interface QuarterHour extends QuarterHourView {
  readonly first: RegisterPoint
  readonly last: RegisterPoint
  readonly startImportWh: number | null
  readonly endImportWh: number | null
  readonly startExportWh: number | null
  readonly endExportWh: number | null
  readonly maxPowerW: number
}

/** A power is held after its sample, and samples cover what lies between them, for at most this long. */
export const holdMs = 120_000
const tightBracketMs = 30_000
const noiseKwh = 0.01
const plausibleKw = 100
const slackWh = 10
const slackShare = 0.02
const enoughCoverage = 0.9

type Register = "importKwh" | "exportKwh"

/** Whether a register can have gone from one point to the next: no fall beyond noise, no rise beyond 100 kW. */
const continues = (from: RegisterPoint, to: RegisterPoint, register: Register): boolean => {
  const a = from[register]
  const b = to[register]
  if (a === null || b === null) return false
  const plausibleKwh = (plausibleKw * Math.max(to.tsMs - from.tsMs, 1000)) / 3_600_000
  return b >= a - noiseKwh && b - a <= plausibleKwh
}

/** The register in Wh at an instant between two points, linear in time; a fall within the noise counts as level. */
const interpolateWh = (from: RegisterPoint, to: RegisterPoint, atMs: number, register: Register): number => {
  const a = from[register] ?? 0
  const b = Math.max(to[register] ?? 0, a)
  return Math.round((a + ((b - a) * (atMs - from.tsMs)) / (to.tsMs - from.tsMs)) * 1000)
}

const toWh = (kwh: number | null): number | null => (kwh === null ? null : Math.round(kwh * 1000))

interface Edge {
  readonly wh: number | null
  /** How far apart the samples around the edge are: 0 with one on it, Infinity where a side is missing. */
  readonly bracketMs: number
}

const edgeAt = (
  atMs: number,
  from: RegisterPoint | null,
  to: RegisterPoint | null,
  inside: RegisterPoint,
  register: Register,
): Edge => {
  const onEdge = to?.tsMs === atMs
  if (from !== null && to !== null && continues(from, to, register)) {
    return { wh: interpolateWh(from, to, atMs, register), bracketMs: onEdge ? 0 : to.tsMs - from.tsMs }
  }
  return { wh: toWh(inside[register]), bracketMs: onEdge && to === inside ? 0 : Infinity }
}

const energyBetween = (start: Edge, end: Edge): number | null =>
  start.wh === null || end.wh === null ? null : Math.max(0, end.wh - start.wh)

const differenceWh = (from: RegisterPoint, to: RegisterPoint): number =>
  Math.max(0, Math.round(((to.importKwh ?? 0) - (from.importKwh ?? 0)) * 1000))

/** Decides a quarter-hour from its facts. Rules: design of the numbers, 1 to 3 and 5. */
export const quarterHourOf = (facts: WindowFacts): QuarterHour => {
  const { startMs, first, last, before, after } = facts
  const endMs = startMs + quarterHourMs
  const startImport = edgeAt(startMs, before, first, first, "importKwh")
  const endImport = edgeAt(endMs, last, after, last, "importKwh")
  const startExport = edgeAt(startMs, before, first, first, "exportKwh")
  const endExport = edgeAt(endMs, last, after, last, "exportKwh")
  const importWh = energyBetween(startImport, endImport)
  const brackets = [startImport.bracketMs, endImport.bracketMs]
  const coverage = Math.min(1, facts.coveredMs / quarterHourMs)

  const anchor = first.tsMs === startMs ? first : before
  const highWh =
    importWh !== null && anchor !== null && after !== null && brackets.every(Number.isFinite)
      ? differenceWh(anchor, after)
      : null
  const lowWh = importWh === null ? 0 : differenceWh(first, last)
  const inGap = brackets.some((bracketMs) => bracketMs > holdMs && Number.isFinite(bracketMs))
  return {
    startMs,
    sampleCount: facts.sampleCount,
    first,
    last,
    startImportWh: startImport.wh,
    endImportWh: endImport.wh,
    startExportWh: startExport.wh,
    endExportWh: endExport.wh,
    energyImportWh: importWh ?? Math.round(facts.importIntegralWs / 3600),
    energyExportWh: energyBetween(startExport, endExport) ?? Math.round(facts.exportIntegralWs / 3600),
    lowWh,
    highWh,
    meanPowerW:
      facts.heldMs > 0 ? ((facts.importIntegralWs - facts.exportIntegralWs) * 1000) / facts.heldMs : facts.maxPowerW,
    maxPowerW: facts.maxPowerW,
    coverage,
    spanMs:
      importWh === null
        ? facts.heldMs
        : (Number.isFinite(endImport.bracketMs) ? endMs : last.tsMs) -
          (Number.isFinite(startImport.bracketMs) ? startMs : first.tsMs),
    method: importWh === null ? "power" : inGap ? "spread" : "register",
    eligible:
      importWh === null
        ? coverage >= enoughCoverage
        : brackets.every((bracketMs) => bracketMs <= tightBracketMs) ||
          (highWh !== null && highWh - lowWh <= Math.max(slackWh, highWh * slackShare)),
  }
}

/** The quarter-hours of the gap between two stored ones: its total, known, split evenly, assumed. */
const spread = (a: QuarterHour, b: QuarterHour): ReadonlyArray<QuarterHourView> => {
  if (!continues(a.last, b.first, "importKwh")) return []
  const hasExport = continues(a.last, b.first, "exportKwh")
  const highWh = differenceWh(a.last, b.first)
  const energyWh = (register: Register, startMs: number): number =>
    interpolateWh(a.last, b.first, startMs + quarterHourMs, register) -
    interpolateWh(a.last, b.first, startMs, register)
  const views: Array<QuarterHourView> = []
  for (let startMs = a.startMs + quarterHourMs; startMs < b.startMs; startMs += quarterHourMs) {
    const energyImportWh = energyWh("importKwh", startMs)
    const energyExportWh = hasExport ? energyWh("exportKwh", startMs) : 0
    views.push({
      startMs,
      sampleCount: 0,
      energyImportWh,
      energyExportWh,
      lowWh: 0,
      highWh,
      meanPowerW: quarterPowerW(energyImportWh - energyExportWh),
      maxPowerW: null,
      coverage: 0,
      spanMs: quarterHourMs,
      method: "spread",
      eligible: false,
    })
  }
  return views
}

/**
 * Every quarter-hour in [fromMs, toMs) that is known: the stored ones and those of the gaps between them. `stored` is
 * in order and reaches one row beyond the range on either side, where there is one.
 */
export const expandQuarterHours = (
  stored: ReadonlyArray<QuarterHour>,
  fromMs: number,
  toMs: number,
): ReadonlyArray<QuarterHourView> =>
  stored
    .flatMap((row, i): ReadonlyArray<QuarterHourView> => {
      const next = stored[i + 1]
      return next === undefined ? [row] : [row, ...spread(row, next)]
    })
    .filter(({ startMs }) => startMs >= fromMs && startMs < toMs)

/** A sample as the facts of windows are gathered from it. */
export interface WindowSample extends RegisterPoint {
  readonly powerW: number
}

const pointOf = ({ tsMs, importKwh, exportKwh }: RegisterPoint): RegisterPoint => ({ tsMs, importKwh, exportKwh })

/**
 * The facts of the window at `startMs`, from samples in order of time that hold at least all of the window's and the
 * nearest on either side. Stores that speak SQL gather the same; a test holds the two together.
 */
export const gatherFacts = (samples: ReadonlyArray<WindowSample>, startMs: number): WindowFacts | null => {
  const endMs = startMs + quarterHourMs
  const inside = samples.filter(({ tsMs }) => tsMs >= startMs && tsMs < endMs)
  const first = inside[0]
  const last = inside.at(-1)
  if (first === undefined || last === undefined) return null
  const before = samples.findLast(({ tsMs }) => tsMs < startMs) ?? null
  const after = samples.find(({ tsMs }) => tsMs >= endMs) ?? null
  const chain = [before, ...inside, after].filter((sample) => sample !== null)
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
  return {
    startMs,
    sampleCount: inside.length,
    first: pointOf(first),
    last: pointOf(last),
    before: before && pointOf(before),
    after: after && pointOf(after),
    importIntegralWs: importWms / 1000,
    exportIntegralWs: exportWms / 1000,
    heldMs,
    coveredMs,
    maxPowerW: Math.max(...inside.map(({ powerW }) => powerW)),
  }
}
