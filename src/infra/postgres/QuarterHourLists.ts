import { Schema } from "effect"
import type { Method, QuarterHour } from "../../domain/index.ts"
import { listOf } from "./Columns.ts"
import { quarterColumns } from "./QuarterHourRows.ts"

/** Rows of p1_quarter_hours in order as one text, a list of lists; `rows` is what they are selected from. */
export const quarterList = (rows: string): string => `
select coalesce('[' || string_agg(listed, ',') || ']', '[]') from (
  select ${listOf(quarterColumns)} as listed from ${rows} order by start
) quarters`

type Register = number | null

/** The values of a row in the order of {@link quarterColumns}. */
type Listed = readonly [
  startMs: number,
  sampleCount: number,
  steady: boolean,
  joined: boolean,
  startImportWh: Register,
  endImportWh: Register,
  startExportWh: Register,
  endExportWh: Register,
  energyImportWh: number,
  energyExportWh: number,
  lowWh: number,
  highWh: Register,
  meanPowerW: number,
  maxPowerW: number,
  coverage: number,
  spanMs: number,
  method: Method,
  eligible: boolean,
  firstMs: number,
  firstImportKwh: Register,
  firstExportKwh: Register,
  lastMs: number,
  lastImportKwh: Register,
  lastExportKwh: Register,
]

const quarterOf = ([
  startMs,
  sampleCount,
  steady,
  joined,
  startImportWh,
  endImportWh,
  startExportWh,
  endExportWh,
  energyImportWh,
  energyExportWh,
  lowWh,
  highWh,
  meanPowerW,
  maxPowerW,
  coverage,
  spanMs,
  method,
  eligible,
  firstMs,
  firstImport,
  firstExport,
  lastMs,
  lastImport,
  lastExport,
]: Listed): QuarterHour => ({
  startMs,
  sampleCount,
  steady,
  joined,
  startImportWh,
  endImportWh,
  startExportWh,
  endExportWh,
  energyImportWh,
  energyExportWh,
  lowWh,
  highWh,
  meanPowerW,
  maxPowerW,
  coverage,
  spanMs,
  method,
  eligible,
  first: { tsMs: firstMs, importKwh: firstImport, exportKwh: firstExport },
  last: { tsMs: lastMs, importKwh: lastImport, exportKwh: lastExport },
})

const ListedText = Schema.Tuple(Schema.Struct({ quarters: Schema.String }))
const decodeText = Schema.decodeUnknownSync(ListedText)

/**
 * The quarter-hours of a {@link quarterList}. Of thousands of rows each value is not looked at again: the columns'
 * types are what they are, and a test holds this to what the rows say one by one.
 */
export const parseQuarters = (text: string): ReadonlyArray<QuarterHour> =>
  (JSON.parse(text) as ReadonlyArray<Listed>).map(quarterOf)

export const quartersOfRows = (rows: ReadonlyArray<unknown>): ReadonlyArray<QuarterHour> => {
  const [{ quarters }] = decodeText(rows)
  return parseQuarters(quarters)
}
