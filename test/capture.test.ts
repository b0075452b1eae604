import { describe, expect, it } from "@effect/vitest"
import { compare, type Row, type Telegram } from "../bench/capture/Comparison.ts"

const startSecond = Date.UTC(2026, 6, 15) / 1000
const telegramOf = (n: number): Telegram => ({ powerW: n, energyImportKwh: 100 + n, energyExportKwh: 0 })
const given = new Map(Array.from({ length: 10 }, (_, n) => [startSecond + n, telegramOf(n)]))
const rowOf = (n: number, change: Partial<Row> = {}): Row => ({
  ts: new Date((startSecond + n) * 1000).toISOString(),
  power_w: n,
  energy_import_kwh: 100 + n,
  energy_export_kwh: 0,
  ...change,
})
const rows = Array.from({ length: 10 }, (_, n) => rowOf(n))
const found = (rows: ReadonlyArray<Row>) => {
  const { different, invented, missing, taken, telegrams } = compare(given, rows, startSecond, startSecond + 10)
  return [taken, telegrams, missing.map((second) => second - startSecond), invented.length, different.length]
}

describe("what came of a meter's telegrams", () => {
  it("is each of them once, as it was given", () => {
    expect(found(rows)).toEqual([10, 10, [], 0, 0])
  })

  it("shows which are missing, also those that nobody was given", () => {
    expect(found(rows.filter((_, n) => n !== 3 && n !== 9))).toEqual([8, 10, [3, 9], 0, 0])
    expect(compare(new Map(), [], startSecond, startSecond + 2).missing.length).toBe(2)
  })

  it("shows rows of no telegram, rows beyond the first of one, and other values", () => {
    expect(found([...rows, rowOf(12)])).toEqual([10, 10, [], 1, 0])
    expect(found([...rows, rowOf(4, { ts: "2026-07-15T00:00:04.500Z" })])).toEqual([10, 10, [], 1, 0])
    expect(found([...rows, rowOf(4)])).toEqual([10, 10, [], 1, 0])
    expect(found(rows.map((row, n) => (n === 5 ? rowOf(5, { energy_import_kwh: 1 }) : row)))).toEqual([
      10,
      10,
      [],
      0,
      1,
    ])
  })
})
