import { expect, layer } from "@effect/vitest"
import { Effect, FastCheck as fc, Layer, Random } from "effect"
import { Store } from "../../src/domain/ports/index.ts"
import { PostgresClient, PostgresStore, PostgresUpkeep } from "../../src/infra/postgres/index.ts"
import { Database, layerFreshDatabase } from "../support/Database.ts"
import { runSql } from "../support/PostgresServer.ts"
import { baseMs, batchOf, sampleAt } from "../support/Samples.ts"
import { StoreModel } from "../support/StoreModel.ts"
import { always, everySecond, newDevice, quartersByDomain } from "../support/Stores.ts"
import { isThere } from "../support/Timescale.ts"

const dayMs = 86_400_000

const setUp = Layer.unwrapEffect(
  Effect.map(Database, ({ url }) =>
    Layer.provideMerge(PostgresClient.layer({ url, maxConnections: 2 }), PostgresStore.layer({ url })),
  ),
).pipe(Layer.provideMerge(layerFreshDatabase))

const query = (...statements: ReadonlyArray<string>) =>
  Effect.flatMap(Database, ({ url }) => runSql(url, ...statements))

layer(setUp, { excludeTestServices: true, timeout: "60 seconds" })((it) => {
  it.effect("a quarter-hour that was tampered with is found and repaired", () =>
    Effect.gen(function* () {
      const store = yield* Store
      const deviceId = yield* newDevice
      const run = everySecond(baseMs, 3_000)
      yield* store.ingest(deviceId, batchOf(run))
      yield* query(
        `update p1_quarter_hours set energy_import_wh = energy_import_wh + 1
         where device_id = '${deviceId}' and start = '2026-03-28T23:15:00Z'`,
        `delete from p1_quarter_hours where device_id = '${deviceId}' and start = '2026-03-28T23:30:00Z'`,
        `insert into p1_quarter_hours select (jsonb_populate_record(known, '{"start": "2026-03-28T22:00:00Z"}')).*
         from p1_quarter_hours known where device_id = '${deviceId}' and start = '2026-03-28T23:00:00Z'`,
      )
      const before = yield* store.revision(deviceId)
      const day = { fromMs: baseMs - 23 * 3_600_000, toMs: baseMs + 3_600_000 }
      expect(yield* PostgresUpkeep.repairDay(deviceId, day)).toBe(3)
      expect(yield* store.quarterHours(deviceId, always)).toEqual(quartersByDomain(run))
      expect(yield* store.revision(deviceId)).toBe(before + 1)
      expect(yield* PostgresUpkeep.repairDay(deviceId, day)).toBe(0)
      expect(yield* store.revision(deviceId)).toBe(before + 1)
    }),
  )

  it.effect("by chance every day of every device is looked at, and none that is right is called wrong", () =>
    Effect.gen(function* () {
      const store = yield* Store
      const devices = [yield* newDevice, yield* newDevice]
      const run = [0, 1].flatMap((days) => everySecond(baseMs + days * dayMs, 5))
      yield* Effect.forEach(devices, (deviceId) => store.ingest(deviceId, batchOf(run)))
      const looks = (times: number) =>
        Effect.replicateEffect(PostgresUpkeep.checkDrift, times).pipe(
          Effect.map((repaired) => repaired.reduce((sum, count) => sum + count, 0)),
          Effect.withRandom(Random.make("looks")),
        )
      expect(yield* looks(10)).toBe(0)
      yield* query(
        `update p1_quarter_hours set energy_import_wh = energy_import_wh + 1
         where device_id in (${devices.map((deviceId) => `'${deviceId}'`).join(", ")})`,
      )
      expect(yield* looks(40)).toBe(4)
    }),
  )
})

/** Registers that only rise, over a few days: what is doubted and what is not is tested elsewhere. */
const arbitraryDays = fc
  .array(
    fc.record({
      gapMs: fc.oneof(
        { weight: 5, arbitrary: fc.integer({ min: 1_000, max: 100_000 }) },
        { weight: 2, arbitrary: fc.integer({ min: 600_000, max: 40_000_000 }) },
      ),
      powerW: fc.integer({ min: 0, max: 9_000 }),
    }),
    { minLength: 2, maxLength: 40 },
  )
  .map((steps) => {
    let tsMs = baseMs
    let importWh = 1_000_000
    return steps.map(({ gapMs, powerW }) => {
      tsMs += gapMs
      importWh += Math.round((powerW * gapMs) / 3_600_000)
      return sampleAt(tsMs, { powerW, energyImportKwh: importWh / 1000, energyExportKwh: 0 })
    })
  })

const arbitraryRetention = arbitraryDays.chain((run) =>
  fc.record({
    run: fc.constant(run),
    steps: fc.array(
      fc.record({
        places: fc.array(fc.nat(run.length - 1), { minLength: 1, maxLength: 10 }),
        horizonDay: fc.option(fc.integer({ min: 0, max: 6 }), { freq: 4 }),
        compress: fc.boolean(),
      }),
      { minLength: 1, maxLength: 12 },
    ),
  }),
)

const compressAll = isThere
  ? query("select compress_chunk(chunk, if_not_compressed => true) from show_chunks('p1_samples') chunk")
  : Effect.void

layer(Layer.empty, { excludeTestServices: true })((it) => {
  it.effect.prop(
    "what lies before the horizon is rejected by itself, and what was made of it stays as it was",
    [arbitraryRetention],
    ([{ run, steps }]) =>
      Effect.gen(function* () {
        const store = yield* Store
        const deviceId = yield* newDevice
        const model = new StoreModel()
        for (const { compress, horizonDay, places } of steps) {
          if (compress) yield* compressAll
          const wanted = horizonDay === null ? -Infinity : Math.floor(baseMs / dayMs + horizonDay) * dayMs
          if (wanted > model.horizonMs) {
            model.raise(wanted)
            yield* PostgresUpkeep.dropBefore(wanted)
          }
          const batch = places.flatMap((place) => run[place] ?? [])
          const { expired } = yield* store.ingest(deviceId, batchOf(batch))
          expect([...expired].sort((a, b) => a - b)).toEqual(model.take(batch))
          expect(yield* store.quarterHours(deviceId, always)).toEqual(model.quarters)
        }
        if (Number.isFinite(model.horizonMs)) {
          const from = { fromMs: 0, toMs: model.horizonMs - 2 * dayMs }
          const left = yield* store.samples(deviceId, isThere ? { ...from, toMs: 0 } : from)
          expect(left).toEqual([])
        }
      }).pipe(Effect.provide(setUp)),
    { timeout: 120_000, fastCheck: { numRuns: 8 } },
  )
})
