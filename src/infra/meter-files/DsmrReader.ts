import { DateTime, Effect, Option } from "effect"
import type { ImportedQuarter } from "../../domain/index.ts"
import { type Line, linesOf, numberOf, UnreadableFile } from "./Csv.ts"
import { quartersOfHour, type ReadFile, skipping } from "./ReadFile.ts"

const sumWh = (line: Line, returned: boolean): number | undefined => {
  const names = Object.keys(line).filter((name) => /^electricity [12]/.test(name) && /returned/.test(name) === returned)
  const values = names.flatMap((name) => numberOf(line[name]) ?? [])
  if (values.length === 0 || values.length < names.length) return undefined
  return Math.round(values.reduce((sum, value) => sum + value, 0) * 1000)
}

const startOf = (line: Line): number | undefined =>
  Option.getOrUndefined(Option.map(DateTime.make(line["hour start"] ?? ""), ({ epochMillis }) => epochMillis))

/** Reads dsmr-reader's export by hour: what each hour took and returned, in kWh; times carry their offset. */
export const readDsmrReader = (text: string): Effect.Effect<ReadFile, UnreadableFile> =>
  Effect.gen(function* () {
    const lines = yield* linesOf(text)
    if (lines[0]?.["hour start"] === undefined) {
      return yield* new UnreadableFile({
        message:
          "This is not dsmr-reader's export by hour: export the hour statistics as CSV there and give that file.",
      })
    }
    const { skip, skipped } = skipping()
    const given = new Set<number>()
    const quarters = lines.flatMap((line): ReadonlyArray<ImportedQuarter> => {
      const startMs = startOf(line)
      const importWh = sumWh(line, false)
      const exports = quartersOfHour(sumWh(line, true) ?? 0)
      if (startMs === undefined || startMs % 3_600_000 !== 0 || given.has(startMs)) {
        skip("a time that is no whole hour or was given before")
        return []
      }
      given.add(startMs)
      if (importWh === undefined || importWh < 0) {
        skip("no volume")
        return []
      }
      return quartersOfHour(importWh).map((energyImportWh, i) => ({
        startMs: startMs + i * 900_000,
        energyImportWh,
        energyExportWh: exports[i] ?? 0,
        spanS: 3600,
        source: "dsmr-reader",
        validated: true,
      }))
    })
    return { rows: lines.length, quarters, skipped }
  })
