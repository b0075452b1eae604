import { type DateTime, Effect } from "effect"
import type { ImportedQuarter } from "../../domain/index.ts"
import { columnOf, type Line, linesOf, numberOf, UnreadableFile } from "./Csv.ts"
import { isoDate, makeLocalTimes } from "./LocalTimes.ts"
import { quartersOfHour, type ReadFile, skipping } from "./ReadFile.ts"

/** The columns in Dutch and English. Source: downloads of Mijn Fluvius, consumption history. */
const columns = {
  fromDate: ["van (datum)", "from (date)"],
  fromTime: ["van (tijdstip)", "from (time)"],
  toTime: ["tot (tijdstip)", "until (time)", "to (time)"],
  register: ["register"],
  volume: ["volume"],
  unit: ["eenheid", "unit"],
  status: ["validatiestatus", "validation status"],
} as const

const measured = /^(gevalideerd|uitgelezen|validated|read)$/i
const minutesOf = (time: string): number => Number(time.split(":")[0]) * 60 + Number(time.split(":")[1])

/** 15 or 60 minutes from one wall-clock time to the other, also over the hour that is skipped or repeated. */
const spanOf = (from: string, to: string): 900 | 3600 | undefined => {
  const minutes = (minutesOf(to) - minutesOf(from) + 1440) % 1440
  if ([15, 75, 1395].includes(minutes)) return 900
  return [60, 120, 0].includes(minutes) ? 3600 : undefined
}

interface Interval {
  readonly spanS: 900 | 3600
  importWh: number | null
  exportWh: number | null
  validated: boolean
}

const registerOf = (name: string): "importWh" | "exportWh" | undefined => {
  if (/^(afname|offtake)/i.test(name)) return "importWh"
  return /^(injectie|injection)/i.test(name) ? "exportWh" : undefined
}

const inOrder = (lines: ReadonlyArray<Line>): ReadonlyArray<Line> => {
  const dateOf = (line: Line | undefined) => isoDate(line && columnOf(line, columns.fromDate)) ?? ""
  return dateOf(lines[0]) > dateOf(lines.at(-1)) ? lines.toReversed() : lines
}

const quartersOf = (
  startMs: number,
  { exportWh, importWh, spanS, validated }: Interval,
): ReadonlyArray<ImportedQuarter> => {
  const base = { source: "fluvius", validated, spanS } as const
  if (importWh === null) return []
  if (spanS === 900) return [{ ...base, startMs, energyImportWh: importWh, energyExportWh: exportWh }]
  const exports = exportWh === null ? null : quartersOfHour(exportWh)
  return quartersOfHour(importWh).map((energyImportWh, i) => ({
    ...base,
    startMs: startMs + i * 900_000,
    energyImportWh,
    energyExportWh: exports?.[i] ?? null,
  }))
}

/**
 * Reads the grid operator's history by quarter-hour or hour: one line an interval and register, energy in kWh. Day
 * and night add up. An empty volume says nothing; what is neither read nor validated counts as an estimate.
 */
export const readFluvius = (text: string, zone: DateTime.TimeZone): Effect.Effect<ReadFile, UnreadableFile> =>
  Effect.gen(function* () {
    const lines = yield* linesOf(text)
    const [first] = lines
    if (first === undefined || Object.values(columns).some((names) => columnOf(first, names) === undefined)) {
      return yield* new UnreadableFile({
        message:
          "This is not a history of Fluvius: download the quarter-hour totals (kwartiertotalen) of electricity in Mijn Fluvius and give that file.",
      })
    }
    const { skip, skipped } = skipping()
    const clocks = new Map<string, ReturnType<typeof makeLocalTimes>>()
    const intervals = new Map<number, Interval>()
    for (const line of inOrder(lines)) {
      const of = (names: ReadonlyArray<string>): string => columnOf(line, names) ?? ""
      const register = registerOf(of(columns.register))
      const date = isoDate(of(columns.fromDate))
      const spanS = spanOf(of(columns.fromTime), of(columns.toTime))
      const clock = clocks.get(of(columns.register)) ?? makeLocalTimes(zone)
      clocks.set(of(columns.register), clock)
      if (register === undefined || of(columns.unit).toLowerCase() !== "kwh") {
        skip("neither offtake nor injection in kWh")
        continue
      }
      const startMs = date === undefined ? undefined : clock(date, of(columns.fromTime))
      const volume = numberOf(of(columns.volume))
      if (spanS === undefined) skip("neither a quarter-hour nor an hour")
      else if (startMs === undefined) skip("a time that does not exist or was given before")
      else if (volume === undefined || volume < 0) skip("no volume")
      else {
        const interval = intervals.get(startMs) ?? { spanS, importWh: null, exportWh: null, validated: true }
        interval[register] = (interval[register] ?? 0) + Math.round(volume * 1000)
        interval.validated &&= measured.test(of(columns.status))
        intervals.set(startMs, interval)
      }
    }
    skip("injection without offtake", [...intervals.values()].filter(({ importWh }) => importWh === null).length)
    return {
      rows: lines.length,
      quarters: [...intervals].flatMap(([startMs, interval]) => quartersOf(startMs, interval)),
      skipped,
    }
  })
