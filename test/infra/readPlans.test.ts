import { describe, expect, layer } from "@effect/vitest"
import { SqlClient } from "@effect/sql"
import { Clock, Effect, Layer, Schema } from "effect"
import { cutFurther, dayMs, fromEpochMillis, quarterHourMs } from "../../src/domain/index.ts"
import { Store } from "../../src/domain/ports/index.ts"
import { PostgresClient } from "../../src/infra/postgres/index.ts"
import { Database, layerFreshStore } from "../support/Database.ts"
import { baseMs, batchOf, sampleAt } from "../support/Samples.ts"
import { always, newDevice, quartersByDomain } from "../support/Stores.ts"
import { isThere } from "../support/Timescale.ts"

const Counts = Schema.Struct({ seqScans: Schema.Number, raw: Schema.Number, quarters: Schema.Number })
const decodeCounts = Schema.decodeUnknown(Schema.Tuple(Counts))

/** What the transaction has read so far: of raw samples, in chunks too, and of quarter-hours. */
const counts = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql`
    with read as (
      select relname ~ '^(p1_samples|_hyper_|compress_hyper_)' as is_raw, relname, seq_scan,
        coalesce(idx_tup_fetch, 0) + seq_tup_read as tuples
      from pg_stat_xact_all_tables
      where relname ~ '^(p1_samples|p1_quarter_hours|p1_day_sums|_hyper_|compress_hyper_)'
    )
    select sum(seq_scan)::float8 as "seqScans", sum(tuples) filter (where is_raw)::float8 as raw,
      sum(tuples) filter (where relname = 'p1_quarter_hours')::float8 as quarters
    from read`
  return (yield* Effect.orDie(decodeCounts(rows)))[0]
})

/**
 * What a read reads. Tables of a test are so small that reading all of one may be the cheapest: where that is ruled
 * out, it is done only for want of an index.
 */
const readBy = <A, E>(read: Effect.Effect<A, E>) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    yield* sql`set local enable_seqscan = off`
    const before = yield* counts
    yield* read
    const after = yield* counts
    return {
      seqScans: after.seqScans - before.seqScans,
      raw: after.raw - before.raw,
      quarters: after.quarters - before.quarters,
    }
  }).pipe((work) => Effect.flatMap(SqlClient.SqlClient, (sql) => sql.withTransaction(work)))

const days = 400
const firstMs = Math.floor(baseMs / dayMs) * dayMs - days * dayMs

/** Quarter-hours of more than a year, then two days of samples. */
const filled = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const store = yield* Store
  const deviceId = yield* newDevice
  yield* sql.unsafe(
    `insert into p1_quarter_hours (device_id, start, sample_count, first_ts, last_ts, energy_import_wh, energy_export_wh,
       low_wh, mean_power_w, max_power_w, coverage, span_ms, method, eligible)
     select $1, at, 90, at, at + interval '890 s', 300, 0, 299, 1200, 1300, 1, ${quarterHourMs}, 'register', true
     from generate_series($2::timestamptz, $3::timestamptz - interval '15 minutes', interval '15 minutes') at`,
    [deviceId, new Date(firstMs), new Date(baseMs)],
  )
  const samples = Array.from({ length: 4_000 }, (_, i) => sampleAt(baseMs + i * 40_000, { energyImportKwh: i / 100 }))
  yield* store.ingest(deviceId, batchOf(samples))
  yield* sql`analyze`
  return { deviceId, store, lastMs: baseMs + 3_999 * 40_000 }
})

/** How many chunks the transaction has planned for or written to. */
const chunksHeld = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql`
    select distinct chunk from show_chunks('p1_samples') chunk
    join pg_locks on relation = chunk where pid = pg_backend_pid()`
  return rows.length
})

const layerWithClient = Layer.unwrapEffect(Effect.map(Database, PostgresClient.layer)).pipe(
  Layer.provideMerge(layerFreshStore),
)

