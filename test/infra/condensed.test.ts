import { describe, expect, it, layer } from "@effect/vitest"
import { SqlClient } from "@effect/sql"
import { Effect, FastCheck as fc, Layer, Option } from "effect"
import {
  condense,
  cutFurther,
  dayMs,
  decideMonth,
  foldSeries,
  type ImportedQuarter,
  knownQuarters,
  type QuarterHour,
  quarterHourMs,
  type Range,
  reachOf,
} from "../../src/domain/index.ts"
import { Store } from "../../src/domain/ports/index.ts"
import { arraysOf, fromSql, namesOf, type Row, unnest } from "../../src/infra/postgres/Columns.ts"
import { PostgresClient } from "../../src/infra/postgres/index.ts"
import { quarterColumns } from "../../src/infra/postgres/QuarterHourRows.ts"
import { Database, layerFreshStore } from "../support/Database.ts"
import { baseMs } from "../support/Samples.ts"
import { always, newDevice } from "../support/Stores.ts"
import { times } from "../support/Property.ts"

const steps = 60
const register = fc.option(fc.integer({ min: 0, max: 1_000_000 }), { freq: 6 })
const kwh = fc.option(fc.double({ min: 0, max: 99_999, noNaN: true }), { freq: 6 })
const point = fc.record({ tsMs: fc.nat(899_999), importKwh: kwh, exportKwh: kwh })

/** Any values that the columns can have, whether or not the domain would come to them. */
const arbitraryQuarter = fc.record({
  sampleCount: fc.nat(900),
  steady: fc.boolean(),
  joined: fc.boolean(),
  startImportWh: register,
  endImportWh: register,
  startExportWh: register,
  endExportWh: register,
  energyImportWh: fc.nat(12),
  energyExportWh: fc.nat(500),
  lowWh: fc.nat(500),
  highWh: register,
  meanPowerW: fc.double({ min: -9_999, max: 9_999, noNaN: true }).map((watts) => watts + 0),
  maxPowerW: fc.integer({ min: -9_999, max: 9_999 }),
  coverage: fc.nat(quarterHourMs).map((coveredMs) => coveredMs / quarterHourMs),
  spanMs: fc.nat(quarterHourMs),
  method: fc.constantFrom("register" as const, "power" as const, "spread" as const),
  eligible: fc.oneof({ weight: 9, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
  first: point,
  last: point,
})

const arbitraryImport = fc.record({
  energyImportWh: fc.nat(500),
  energyExportWh: fc.option(fc.nat(500)),
  spanS: fc.constantFrom(900 as const, 3600 as const),
  source: fc.constant("fluvius" as const),
  validated: fc.boolean(),
})

const at = (step: number): number => baseMs + step * quarterHourMs

/** Few gaps, so that most pieces are full; some hold all of the range, some end at its edges. */
const placed = <A>(value: fc.Arbitrary<A>, share: number) =>
  fc
    .array(fc.record({ value, there: fc.integer({ min: 1, max: 100 }) }), { minLength: steps, maxLength: steps })
    .map((list) => list.flatMap(({ there, value }, step) => (there <= share ? [{ step, value }] : [])))

const arbitraryStored = placed(arbitraryQuarter, 97).map((list) =>
  list.map(({ step, value }): QuarterHour => {
    const startMs = at(step)
    const moved = ({ tsMs, ...rest }: QuarterHour["first"]) => ({ tsMs: startMs + tsMs, ...rest })
    return { ...value, startMs, first: moved(value.first), last: moved(value.last) }
  }),
)
const arbitraryImported = fc
  .oneof(fc.constant([]), placed(arbitraryImport, 10))
  .map((list) => list.map(({ step, value }): ImportedQuarter => ({ ...value, startMs: at(step) })))

/** The same pieces as sums are cut into and the points of a series: some that are not whole quarter-hours. */
const arbitraryPieces = fc
  .record({
    from: fc.integer({ min: 0, max: 20 }),
    lengths: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 12 }),
    aside: fc.constantFrom(0, 0, 0, 60_000),
  })
  .map(
    ({ aside, from, lengths }) =>
      lengths.reduce<{ readonly pieces: ReadonlyArray<Range>; readonly fromMs: number }>(
        ({ fromMs, pieces }, length) => {
          const toMs = fromMs + length * quarterHourMs
          return { pieces: [...pieces, { fromMs, toMs }], fromMs: toMs }
        },
        { pieces: [], fromMs: at(from) + aside },
      ).pieces,
  )

