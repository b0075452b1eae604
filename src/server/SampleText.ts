import { DateTime } from "effect"
import { type Sample, sampleFieldNames, snakeCase } from "../domain/index.ts"

const columns = sampleFieldNames.map((field) => ({ field, name: snakeCase(field) }))

const plain = (_: string, value: unknown): unknown => (DateTime.isDateTime(value) ? DateTime.formatIso(value) : value)

/** By hand and not by the schema: a year of samples is 30 million of them. */
const wireOf = (sample: Sample): Record<string, unknown> => {
  const out: Record<string, unknown> = {}
  for (const { field, name } of columns) {
    const value = sample[field]
    if (value !== null) out[name] = DateTime.isDateTime(value) ? DateTime.formatIso(value) : value
  }
  return out
}

const quoted = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)

const cell = (value: Sample[keyof Sample]): string => {
  if (value === null) return ""
  if (DateTime.isDateTime(value)) return DateTime.formatIso(value)
  return typeof value === "object" ? quoted(JSON.stringify(value, plain)) : quoted(String(value))
}

export interface SampleText {
  readonly contentType: string
  readonly head: string
  readonly line: (sample: Sample) => string
}

/** A sample a line, as in a batch. */
export const jsonLines: SampleText = {
  contentType: "application/x-ndjson",
  head: "",
  line: (sample) => `${JSON.stringify(wireOf(sample), plain)}\n`,
}

/** The same in columns; what was not said is empty. */
export const csv: SampleText = {
  contentType: "text/csv; charset=utf-8; header=present",
  head: `${columns.map(({ name }) => name).join(",")}\n`,
  line: (sample) => `${columns.map(({ field }) => cell(sample[field])).join(",")}\n`,
}
