import { type DateTime, Effect } from "effect"
import { continues, type ImportedQuarter, type RegisterPoint } from "../../domain/index.ts"
import { type Line, linesOf, numberOf, UnreadableFile } from "./Csv.ts"
import { makeLocalTimes } from "./LocalTimes.ts"
import { quartersOfHour, type ReadFile, skipping } from "./ReadFile.ts"

const registerSum = (line: Line, kind: "import" | "export"): number | null => {
  const names = Object.keys(line).filter((name) => new RegExp(`^${kind}( t[1-4])? kwh$`).test(name))
  const values = names.flatMap((name) => numberOf(line[name]) ?? [])
  return values.length === 0 || values.length < names.length ? null : values.reduce((sum, value) => sum + value, 0)
}

const differenceWh = (from: number | null, to: number | null): number | null =>
  from === null || to === null ? null : Math.max(0, Math.round((to - from) * 1000))

const between = (from: RegisterPoint, to: RegisterPoint): ReadonlyArray<ImportedQuarter> | string => {
  const spanS = (to.tsMs - from.tsMs) / 1000
  const importWh = differenceWh(from.importKwh, to.importKwh)
  const exportWh = differenceWh(from.exportKwh, to.exportKwh)
  if (spanS !== 900 && spanS !== 3600) return "neither a quarter-hour nor an hour to the next line"
  if (importWh === null) return "no register"
  if (!continues(from, to, "importKwh")) return "the register fell or rose by more than a meter can"
  const base = { source: "homewizard", validated: true, spanS } as const
  if (spanS === 900) return [{ ...base, startMs: from.tsMs, energyImportWh: importWh, energyExportWh: exportWh }]
  const exports = exportWh === null ? null : quartersOfHour(exportWh)
  return quartersOfHour(importWh).map((energyImportWh, i) => ({
    ...base,
    startMs: from.tsMs + i * 900_000,
    energyImportWh,
    energyExportWh: exports?.[i] ?? null,
  }))
}

/**
 * Reads the vendor's export: registers of the tariffs in kWh, every 15 minutes or hour, in local time. A line's
 * energy is what the registers rise by until the next line.
 */
export const readHomeWizard = (text: string, zone: DateTime.TimeZone): Effect.Effect<ReadFile, UnreadableFile> =>
  Effect.gen(function* () {
    const lines = yield* linesOf(text)
    const [first] = lines
    if (first?.["time"] === undefined || !Object.keys(first).some((name) => /^import.* kwh$/.test(name))) {
      return yield* new UnreadableFile({
        message:
          "This is not an export of the HomeWizard app: export the P1 meter's energy by 15 minutes as CSV and give that file.",
      })
    }
    const { skip, skipped } = skipping()
    const clock = makeLocalTimes(zone)
    const points = lines.flatMap((line): ReadonlyArray<RegisterPoint> => {
      const [date = "", time = ""] = (line["time"] ?? "").split(/[ T]/)
      const tsMs = clock(date, time)
      if (tsMs !== undefined)
        return [{ tsMs, importKwh: registerSum(line, "import"), exportKwh: registerSum(line, "export") }]
      skip("a time that does not exist or was given before")
      return []
    })
    const quarters = points.slice(1).flatMap((to, i) => {
      const from = points[i]
      const found = from === undefined ? [] : between(from, to)
      if (typeof found !== "string") return found
      skip(found)
      return []
    })
    return { rows: lines.length, quarters, skipped }
  })