describe("what the latest reads", () => {
  layer(layerWithClient, { excludeTestServices: true, timeout: "60 seconds" })((it) => {
    it.effect("is found by indexes, also by a connection that asked when there was hardly anything", () =>
      Effect.gen(function* () {
        const [store, sql] = [yield* Store, yield* SqlClient.SqlClient]
        const deviceId = yield* newDevice
        const nowMs = yield* Clock.currentTimeMillis
        const at = (i: number) => sampleAt(nowMs - (4_000 - i) * 10_000)
        const latest = store.latest(deviceId, fromEpochMillis(nowMs))
        yield* store.ingest(deviceId, batchOf([at(0)]))
        yield* sql`analyze`
        yield* Effect.gen(function* () {
          yield* latest
          yield* store.ingest(deviceId, batchOf(Array.from({ length: 3_999 }, (_, i) => at(i + 1))))
          const before = yield* counts
          yield* latest
          const after = yield* counts
          expect(after.seqScans).toBe(before.seqScans)
          expect(after.raw - before.raw).toBeLessThan(20)
        }).pipe(sql.withTransaction)
      }),
    )

    if (isThere) {
      it.effect("is of its chunk, not of the years before", () =>
        Effect.gen(function* () {
          const [store, sql] = [yield* Store, yield* SqlClient.SqlClient]
          const deviceId = yield* newDevice
          const nowMs = yield* Clock.currentTimeMillis
          const inWeek = (week: number) => sampleAt(nowMs - week * 7 * dayMs)
          yield* store.ingest(deviceId, batchOf(Array.from({ length: 53 }, (_, week) => inWeek(week))))
          for (const week of [0, 20]) {
            const latest = store.latest(deviceId, inWeek(week).ts)
            const held = yield* sql.withTransaction(Effect.zipRight(latest, chunksHeld))
            expect(held).toBeGreaterThan(0)
            expect(held).toBeLessThanOrEqual(2)
          }
        }),
      )
    }
  })
})

describe("what reads read", () => {
  layer(layerWithClient, { excludeTestServices: true, timeout: "60 seconds" })((it) => {
    it.effect("is found by indexes, and nothing raw where more is kept of it", () =>
      Effect.gen(function* () {
        const { deviceId, lastMs, store } = yield* filled
        const byIndex = { seqScans: 0 }
        const month = { fromMs: firstMs + 30 * dayMs, toMs: firstMs + 60 * dayMs }
        const year = cutFurther([{ fromMs: firstMs + 7_200_000, toMs: firstMs + 365 * dayMs }], [])

        const latest = yield* readBy(store.latest(deviceId, fromEpochMillis(lastMs)))
        expect(latest).toMatchObject(byIndex)
        expect(latest.raw).toBeLessThan(10)
        expect(latest.quarters).toBe(1)

        const quarterHours = yield* readBy(store.quarterHours(deviceId, month))
        // With the one on either side, and its first and last looked up before.
        expect(quarterHours).toEqual({ seqScans: 0, raw: 0, quarters: 30 * 96 + 4 })

        const condensed = yield* readBy(store.condensed(deviceId, year))
        expect(condensed).toMatchObject({ seqScans: 0, raw: 0 })
        expect(condensed.quarters).toBeLessThan(4 * 96)

        expect(yield* readBy(store.extent(deviceId))).toMatchObject({ seqScans: 0, raw: 0 })

        const page = yield* readBy(store.samples(deviceId, { fromMs: baseMs, toMs: lastMs }, 100))
        expect(page).toMatchObject(byIndex)
        expect(page.raw).toBeLessThan(200)

        const curve = yield* readBy(store.powerCurve(deviceId, { fromMs: baseMs, toMs: baseMs + 3_600_000 }, "minute"))
        expect(curve).toMatchObject(byIndex)
      }),
    )

    it.effect("of late samples is each quarter-hour by itself", () =>
      Effect.gen(function* () {
        const { deviceId, lastMs, store } = yield* filled
        const late = Array.from({ length: 500 }, (_, i) =>
          sampleAt(baseMs + 20_000 + i * 320_000, { energyImportKwh: (8 * i + 0.5) / 100 }),
        )
        const taken = yield* readBy(store.ingest(deviceId, batchOf(late)))
        expect(late.at(-1)?.ts.epochMillis).toBeLessThan(lastMs)
        expect(taken.raw).toBeLessThan(10_000)
      }),
    )

    if (isThere) {
      it.effect("of late samples is their chunk and those of the samples on either side, not the years between", () =>
        Effect.gen(function* () {
          const [store, sql] = [yield* Store, yield* SqlClient.SqlClient]
          const [late, full] = [yield* newDevice, yield* newDevice]
          const inWeek = (week: number) => sampleAt(baseMs + week * 7 * dayMs)
          yield* store.ingest(full, batchOf(Array.from({ length: 53 }, (_, week) => inWeek(week))))
          yield* store.ingest(late, batchOf([inWeek(0), inWeek(52)]))
          const held = yield* sql.withTransaction(
            Effect.zipRight(store.ingest(late, batchOf([inWeek(20)])), chunksHeld),
          )
          expect(held).toBe(3)
          expect(yield* store.quarterHours(late, always)).toEqual(quartersByDomain([0, 20, 52].map(inWeek)))
        }),
      )
    }
  })
})
