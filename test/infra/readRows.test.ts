import { describe, expect, it } from "@effect/vitest"
import { Arbitrary, Cause, Effect, FastCheck as fc, Schema } from "effect"
import { fromEpochMillis, snakeCase } from "../../src/domain/index.ts"
import { readRows } from "../../src/infra/sqlite/ReadRows.ts"
import { columnNames, Row } from "../../src/infra/sqlite/Rows.ts"
import { fullSample, meterAt } from "../support/Samples.ts"

type Encoded = typeof Row.Encoded

const names = ["id", ...columnNames.split(", ")]
const rowNames = Object.keys(Row.fields)
const valuesOf = (row: Encoded): ReadonlyArray<unknown> => rowNames.map((name) => row[name as keyof Encoded])

const bySchema = (row: Encoded) =>
  Effect.map(Schema.decodeUnknown(Row)(row), ({ id, meter, ...sample }) => ({ id, sample, meter }))

const sameAsSchema = (rows: ReadonlyArray<Encoded>) => {
  const read = Effect.runSyncExit(readRows(rows.map(valuesOf)))
  const expected = Effect.runSyncExit(Effect.forEach(rows, bySchema))
  expect(read._tag).toBe(expected._tag)
  if (read._tag === "Success") expect(read).toStrictEqual(expected)
  else expect(Cause.isFailType(read.cause)).toBe(true)
}

const arbitraryRow = Arbitrary.make(Row).map(Schema.encodeSync(Row))
/** What SQLite may give for a value that is not what was written. */
const damaged = fc.oneof(
  fc.constant(null),
  fc.string(),
  fc.double(),
  fc.constantFrom(8.64e15, 8.64e15 + 1, 0.5, -0, Infinity, NaN),
  fc.uint8Array({ maxLength: 4 }),
)

describe("rows read by hand", () => {
  it("have their values in the order of the columns", () => {
    expect(rowNames.map(snakeCase)).toEqual(names)
  })

  it("are what the schema decodes", () => {
    fc.assert(fc.property(fc.array(arbitraryRow, { maxLength: 4 }), sameAsSchema), { numRuns: 100, seed: 3 })
  })

  it("are refused where the schema refuses one, and read as it reads them otherwise", () => {
    const broken = fc
      .tuple(arbitraryRow, fc.constantFrom(...rowNames), damaged)
      .map(([row, name, value]) => ({ ...row, [name]: value }))
    fc.assert(fc.property(fc.array(broken, { minLength: 1, maxLength: 2 }), sameAsSchema), { numRuns: 1_000, seed: 3 })
  })

  it("share what the sub-meters said, and no more than that", () => {
    const rowOf = (id: number, changed: object = {}) =>
      Schema.encodeSync(Row)({ id, ...fullSample(id * 1000), ...changed, meter: id === 2 ? meterAt(5) : null })
    const external = fullSample(0).external
    const rows = [1, 2, 3].map((id) => rowOf(id, { external, monthlyPowerPeakTs: fromEpochMillis(77) }))
    sameAsSchema([...rows, rowOf(4), rowOf(5, { external: null, monthlyPowerPeakTs: null }), rowOf(6, { external })])
  })
})
