import { Schema } from "effect"
import type { QuarterHour, WindowFacts } from "../../domain/index.ts"
import type { Column, Kind } from "./Columns.ts"

type Field = Exclude<keyof QuarterHour, "first" | "last">

const kinds: Record<Field, { readonly name: string; readonly kind: Kind }> = {
  startMs: { name: "start", kind: "millis" },
  sampleCount: { name: "sample_count", kind: "integer" },
  steady: { name: "steady", kind: "boolean" },
  joined: { name: "joined", kind: "boolean" },
  startImportWh: { name: "start_import_wh", kind: "bigint" },
  endImportWh: { name: "end_import_wh", kind: "bigint" },
  startExportWh: { name: "start_export_wh", kind: "bigint" },
  endExportWh: { name: "end_export_wh", kind: "bigint" },
  energyImportWh: { name: "energy_import_wh", kind: "bigint" },
  energyExportWh: { name: "energy_export_wh", kind: "bigint" },
  lowWh: { name: "low_wh", kind: "bigint" },
  highWh: { name: "high_wh", kind: "bigint" },
  meanPowerW: { name: "mean_power_w", kind: "double precision" },
  maxPowerW: { name: "max_power_w", kind: "integer" },
  coverage: { name: "coverage", kind: "double precision" },
  spanMs: { name: "span_ms", kind: "integer" },
  method: { name: "method", kind: "text" },
  eligible: { name: "eligible", kind: "boolean" },
}

const fields = Object.entries(kinds) as ReadonlyArray<[Field, { readonly name: string; readonly kind: Kind }]>

const pointColumns = (point: "first" | "last"): ReadonlyArray<Column<QuarterHour>> => [
  { name: `${point}_ts`, kind: "millis", get: (quarter) => quarter[point].tsMs },
  { name: `${point}_import_kwh`, kind: "double precision", get: (quarter) => quarter[point].importKwh },
  { name: `${point}_export_kwh`, kind: "double precision", get: (quarter) => quarter[point].exportKwh },
]

/** The columns of p1_quarter_hours. */
export const quarterColumns: ReadonlyArray<Column<QuarterHour>> = [
  ...fields.map(([field, column]) => ({ ...column, get: (quarter: QuarterHour) => quarter[field] })),
  ...pointColumns("first"),
  ...pointColumns("last"),
]

/** A row of the statement that gathers facts. */
export const Facts = Schema.Struct({
  start_ms: Schema.Number,
  sample_count: Schema.Number,
  steady: Schema.Boolean,
  first_ms: Schema.Number,
  first_import: Schema.NullOr(Schema.Number),
  first_export: Schema.NullOr(Schema.Number),
  last_ms: Schema.Number,
  last_import: Schema.NullOr(Schema.Number),
  last_export: Schema.NullOr(Schema.Number),
  before_ms: Schema.NullOr(Schema.Number),
  before_import: Schema.NullOr(Schema.Number),
  before_export: Schema.NullOr(Schema.Number),
  after_ms: Schema.NullOr(Schema.Number),
  after_import: Schema.NullOr(Schema.Number),
  after_export: Schema.NullOr(Schema.Number),
  import_wms: Schema.Number,
  export_wms: Schema.Number,
  held_ms: Schema.Number,
  covered_ms: Schema.Number,
  max_power_w: Schema.Number,
  last_power_w: Schema.Number,
})

/** The same as the domain's rules read it where it is steady. */
export const decodeFacts = (facts: typeof Facts.Type): WindowFacts => ({
  startMs: facts.start_ms,
  sampleCount: facts.sample_count,
  steady: facts.steady,
  seam: null,
  first: { tsMs: facts.first_ms, importKwh: facts.first_import, exportKwh: facts.first_export },
  last: { tsMs: facts.last_ms, importKwh: facts.last_import, exportKwh: facts.last_export },
  before:
    facts.before_ms === null
      ? null
      : { tsMs: facts.before_ms, importKwh: facts.before_import, exportKwh: facts.before_export },
  after:
    facts.after_ms === null
      ? null
      : { tsMs: facts.after_ms, importKwh: facts.after_import, exportKwh: facts.after_export },
  importIntegralWs: facts.import_wms / 1000,
  exportIntegralWs: facts.export_wms / 1000,
  heldMs: facts.held_ms,
  coveredMs: facts.covered_ms,
  maxPowerW: facts.max_power_w,
})