const wholeOf = (pieces: ReadonlyArray<Range>): Range => ({
  fromMs: pieces[0]?.fromMs ?? 0,
  toMs: pieces.at(-1)?.toMs ?? 0,
})

/** The rows of a range with the nearest one on either side. */
const around = (stored: ReadonlyArray<QuarterHour>, { fromMs, toMs }: Range) => [
  ...stored.filter(({ startMs }) => startMs < fromMs).slice(-1),
  ...stored.filter(({ startMs }) => startMs >= fromMs && startMs < toMs),
  ...stored.filter(({ startMs }) => startMs >= toMs).slice(0, 1),
]

describe("quarter-hours that are summed up", () => {
  it.prop(
    "give the same series, peaks and coverage as one by one",
    [arbitraryStored, arbitraryImported, arbitraryPieces, fc.integer({ min: 0, max: steps })],
    ([stored, imported, pieces, reportedAt]) => {
      const range = wholeOf(pieces)
      const report = { month: "2026-03", peakW: 8, peakTs: null, reportedAtMs: at(reportedAt) }
      const cut = cutFurther(pieces, [report.reportedAtMs])
      const rows = around(stored, range)
      const answers = [{ stored: rows, stretches: [] }, condense(rows, cut, imported.length > 0)].map((condensed) => {
        const { fromMs, toMs } = reachOf(condensed, range)
        const within = imported.filter(({ startMs }) => startMs >= fromMs && startMs < toMs)
        const known = knownQuarters(condensed, within, range)
        const decide = (reported: Option.Option<typeof report>) =>
          decideMonth({ ...known, reported, manual: Option.none(), replacedMs: [] }, range, range.toMs)
        return {
          series: foldSeries(known.quarters, pieces, known.stretches),
          silent: decide(Option.none()),
          reported: decide(Option.some(report)),
        }
      })
      expect(answers[1]).toEqual(answers[0])
    },
    { fastCheck: { numRuns: times(300) } },
  )

  it("are those of full pieces between full pieces", () => {
    const [quarter] = fc.sample(arbitraryQuarter, { numRuns: 1, seed: 1 })
    const hour = 4
    const rows = Array.from({ length: 6 * hour }, (_, step): QuarterHour => ({
      ...(quarter as QuarterHour),
      startMs: at(step),
      eligible: true,
    }))
    const pieces = cutFurther(
      [{ fromMs: at(0), toMs: at(6 * hour) }],
      [1, 2, 3, 4, 5].map((n) => at(n * hour)),
    )
    const startsOf = (stored: ReadonlyArray<QuarterHour>, hasImports = false) =>
      condense(stored, pieces, hasImports).stretches.map(({ startMs }) => (startMs - baseMs) / quarterHourMs / hour)
    expect(startsOf(rows)).toEqual([1, 2, 3, 4])
    expect(startsOf(rows.filter(({ startMs }) => startMs !== at(2 * hour + 1)))).toEqual([4])
    const doubtful = rows.map((row) => (row.startMs === at(2 * hour + 1) ? { ...row, eligible: false } : row))
    expect(startsOf(doubtful)).toEqual([1, 2, 3, 4])
    expect(startsOf(doubtful, true)).toEqual([1, 3, 4])
  })
})

const layerWithClient = Layer.unwrapEffect(Effect.map(Database, PostgresClient.layer)).pipe(
  Layer.provideMerge(layerFreshStore),
)

