import { Schema } from "effect"
import {
  fromEpochMillis,
  type MeterInfo,
  type Sample,
  type SeenReading,
  snakeCase,
  storedPowerW,
} from "../../domain/index.ts"
import { type Column, fromJson, fromSql, type Kind, namesOf, type Row } from "./Columns.ts"
import { millisOf } from "./Facts.ts"

type SampleField = Exclude<keyof Sample, "external">

const sampleKinds: Record<SampleField, Kind> = {
  ts: "instant",
  powerW: "integer",
  energyImportKwh: "double precision",
  energyExportKwh: "double precision",
  energyImportT1Kwh: "double precision",
  energyImportT2Kwh: "double precision",
  energyImportT3Kwh: "double precision",
  energyImportT4Kwh: "double precision",
  energyExportT1Kwh: "double precision",
  energyExportT2Kwh: "double precision",
  energyExportT3Kwh: "double precision",
  energyExportT4Kwh: "double precision",
  tariff: "smallint",
  powerL1W: "double precision",
  powerL2W: "double precision",
  powerL3W: "double precision",
  voltageL1V: "double precision",
  voltageL2V: "double precision",
  voltageL3V: "double precision",
  currentA: "double precision",
  currentL1A: "double precision",
  currentL2A: "double precision",
  currentL3A: "double precision",
  frequencyHz: "double precision",
  averagePower15mW: "double precision",
  monthlyPowerPeakW: "double precision",
  monthlyPowerPeakTs: "instant",
  receivedAt: "instant",
  meterStamp: "text",
  tsSource: "text",
}

const meterKinds: Record<keyof MeterInfo, Kind> = {
  ts: "instant",
  uniqueId: "text",
  model: "text",
  protocolVersion: "double precision",
  firmwareVersion: "text",
  voltageSagL1Count: "double precision",
  voltageSagL2Count: "double precision",
  voltageSagL3Count: "double precision",
  voltageSwellL1Count: "double precision",
  voltageSwellL2Count: "double precision",
  voltageSwellL3Count: "double precision",
  anyPowerFailCount: "double precision",
  longPowerFailCount: "double precision",
}

interface FieldColumn<Of> extends Column<Of> {
  readonly field: string
}

const columnsOf = <Of extends object>(kinds: { readonly [F in keyof Of]?: Kind }): ReadonlyArray<FieldColumn<Of>> =>
  Object.entries<Kind | undefined>(kinds).flatMap(([field, kind]) =>
    kind === undefined ? [] : [{ field, name: snakeCase(field), kind, get: (value: Of) => value[field as keyof Of] }],
  )

const decode = (columns: ReadonlyArray<FieldColumn<never>>, row: Row) => {
  const out: Record<string, unknown> = {}
  for (const { field, name, kind } of columns) out[field] = fromSql(kind, row[name])
  return out
}

/** The columns of p1_samples that a sample fills, one per field but its sub-meters. */
export const sampleColumns = columnsOf<Sample>(sampleKinds).map((column) =>
  column.field === "powerW" ? { ...column, get: (sample: Sample) => storedPowerW(sample.powerW) } : column,
)

export const meterColumns = columnsOf<MeterInfo>(meterKinds)

export const readingColumns = columnsOf<SeenReading>({
  kind: "text",
  id: "text",
  ts: "instant",
  value: "double precision",
  unit: "text",
  sampleTs: "instant",
})

const Readings = Schema.NullOr(
  Schema.Array(
    Schema.Struct({
      id: Schema.String,
      kind: Schema.String,
      ts: Schema.Number,
      value: Schema.Number,
      unit: Schema.String,
    }),
  ),
)
const decodeReadings = Schema.decodeUnknownSync(Readings)

const readings = `(select json_agg(json_build_object('id', r.id, 'kind', r.kind, 'value', r.value, 'unit', r.unit,
                                     'ts', (date_part('epoch', r.ts) * 1000)::bigint) order by r.kind, r.id, r.ts)
     from p1_external_readings r where r.device_id = stored.device_id and r.sample_ts = stored.ts)`

/** What {@link decodeSample} reads of a row `stored` of p1_samples. */
export const sampleSelection = `${namesOf(sampleColumns, "stored.")}, ${readings} as external`

/** The same as a list of JSON, for a single row: many times cheaper to send and read than a column for each value. */
export const sampleList = `json_build_array(${sampleColumns
  .map(({ kind, name }) => (kind === "instant" ? millisOf(`stored.${name}`) : `stored.${name}`))
  .join(", ")}, ${readings})`

const readingsOf = (external: unknown): Sample["external"] =>
  decodeReadings(external)?.map((reading) => ({ ...reading, ts: fromEpochMillis(reading.ts) })) ?? null

export const decodeSample = (row: Row): Sample =>
  ({ ...decode(sampleColumns, row), external: readingsOf(row["external"]) }) as Sample

/** A {@link sampleList}. */
export const decodeSampleList = (list: ReadonlyArray<unknown>): Sample => {
  const out: Record<string, unknown> = { external: readingsOf(list[sampleColumns.length]) }
  sampleColumns.forEach(({ field, kind }, i) => (out[field] = fromJson(kind, list[i])))
  return out as unknown as Sample
}

export const decodeMeter = (row: Row): MeterInfo => decode(meterColumns, row) as unknown as MeterInfo
