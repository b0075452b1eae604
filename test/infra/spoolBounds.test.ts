import { existsSync, mkdtempSync, rmSync, statfsSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Chunk, DateTime, Duration, Effect, Layer, Stream, TestClock, TestContext } from "effect"
import { afterAll, describe, expect, it } from "vitest"
import {
  fromEpochMillis,
  gatherFacts,
  quarterHourMs,
  quarterHourOf,
  quarterStartMs,
  type Sample,
} from "../../src/domain/index.ts"
import { Spool, type SpooledSample } from "../../src/domain/ports/index.ts"
import { SqliteSpool } from "../../src/infra/sqlite/index.ts"
import { fullSample } from "../support/Samples.ts"

const folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "bounds-"))
afterAll(() => {
  rmSync(folder, { recursive: true })
})
let files = 0
const newFile = () => join(folder, `${++files}.sqlite`)

const startMs = Date.parse("2026-07-15T10:00:00Z")
const sampleOf = (n: number): Sample => ({
  ...fullSample(startMs),
  ts: fromEpochMillis(startMs + n * 1000),
  powerW: 500 + ((n * 7919) % 3000),
  energyImportKwh: 1_000 + Math.round(n * 0.4) / 1000,
})

const fill = (filename: string, count: number) =>
  Effect.flatMap(Spool, (spool) =>
    Effect.forEach(
      Array.from({ length: count }, (_, n) => n),
      (n) => spool.append(sampleOf(n), null),
      { discard: true },
    ),
  ).pipe(
    Effect.provide(SqliteSpool.layer({ filename, commit: Duration.seconds(5), maxBytes: 1e12, minFreeBytes: 0 })),
    Effect.runPromise,
  )

const energies = (rows: ReadonlyArray<SpooledSample>) => {
  const window = rows.map(({ sample }) => ({
    tsMs: sample.ts.epochMillis,
    powerW: sample.powerW,
    importKwh: sample.energyImportKwh,
    exportKwh: sample.energyExportKwh,
  }))
  const starts = [...new Set(window.map(({ tsMs }) => quarterStartMs(tsMs)))]
  return starts.map((start) => {
    const near = window.filter(({ tsMs }) => tsMs >= start - quarterHourMs && tsMs < start + 2 * quarterHourMs)
    const facts = gatherFacts(near, start)
    const { coverage, eligible, energyExportWh, energyImportWh, highWh, lowWh } = quarterHourOf(facts ?? ({} as never))
    return { start, coverage, eligible, energyExportWh, energyImportWh, highWh, lowWh }
  })
}

/** All samples, once the spool has come to rest within its bounds. */
const settled = (options: { readonly filename: string; readonly maxBytes: number; readonly minFreeBytes: number }) =>
  Effect.gen(function* () {
    const spool = yield* Spool
    const status = yield* spool.status.pipe(
      Effect.delay("200 millis"),
      Effect.repeat({ until: ({ thinned, waiting }) => thinned.toTenSeconds > 0 && waiting > 0 }),
      Effect.zipRight(spool.status.pipe(Effect.delay("500 millis"))),
    )
    return { status, rows: Chunk.toReadonlyArray(yield* Stream.runCollect(spool.samples)) }
  }).pipe(Effect.provide(SqliteSpool.layer(options)), Effect.runPromise)

describe("a spool at its bound", () => {
  const count = 20_000

  it("thins its oldest samples without changing a quarter-hour, and counts", { timeout: 120_000 }, async () => {
    const filename = newFile()
    await fill(filename, count)
    const before = Array.from({ length: count }, (_, n) => ({ id: n + 1, sample: sampleOf(n), meter: null }))
    const { rows, status } = await settled({ filename, maxBytes: 4_000_000, minFreeBytes: 0 })
    expect(status.waiting).toBe(rows.length)
    const { toOneMinute, toTenSeconds, withoutRegisters } = status.thinned
    expect(rows.length + toTenSeconds + toOneMinute + withoutRegisters).toBe(count)
    expect(toTenSeconds).toBeGreaterThan(5_000)
    expect(withoutRegisters).toBe(0)
    expect(energies(rows)).toEqual(energies(before))
    // The newest are all there.
    expect(rows.slice(-600).map(({ id }) => id)).toEqual(before.slice(-600).map(({ id }) => id))
  })

  it("leaves the disk to others in the same way", { timeout: 120_000 }, async () => {
    const filename = newFile()
    await fill(filename, count)
    const { bavail, bsize } = statfsSync(folder)
    const { status } = await settled({ filename, maxBytes: 1e12, minFreeBytes: bavail * bsize + 4_000_000 })
    expect(status.thinned.toTenSeconds).toBeGreaterThan(5_000)
    await Effect.runPromise(
      Effect.flatMap(Spool, (spool) => spool.append(sampleOf(count), null)).pipe(
        Effect.provide(SqliteSpool.layer({ filename, minFreeBytes: 1e15 })),
      ),
    )
  })

  it(
    "refuses samples, in words, when nothing is left to thin, and takes them again when there is room",
    { timeout: 60_000 },
    async () => {
      const filename = newFile()
      await fill(filename, 800)
      const refused = await Effect.runPromise(
        Effect.gen(function* () {
          const spool = yield* Spool
          return yield* spool
            .append(sampleOf(800), null)
            .pipe(Effect.delay("20 millis"), Effect.repeat({ until: () => false }), Effect.flip)
        }).pipe(Effect.provide(SqliteSpool.layer({ filename, maxBytes: 100_000, minFreeBytes: 0 }))),
      )
      expect(refused.message).toContain("The spool is full")
      const waiting = await Effect.runPromise(
        Effect.gen(function* () {
          const spool = yield* Spool
          yield* spool.append(sampleOf(900), null)
          return (yield* spool.status).waiting
        }).pipe(Effect.provide(SqliteSpool.layer({ filename }))),
      )
      expect(waiting).toBeGreaterThanOrEqual(801)
    },
  )

  it("gives the disk back what a backlog took, once it has drained", { timeout: 120_000 }, async () => {
    const filename = newFile()
    await fill(filename, 20_000)
    const bytes = await Effect.runPromise(
      Effect.gen(function* () {
        const spool = yield* Spool
        const full = (yield* spool.status).bytes
        yield* Effect.gen(function* () {
          const rows = yield* spool.oldest(5_000, DateTime.unsafeMake("2100-01-01"))
          yield* spool.settle(rows.map(({ id }) => ({ _tag: "Stored", id })))
          return rows.length
        }).pipe(Effect.scoped, Effect.repeat({ until: (sent) => sent === 0 }))
        yield* TestClock.adjust("10 seconds")
        return [full, (yield* spool.status).bytes] as const
      }).pipe(Effect.provide(Layer.provideMerge(SqliteSpool.layer({ filename }), TestContext.TestContext))),
    )
    expect(bytes[0]).toBeGreaterThan(8_000_000)
    expect(bytes[1]).toBeLessThan(1_000_000)
  })
})
