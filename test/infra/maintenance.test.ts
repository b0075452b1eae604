import { expect, layer } from "@effect/vitest"
import { Effect, FastCheck as fc, Layer } from "effect"
import { inject } from "vitest"
import { gatherFacts, type QuarterHour, quarterHourOf, quarterStartMs } from "../../src/domain/index.ts"
import { Store } from "../../src/domain/ports/index.ts"
import { PostgresClient, PostgresStore, PostgresUpkeep } from "../../src/infra/postgres/index.ts"
import { Database, layerFreshDatabase } from "../support/Database.ts"
import { runSql } from "../support/PostgresServer.ts"
import { baseMs, batchOf, sampleAt } from "../support/Samples.ts"
import { always, everySecond, newDevice, quartersByDomain } from "../support/Stores.ts"

const isThere = /with TimescaleDB/.test(inject("ranOn"))
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
      )
      const day = { fromMs: baseMs - 23 * 3_600_000, toMs: baseMs + 3_600_000 }
      expect(yield* PostgresUpkeep.repairDay(deviceId, day)).toBe(2)
      expect(yield* store.quarterHours(deviceId, always)).toEqual(quartersByDomain(run))
      expect(yield* PostgresUpkeep.repairDay(deviceId, day)).toBe(0)
    }),
  )

  it.effect("the day that is looked at is one of those there are", () =>
    Effect.gen(function* () {
      const store = yield* Store
      const deviceId = yield* newDevice
      yield* store.ingest(deviceId, batchOf(everySecond(baseMs, 100)))
      for (let i = 0; i < 10; i++) expect(yield* PostgresUpkeep.checkDrift).toBe(0)
    }),
  )
})

/** What the store promises of a horizon, by the domain alone: later samples count, earlier quarter-hours stay. */
class Model {
  private readonly samples = new Map<number, ReturnType<typeof sampleAt>>()
  readonly quarters = new Map<number, QuarterHour>()
  horizonMs = -Infinity

  take(batch: ReadonlyArray<ReturnType<typeof sampleAt>>): ReadonlyArray<number> {
    const expired: Array<number> = []
    batch.forEach((sample, place) => {
      if (sample.ts.epochMillis < this.horizonMs) expired.push(place)
      else if (!this.samples.has(sample.ts.epochMillis)) this.samples.set(sample.ts.epochMillis, sample)
    })
    const points = [...this.samples.values()]
      .sort((a, b) => a.ts.epochMillis - b.ts.epochMillis)
      .map(({ energyExportKwh, energyImportKwh, powerW, ts }) => ({
        tsMs: ts.epochMillis,
        powerW,
        importKwh: energyImportKwh,
        exportKwh: energyExportKwh,
      }))
    for (const startMs of new Set(points.map(({ tsMs }) => quarterStartMs(tsMs)))) {
      const facts = startMs >= this.horizonMs ? gatherFacts(points, startMs) : null
      if (facts !== null) this.quarters.set(startMs, quarterHourOf(facts))
    }
    return expired
  }
}

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
        const model = new Model()
        for (const { compress, horizonDay, places } of steps) {
          if (compress) yield* compressAll
          const wanted = horizonDay === null ? -Infinity : Math.floor(baseMs / dayMs + horizonDay) * dayMs
          if (wanted > model.horizonMs) {
            model.horizonMs = wanted
            yield* PostgresUpkeep.dropBefore(wanted)
          }
          const batch = places.flatMap((place) => run[place] ?? [])
          const { expired } = yield* store.ingest(deviceId, batchOf(batch))
          expect([...expired].sort((a, b) => a - b)).toEqual(model.take(batch))
          const quarters = [...model.quarters.values()].sort((a, b) => a.startMs - b.startMs)
          expect(yield* store.quarterHours(deviceId, always)).toEqual(quarters)
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
