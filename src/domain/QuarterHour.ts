import { Schema } from "effect"
import { quarterHourMs } from "./QuarterTime.ts"
import { continues, interpolateWh, type Register, type RegisterPoint, resolutionWh, toWh } from "./Registers.ts"
import { holdMs, type WindowFacts } from "./WindowFacts.ts"

/**
 * How a quarter-hour's energy is known: by the registers at its edges; by integrating power where there are no
 * registers; as an even share of a gap's total; as imported from the grid operator.
 */
export const Method = Schema.Literal("register", "power", "spread", "import").annotations({ identifier: "Method" })
export type Method = typeof Method.Type

/**
 * What a reader sees of a quarter-hour, sampled or inside a gap. Energies are watt-hours, `lowWh` and `highWh` bound
 * what was imported for certain, also between the watt-hours that registers tell (`highWh` null: no bound known),
 * `meanPowerW` is import less export, `spanMs` is the time
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
 * add up exactly. `joined`: its start was interpolated from the sample before, so that a gap there has a known total.
 */
export interface QuarterHour extends QuarterHourView {
  readonly steady: boolean
  readonly joined: boolean
  readonly first: RegisterPoint
  readonly last: RegisterPoint
  readonly startImportWh: number | null
  readonly endImportWh: number | null
  readonly startExportWh: number | null
  readonly endExportWh: number | null
  readonly maxPowerW: number
}

const tightBracketMs = 30_000
const slackWh = 10
const slackShare = 0.02
const enoughCoverage = 0.9

interface Edge {
  readonly wh: number | null
  /** How far apart the samples around the edge are: 0 with one on it, Infinity where a side is missing. */
  readonly bracketMs: number
  readonly joined: boolean
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
    const bracketMs = onEdge ? 0 : to.tsMs - from.tsMs
    return { wh: interpolateWh(from, to, atMs, register), bracketMs, joined: true }
  }
  return { wh: toWh(inside[register]), bracketMs: onEdge && to === inside ? 0 : Infinity, joined: false }
}

/** Both edges of a window; where nothing inside is believed, both lie between the readings around it. */
const edgesOf = ({ startMs, first, last, before, after }: WindowFacts, register: Register): readonly [Edge, Edge] => {
  const empty = first[register] === null
  return [
    edgeAt(startMs, before, empty ? after : first, first, register),
    edgeAt(startMs + quarterHourMs, empty ? before : last, after, last, register),
  ]
}

const energyBetween = (start: Edge, end: Edge, seamWh: number): number | null =>
  start.wh === null || end.wh === null ? null : Math.max(0, end.wh - start.wh - seamWh)

const differenceWh = (from: RegisterPoint, to: RegisterPoint, seamWh: number): number =>
  Math.max(0, Math.round(((to.importKwh ?? 0) - (from.importKwh ?? 0)) * 1000) - seamWh)

/** At least this was imported where registers differ by `wh`; across a seam two meters counted. */
const atLeast = (wh: number, meters: 1 | 2): number => Math.max(0, wh - meters * resolutionWh)

/** What was imported from a quarter-hour's first sample to its last, by its registers, Wh; null without them. */
export const betweenSamplesWh = (quarter: QuarterHour): number | null => {
  const { endImportWh, energyImportWh, first, last, startImportWh } = quarter
  if (startImportWh === null || endImportWh === null) return null
  return differenceWh(first, last, Math.max(0, endImportWh - startImportWh - energyImportWh))
}

/** Decides a quarter-hour from its facts. Rules: design of the numbers, 1 to 3 and 5. */
export const quarterHourOf = (facts: WindowFacts): QuarterHour => {
  const { startMs, first, last, before, after, seam } = facts
  const endMs = startMs + quarterHourMs
  const [startImport, endImport] = edgesOf(facts, "importKwh")
  const [startExport, endExport] = edgesOf(facts, "exportKwh")
  const importWh = energyBetween(startImport, endImport, seam?.importWh ?? 0)
  const exportWh = energyBetween(startExport, endExport, seam?.exportWh ?? 0)
  const brackets = [startImport.bracketMs, endImport.bracketMs]
  const bracketed = brackets.every(Number.isFinite) && seam === null
  const coverage = Math.min(1, facts.coveredMs / quarterHourMs)

  const anchor = first.tsMs === startMs && first.importKwh !== null ? first : before
  const aroundWh = importWh !== null && bracketed && anchor && after ? differenceWh(anchor, after, 0) : null
  const insideWh = importWh === null ? 0 : differenceWh(first, last, seam?.importWh ?? 0)
  const inGap = brackets.some((bracketMs) => bracketMs > holdMs && Number.isFinite(bracketMs))
  const tight = bracketed && brackets.every((bracketMs) => bracketMs <= tightBracketMs)
  return {
    startMs,
    sampleCount: facts.sampleCount,
    steady: facts.steady,
    joined: startImport.joined,
    first,
    last,
    startImportWh: startImport.wh,
    endImportWh: endImport.wh,
    startExportWh: startExport.wh,
    endExportWh: endExport.wh,
    energyImportWh: importWh ?? Math.round(facts.importIntegralWs / 3600),
    energyExportWh: exportWh ?? Math.round(facts.exportIntegralWs / 3600),
    lowWh: atLeast(insideWh, seam === null ? 1 : 2),
    highWh: aroundWh === null ? null : aroundWh + resolutionWh,
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
        : tight || (aroundWh !== null && aroundWh - insideWh <= Math.max(slackWh, aroundWh * slackShare)),
  }
}
