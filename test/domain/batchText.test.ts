import { describe, expect, it } from "@effect/vitest"
import { Arbitrary, FastCheck as fc, Schema } from "effect"
import { Batch, batchText, fromEpochMillis } from "../../src/domain/index.ts"
import { baseMs, fullSample, meterAt, sampleAt } from "../support/Samples.ts"
import { times } from "../support/Property.ts"

const withoutNulls = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withoutNulls)
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]) => (inner === null ? [] : [[key, withoutNulls(inner)]])),
  )
}
const bySchema = (batch: Batch) => withoutNulls(JSON.parse(JSON.stringify(Schema.encodeSync(Batch)(batch))))
const byHand = ({ samples, ...extras }: Batch) => JSON.parse(batchText(samples, extras)) as unknown

describe("a batch written by hand", () => {
  it("is what the contract's schema encodes, but for the nulls", () => {
    fc.assert(
      fc.property(Arbitrary.make(Batch), (batch) => {
        expect(withoutNulls(byHand(batch))).toEqual(bySchema(batch))
      }),
      { numRuns: times(60) },
    )
  })

  it("carries every field, sub-meters, the meter and its peaks", () => {
    const batch: Batch = {
      samples: [fullSample(baseMs), sampleAt(baseMs + 1000)],
      deviceId: null,
      meter: meterAt(baseMs),
      meteredPeaks: [{ month: "2026-01", peakW: 4000, peakTs: fromEpochMillis(baseMs) }],
    }
    expect(withoutNulls(byHand(batch))).toEqual(bySchema(batch))
    expect(Object.keys((byHand(batch) as { samples: Array<object> }).samples[1] ?? {})).toEqual(["ts", "power_w"])
  })

  it("leaves it to the server to refuse a sample that is none", () => {
    const absurd = sampleAt(baseMs, { powerW: Number.NaN, energyImportKwh: -1 })
    expect(byHand({ samples: [absurd], deviceId: null, meter: null, meteredPeaks: null })).toEqual({
      samples: [{ ts: "2026-03-28T23:00:00.000Z", power_w: null, energy_import_kwh: -1 }],
    })
  })
})
