import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DateTime, Duration, Effect, Layer } from "effect"
import { afterAll, describe, expect, it } from "vitest"
import { type Sample } from "../../src/domain/index.ts"
import { Spool, type SpooledSample } from "../../src/domain/ports/index.ts"
import * as Database from "../../src/infra/sqlite/Database.ts"
import { layerOn } from "../../src/infra/sqlite/Spool.ts"
import { sampleAt as plainSampleAt } from "../support/Samples.ts"

const folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "offline-"))
afterAll(() => {
  rmSync(folder, { recursive: true })
})

const startMs = Date.parse("2026-07-15T10:00:00Z")
const later = DateTime.unsafeMake("2100-01-01")
const sampleAt = (second: number): Sample =>
  plainSampleAt(startMs + second * 1000, { powerW: second % 5_000, energyImportKwh: 1_000 + second / 1000 })
const secondOf = ({ sample }: SpooledSample): number => (sample.ts.epochMillis - startMs) / 1000

/** Uploads until nothing is left, the newest ahead of the rest; gives what the server then has. */
const drain = (
  settle: (rows: ReadonlyArray<SpooledSample>) => Effect.Effect<unknown, unknown, Spool | Database.Database>,
) =>
  Effect.gen(function* () {
    const spool = yield* Spool
    const server = new Map<number, Sample>()
    const lane = (rows: ReadonlyArray<SpooledSample>) =>
      Effect.gen(function* () {
        for (const row of rows) server.set(secondOf(row), row.sample)
        yield* settle(rows)
        return rows.length
      })
    yield* Effect.gen(function* () {
      const live = yield* Effect.flatMap(spool.newest(60, later), lane)
      const backlog = yield* Effect.flatMap(spool.oldest(5_000, later), lane)
      return live + backlog
    }).pipe(Effect.scoped, Effect.repeat({ until: (sent) => sent === 0 }))
    return server
  })

const byId = (rows: ReadonlyArray<SpooledSample>) =>
  Effect.flatMap(Spool, ({ settle }) => settle(rows.map(({ id }) => ({ _tag: "Stored", id }))))

const byTs = (rows: ReadonlyArray<SpooledSample>) =>
  Effect.flatMap(Database.Database, ({ sql, write }) =>
    write(sql`DELETE FROM sample WHERE ts <= ${Math.max(...rows.map(({ sample }) => sample.ts.epochMillis))}`),
  )

const committed = Effect.flatMap(Database.Database, ({ read, sql }) =>
  Effect.map(read(sql<{ readonly count: number }>`SELECT count(*) AS count FROM sample`), ([row]) => row?.count ?? 0),
)

const run = <A, E>(
  program: Effect.Effect<A, E, Spool | Database.Database>,
  options: { readonly filename: string; readonly commit?: Duration.Duration },
) => Effect.runPromise(Effect.provide(program, Layer.provideMerge(layerOn(options), Database.layer(options))))

describe("a day without the server", () => {
  const hours = 24
  const perHour = 3_600

  it("and a kill every hour: 86,400 of 86,400 arrive, each as it was", { timeout: 300_000 }, async () => {
    let filename = join(folder, "hour-0.sqlite")
    for (let hour = 0; hour < hours; hour++) {
      const next = join(folder, `hour-${hour + 1}.sqlite`)
      const anHour = Effect.gen(function* () {
        const spool = yield* Spool
        for (let i = 0; i < perHour; i++) yield* spool.append(sampleAt(hour * perHour + i), null)
        yield* committed.pipe(
          Effect.delay("20 millis"),
          Effect.repeat({ until: (count) => count === (hour + 1) * perHour }),
        )
        // As a kill leaves it: nothing has been closed.
        copyFileSync(filename, next)
        copyFileSync(`${filename}-wal`, `${next}-wal`)
      })
      await run(anHour, { filename, commit: Duration.millis(50) })
      rmSync(filename)
      filename = next
    }
    const server = await run(drain(byId), { filename })
    expect(server.size).toBe(86_400)
    for (const [second, sample] of server) if (second % 617 === 0) expect(sample).toEqual(sampleAt(second))
  })

  it.each([
    ["arrives whole, also after the clock was set back", byId, 200],
    ["is seen to lose samples where they leave by their time", byTs, 160],
  ] as const)("%s", async (_, settle, arrived) => {
    const seconds = [...Array.from({ length: 100 }, (_, n) => 100 + n), ...Array.from({ length: 100 }, (_, n) => n)]
    const server = await run(
      Effect.gen(function* () {
        const spool = yield* Spool
        for (const second of seconds) yield* spool.append(sampleAt(second), null)
        return yield* drain(settle)
      }),
      { filename: join(folder, `back-${arrived}.sqlite`) },
    )
    expect(server.size).toBe(arrived)
  })
})
