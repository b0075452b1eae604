import { describe, expect, it } from "@effect/vitest"
import { Arbitrary, Either, FastCheck as fc, Schema } from "effect"
import { batchText, readSample, Sample } from "../../src/domain/index.ts"
import { baseMs, fullSample, sampleAt } from "../support/Samples.ts"
import { times } from "../support/Property.ts"

type Wire = Readonly<Record<string, unknown>>

const decode = Schema.decodeUnknownEither(Sample)
const sameAsSchema = (row: unknown): void => {
  const [read, expected] = [readSample(row), decode(row)]
  if (Either.isRight(expected)) expect(read).toStrictEqual(expected)
  else expect(String(Either.isLeft(read) && read.left)).toBe(String(expected.left))
}

const arbitraryRow: fc.Arbitrary<Wire> = Arbitrary.make(Sample).map((sample) => ({
  ...Schema.encodeSync(Sample)(sample),
}))
const full = batchText([fullSample(baseMs), sampleAt(baseMs)], { deviceId: null, meter: null, meteredPeaks: null })
const [fullRow = {}, emptyRow = {}] = (JSON.parse(full) as { readonly samples: ReadonlyArray<Wire> }).samples
const reading = (fullRow["external"] as ReadonlyArray<Wire>)[0] ?? {}

/** What else may come over the wire in a field's place: all that JSON can say, and what is close to right. */
const anything = fc.oneof(
  fc.jsonValue(),
  fc.double(),
  fc.constantFrom(undefined, null, -0, 1e7, 1e7 + 1, -1e7, -1e7 - 1, NaN, Infinity, -1e-9, 0, 1, 4, 5, 2.5),
  fc.constantFrom(
    "2026-03-29T00:59:59.000Z",
    "2026-03-29T00:59:59Z",
    "2026-03-29T00:59:59.000+01:00",
    "2026-02-30T00:59:59.000Z",
    "2026-03-29T24:00:00.000Z",
    "2026-03-29t00:59:59.000z",
    "-02026-03-29T00:59:59.00",
    "2026-03-29T00:59:59,000Z",
    "meter",
    "",
  ),
  fc.string({ maxLength: 70 }),
  fc.array(
    fc.oneof(
      fc.constant(reading),
      fc
        .constantFrom("id", "kind", "ts", "value", "unit")
        .chain((name) => fc.jsonValue().map((value) => ({ ...reading, [name]: value }))),
    ),
    { maxLength: 34 },
  ),
)
const changed = fc
  .tuple(
    fc.oneof(arbitraryRow, fc.constant(fullRow), fc.constant(emptyRow)),
    fc.constantFrom(...Object.keys(fullRow)),
    anything,
  )
  .map(([row, name, value]) => ({ ...row, [name]: value }))

describe("a sample read by hand", () => {
  it("is what the schema decodes", () => {
    fc.assert(fc.property(arbitraryRow, sameAsSchema), { numRuns: times(200) })
    sameAsSchema({ ...fullRow, unknown: 1, import_power_w: 3 })
  })

  it("is refused where the schema refuses it, with the same words, whatever is in a field", () => {
    fc.assert(fc.property(changed, sameAsSchema), { numRuns: times(4_000) })
    fc.assert(fc.property(fc.jsonValue(), sameAsSchema), { numRuns: times(200) })
  })
})
