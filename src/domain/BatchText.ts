import { DateTime, Schema } from "effect"
import type { Instant } from "./Instant.ts"
import { BatchExtras } from "./Ingest.ts"
import type { ExternalReading, Sample } from "./Sample.ts"
import { snakeCase } from "./SnakeCase.ts"

type Value = Sample[keyof Sample]

const encodeExtras = Schema.encodeSync(BatchExtras)

const instantText = ({ epochMillis }: Instant): string => `"${new Date(epochMillis).toISOString()}"`

const externalText = ({ id, kind, ts, unit, value }: ExternalReading): string =>
  `{"id":${JSON.stringify(id)},"kind":${JSON.stringify(kind)},"ts":${instantText(ts)},"value":${JSON.stringify(value)},"unit":${JSON.stringify(unit)}}`

const valueText = (value: NonNullable<Value>): string => {
  if (typeof value !== "object") return JSON.stringify(value)
  return DateTime.isDateTime(value) ? instantText(value) : `[${value.map(externalText).join()}]`
}

const labels = new Map<string, string>()
const labelOf = (key: string): string => {
  const known = labels.get(key)
  if (known !== undefined) return known
  const label = `${JSON.stringify(snakeCase(key))}:`
  labels.set(key, label)
  return label
}

const sampleText = (sample: Sample): string => {
  let text = ""
  for (const key in sample) {
    const value = sample[key as keyof Sample]
    if (value !== null) text += `${text === "" ? "{" : ","}${labelOf(key)}${valueText(value)}`
  }
  return `${text}}`
}

/**
 * A batch as JSON: what its schema encodes, without the fields that are null. Written by hand because a month of
 * samples goes through it: it takes a tenth of the time. It also writes samples that the schema would refuse, so that
 * it is the server that says no to one, and not the edge that stumbles over all.
 */
export const batchText = (samples: ReadonlyArray<Sample>, extras: BatchExtras): string => {
  const given = Object.entries(encodeExtras(extras)).filter(([, value]) => value !== null)
  const rest = given.map(([name, value]) => `,${JSON.stringify(name)}:${JSON.stringify(value)}`).join("")
  return `{"samples":[${samples.map(sampleText).join()}]${rest}}`
}
