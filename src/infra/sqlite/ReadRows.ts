import { Effect, type ParseResult, Predicate, Record, Schema } from "effect"
import {
  bySchema,
  fromEpochMillis,
  type MeterInfo,
  numberThat,
  orNull,
  type Reader,
  rememberingLast,
  type Sample,
} from "../../domain/index.ts"
import type { SpooledSample } from "../../domain/ports/index.ts"
import { columns, External, MaybeInstant, MeterStamp, Real, Row } from "./Rows.ts"

const latestMs = 8.64e15

const readNumber = numberThat(() => true)
const readNumberOrNull: Reader = (value) => (value === null || typeof value === "number" ? value : undefined)
const readText: Reader = (value) => (typeof value === "string" ? value : undefined)
const readInstant: Reader = (value) =>
  typeof value === "number" && Number.isInteger(value) && Math.abs(value) <= latestMs
    ? fromEpochMillis(value)
    : undefined

const readerOf = (column: Schema.Schema.AnyNoContext): Reader => {
  switch (column) {
    case Real:
      return readNumberOrNull
    case Schema.Number:
      return readNumber
    case Schema.DateTimeUtcFromNumber:
      return readInstant
    case MaybeInstant:
      return orNull(rememberingLast(readInstant))
    case External:
      return orNull(rememberingLast(bySchema(column)))
    case MeterStamp:
      return orNull(readText)
    default:
      return orNull(rememberingLast(bySchema(column)))
  }
}

const { meter, ...ofSample } = columns
const sampleNames = Object.keys(ofSample)
const sampleReaders = Object.values(ofSample).map(readerOf)
const readMeter = readerOf(meter)
const blank: Readonly<Record<string, unknown>> = Record.map(ofSample, () => null)

const readQuickly = (values: ReadonlyArray<unknown>): SpooledSample | undefined => {
  const id = values[0]
  const sample = { ...blank }
  for (let i = 0; i < sampleReaders.length; i++) {
    const said = sampleReaders[i]?.(values[i + 1])
    if (said === undefined) return undefined
    sample[sampleNames[i] ?? ""] = said
  }
  const meter = readMeter(values[sampleReaders.length + 1])
  return typeof id === "number" && meter !== undefined
    ? { id, sample: sample as Sample, meter: meter as MeterInfo | null }
    : undefined
}

const decodeRow = Schema.decodeUnknown(Row)
const rowNames = ["id", ...Object.keys(columns)]

const readBySchema = (values: ReadonlyArray<unknown>): Effect.Effect<SpooledSample, ParseResult.ParseError> =>
  Effect.map(
    decodeRow(Object.fromEntries(rowNames.map((name, i) => [name, values[i]]))),
    ({ id, meter, ...sample }) => ({ id, sample, meter }),
  )

/**
 * Reads rows of samples, each an id and the values of all columns in their order: what their schema decodes. Written by
 * hand because a month of samples goes through it: it takes a tenth of the time, and leaves a tenth of the garbage.
 */
export const readRows = (
  rows: ReadonlyArray<ReadonlyArray<unknown>>,
): Effect.Effect<ReadonlyArray<SpooledSample>, ParseResult.ParseError> =>
  Effect.suspend(() => {
    const read = rows.map(readQuickly)
    return read.every(Predicate.isNotUndefined) ? Effect.succeed(read) : Effect.forEach(rows, readBySchema)
  })
