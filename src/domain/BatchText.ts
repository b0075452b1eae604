import { Schema } from "effect"
import type { Instant } from "./Instant.ts"
import { BatchExtras } from "./Ingest.ts"
import { type ExternalReading, type Sample, sampleFieldNames } from "./Sample.ts"
import { snakeCase } from "./SnakeCase.ts"

const encodeExtras = Schema.encodeSync(BatchExtras)

const instantText = ({ epochMillis }: Instant): string => `"${new Date(epochMillis).toISOString()}"`

const externalText = ({ id, kind, ts, unit, value }: ExternalReading): string =>
  `{"id":${JSON.stringify(id)},"kind":${JSON.stringify(kind)},"ts":${instantText(ts)},"value":${JSON.stringify(value)},"unit":${JSON.stringify(unit)}}`

const listText = (readings: ReadonlyArray<ExternalReading>): string => `[${readings.map(externalText).join()}]`

/** The first one, `ts`, no sample is without. */
const fields = sampleFieldNames.map((name, i) => ({
  name,
  label: `${i === 0 ? "{" : ","}${JSON.stringify(snakeCase(name))}:`,
}))

/**
 * Samples one after another; those that share their sub-meters' readings share the text of them. The list of a sample's
 * parts is used again: it leaves little garbage.
 */
const makeSampleText = () => {
  const parts = [...fields.flatMap(() => ["", ""]), "}"]
  let readings: ReadonlyArray<ExternalReading> = []
  let readingsText = listText(readings)
  const valueText = (value: NonNullable<Sample[keyof Sample]>): string => {
    if (typeof value === "number") return Number.isFinite(value) ? String(value) : "null"
    if (typeof value === "string") return JSON.stringify(value)
    if ("epochMillis" in value) return instantText(value)
    if (value !== readings) {
      readings = value
      readingsText = listText(value)
    }
    return readingsText
  }
  return (sample: Sample): string => {
    fields.forEach(({ label, name }, i) => {
      const value = sample[name]
      parts[2 * i] = value === null ? "" : label
      parts[2 * i + 1] = value === null ? "" : valueText(value)
    })
    return parts.join("")
  }
}

/**
 * A batch as JSON: what its schema encodes, without the fields that are null. Written by hand because a month of
 * samples goes through it: it takes a tenth of the time. It also writes samples that the schema would refuse, so that
 * it is the server that says no to one, and not the edge that stumbles over all.
 */
export const batchText = (samples: ReadonlyArray<Sample>, extras: BatchExtras): string => {
  const given = Object.entries(encodeExtras(extras)).filter(([, value]) => value !== null)
  const rest = given.map(([name, value]) => `,${JSON.stringify(name)}:${JSON.stringify(value)}`).join("")
  return `{"samples":[${samples.map(makeSampleText()).join()}]${rest}}`
}
