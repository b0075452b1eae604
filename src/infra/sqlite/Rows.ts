import { Schema } from "effect"
import { ExternalReading, MeterInfo, RejectionCode, snakeCase, TsSource } from "../../domain/index.ts"

const Instant = Schema.DateTimeUtcFromNumber
export const Real = Schema.NullOr(Schema.Number)
export const MaybeInstant = Schema.NullOr(Instant)
export const MeterStamp = Schema.NullOr(Schema.String)
export const External = Schema.NullOr(Schema.parseJson(Schema.Array(ExternalReading)))

/** A spooled sample as a row: the one list of its columns. Instants are epoch milliseconds, structures JSON. */
export const columns = {
  ts: Instant,
  powerW: Schema.Number,
  energyImportKwh: Real,
  energyExportKwh: Real,
  energyImportT1Kwh: Real,
  energyImportT2Kwh: Real,
  energyImportT3Kwh: Real,
  energyImportT4Kwh: Real,
  energyExportT1Kwh: Real,
  energyExportT2Kwh: Real,
  energyExportT3Kwh: Real,
  energyExportT4Kwh: Real,
  tariff: Schema.NullOr(Schema.Literal(1, 2, 3, 4)),
  powerL1W: Real,
  powerL2W: Real,
  powerL3W: Real,
  voltageL1V: Real,
  voltageL2V: Real,
  voltageL3V: Real,
  currentA: Real,
  currentL1A: Real,
  currentL2A: Real,
  currentL3A: Real,
  frequencyHz: Real,
  averagePower15mW: Real,
  monthlyPowerPeakW: Real,
  monthlyPowerPeakTs: MaybeInstant,
  external: External,
  receivedAt: MaybeInstant,
  meterStamp: MeterStamp,
  tsSource: Schema.NullOr(TsSource),
  meter: Schema.NullOr(Schema.parseJson(MeterInfo)),
} as const

/** What is written of a sample. */
export const NewRow = Schema.Struct(columns)

/** What is read of it. */
export const Row = Schema.Struct({ id: Schema.Number, ...columns })

/** What is read of a sample in the quarantine. */
export const QuarantineRow = Schema.Struct({
  id: Schema.Number,
  code: RejectionCode,
  message: Schema.String,
  at: Instant,
  ...columns,
})

/** The names of the columns, separated by commas. */
export const columnNames = Object.keys(columns).map(snakeCase).join(", ")

const definition = ([name, column]: readonly [string, Schema.Schema.AnyNoContext]): string => {
  const accepts = Schema.is(Schema.encodedSchema(column))
  return `${snakeCase(name)} ${accepts(1) ? "NUMERIC" : "TEXT"}${accepts(null) ? "" : " NOT NULL"}`
}

/** The columns with their types, as `CREATE TABLE` wants them: NUMERIC keeps a number exactly as it is. */
export const columnDefinitions = Object.entries(columns).map(definition).join(", ")

/** What outlives the samples: what was taken last, what the meter last said of itself, and how many wait. */
export const StateRow = Schema.Struct({
  waiting: Schema.Number,
  lastTs: MaybeInstant,
  lastMeterStamp: Schema.NullOr(Schema.String),
  lastMeter: Schema.NullOr(Schema.parseJson(MeterInfo)),
})