const insert = (deviceId: string, quarters: ReadonlyArray<QuarterHour>) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    sql.unsafe(
      `insert into p1_quarter_hours (device_id, ${namesOf(quarterColumns)}) select $1, * from ${unnest(quarterColumns, 2)}
       on conflict (device_id, start) do update set (${namesOf(quarterColumns)}) = (${namesOf(quarterColumns, "excluded.")})`,
      [deviceId, ...arraysOf(quarterColumns, quarters)],
    ),
  )

layer(layerWithClient, { excludeTestServices: true, timeout: "60 seconds" })("in PostgreSQL", (it) => {
  it.effect.prop(
    "they are what the domain makes of the rows, which are read as they were written",
    [arbitraryStored, arbitraryImported, arbitraryPieces],
    ([stored, imported, pieces]) =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const store = yield* Store
        const deviceId = yield* newDevice
        yield* insert(deviceId, stored)
        yield* store.importQuarters(deviceId, imported)
        const one = yield* sql.unsafe<Row>("select * from p1_quarter_hours where device_id = $1 order by start", [
          deviceId,
        ])
        expect(yield* store.quarterHours(deviceId, always)).toEqual(stored)
        const valuesOf = (row: Row) => quarterColumns.map(({ kind, name }) => fromSql(kind, row[name]))
        expect(one.map(valuesOf)).toEqual(stored.map((quarter) => quarterColumns.map(({ get }) => get(quarter))))
        const rows = around(stored, wholeOf(pieces))
        expect(yield* store.quarterHours(deviceId, wholeOf(pieces))).toEqual(rows)
        expect(yield* store.condensed(deviceId, pieces)).toEqual(condense(rows, pieces, imported.length > 0))
      }),
    { timeout: 60_000, fastCheck: { numRuns: times(60) } },
  )

  it.effect("sums that were kept of days are those of their quarter-hours, however these are written", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const store = yield* Store
      const deviceId = yield* newDevice
      const days = 4
      const firstMs = Math.floor(baseMs / dayMs) * dayMs
      const made = fc.sample(arbitraryQuarter, { numRuns: days * 96, seed: 5 })
      const quarters = made.map((quarter, i): QuarterHour => {
        const startMs = firstMs + i * quarterHourMs
        const there = { tsMs: startMs, importKwh: null, exportKwh: null }
        return { ...quarter, startMs, first: there, last: there }
      })
      const pieces = cutFurther([{ fromMs: firstMs - 7_200_000, toMs: firstMs + days * dayMs + 7_200_000 }], [])
      const areRight = (keptDays: number) =>
        Effect.gen(function* () {
          const rows = yield* store.quarterHours(deviceId, always)
          expect(yield* store.condensed(deviceId, pieces)).toEqual(condense(rows, pieces, false))
          const kept = yield* sql`select 1 from p1_day_sums where device_id = ${deviceId}`
          expect(kept).toHaveLength(keptDays)
        })
      yield* insert(deviceId, quarters.slice(0, 150))
      yield* areRight(1)
      yield* insert(deviceId, quarters.slice(150))
      yield* areRight(days)
      yield* insert(
        deviceId,
        quarters.slice(100, 200).map((quarter) => ({ ...quarter, energyImportWh: quarter.energyImportWh + 13 })),
      )
      yield* areRight(days)
      yield* sql`update p1_quarter_hours set eligible = not eligible, span_ms = span_ms / 2, coverage = 1 - coverage,
        max_power_w = max_power_w + 1, energy_export_wh = 7 where device_id = ${deviceId}`
      yield* areRight(days)
      yield* sql`delete from p1_quarter_hours
        where device_id = ${deviceId} and start = ${new Date(firstMs + dayMs + quarterHourMs)}`
      yield* areRight(days - 1)
      yield* insert(deviceId, quarters.slice(0, 98))
      yield* areRight(days)
    }),
  )
})
