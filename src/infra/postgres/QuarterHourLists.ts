import { Schema } from "effect"
import type { Method, QuarterHour } from "../../domain/index.ts"
import type { Kind } from "./Columns.ts"
import { millisOf } from "./Facts.ts"
import { quarterColumns } from "./QuarterHourRows.ts"

const mayBeNull = /^(first|last|start|end)_(import|export)|^high_wh$/
/** Stands for null, which costs more to write: no register is negative. */
const unknown = -1

const valueOf =
  (qualifier: string) =>
  ({ kind, name }: { readonly kind: Kind; readonly name: string }): string => {
    const value = qualifier + name
    if (kind === "millis") return millisOf(value)
    if (kind === "boolean") return `${value}::int`
    if (kind === "text") return `'"' || ${value} || '"'`
    return mayBeNull.test(name) ? `coalesce(${value}, ${unknown})` : value
  }

/** A row of p1_quarter_hours as the text of a list. */
export const listed = (qualifier = ""): string =>
  `'[' || concat_ws(',', ${quarterColumns.map(valueOf(qualifier)).join(", ")}) || ']'`

/**
 * Rows of p1_quarter_hours as one text, a list of lists. Each part is what follows `from` in a statement that selects
 * some of them, in order. Many times cheaper to make, send and read than a column for each value: the database writes
 * it in one go, JSON.parse reads it.
 */
export const quarterList = (...parts: ReadonlyArray<string>): string =>
  `'[' || concat_ws(',', ${parts
    .map((part) => `(select string_agg(listed, ',') from (select ${listed()} as listed from ${part}) quarters)`)
    .join(", ")}) || ']'`

type Register = number
type Flag = 0 | 1

const known = (register: Register): number | null => (register === unknown ? null : register)

/** The values of a row in the order of {@link quarterColumns}. */
type Listed = readonly [
  startMs: number,
  sampleCount: number,
  steady: Flag,
  joined: Flag,
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
  eligible: Flag,
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
  steady: steady === 1,
  joined: joined === 1,
  startImportWh: known(startImportWh),
  endImportWh: known(endImportWh),
  startExportWh: known(startExportWh),
  endExportWh: known(endExportWh),
  energyImportWh,
  energyExportWh,
  lowWh,
  highWh: known(highWh),
  meanPowerW,
  maxPowerW,
  coverage,
  spanMs,
  method,
  eligible: eligible === 1,
  first: { tsMs: firstMs, importKwh: known(firstImport), exportKwh: known(firstExport) },
  last: { tsMs: lastMs, importKwh: known(lastImport), exportKwh: known(lastExport) },
})

const ListedTexts = Schema.Array(Schema.Struct({ quarters: Schema.String }))
const decodeTexts = Schema.decodeUnknownSync(ListedTexts)

/**
 * The quarter-hours of a {@link quarterList}. Of thousands of rows each value is not looked at again: the columns'
 * types are what they are, and a test holds this to what the rows say one by one.
 */
export const parseQuarters = (text: string): ReadonlyArray<QuarterHour> =>
  (JSON.parse(text) as ReadonlyArray<Listed>).map(quarterOf)

/** The quarter-hour of a {@link listed} row. */
export const parseQuarter = (text: string): QuarterHour => quarterOf(JSON.parse(text) as Listed)

/** Those of several lists, a row each. */
export const quartersOfRows = (rows: ReadonlyArray<unknown>): ReadonlyArray<QuarterHour> =>
  decodeTexts(rows).flatMap(({ quarters }) => parseQuarters(quarters))
