import { copyFileSync, mkdtempSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Array as Arr, Chunk, Duration, Effect, Layer, Option, Stream, TestClock, TestContext } from "effect"
import { afterAll, describe, expect, it } from "vitest"
import { Spool, type SpooledSample, type Verdict } from "../../src/domain/ports/index.ts"
import * as Database from "../../src/infra/sqlite/Database.ts"
import { layerOn, type SpoolOptions } from "../../src/infra/sqlite/Spool.ts"
import { sampleAt } from "./samples.ts"
import { appendAll, now, numbersOf, powers } from "./spools.ts"

const folder = mkdtempSync(join(tmpdir(), "spool-leaving-"))
afterAll(() => {
  rmSync(folder, { recursive: true })
})
let files = 0
const newFile = () => join(folder, `${++files}.sqlite`)

const on = (options: SpoolOptions) => Layer.provideMerge(layerOn(options), Database.layer(options))
const run = <A, E>(options: SpoolOptions, program: Effect.Effect<A, E, Spool | Database.Database>) =>
  Effect.runPromise(Effect.provide(program, Layer.provideMerge(on(options), TestContext.TestContext)))

const stored = (rows: ReadonlyArray<SpooledSample>): ReadonlyArray<Verdict> =>
  rows.map(({ id }) => ({ _tag: "Stored", id }))

/** The server stores the newest samples, at most so many. */
const upload = (limit: number) =>
  Effect.flatMap(Spool, (spool) =>
    Effect.scoped(Effect.flatMap(spool.newest(limit, now), (rows) => spool.settle(stored(rows)))),
  )

const takeAndUpload = (ns: ReadonlyArray<number>) =>
  Effect.flatMap(Spool, (spool) =>
    Effect.forEach(ns, (n) => Effect.zipRight(appendAll(spool, [n]), upload(60)), { discard: true }),
  )

/** How many samples are in the file, whoever is shown them. */
const inFile = Effect.flatMap(Database.Database, ({ read, sql }) =>
  Effect.map(read(sql<{ readonly count: number }>`SELECT count(*) AS count FROM sample`), ([row]) => row?.count),
)

const shown = Effect.flatMap(Spool, (spool) =>
  Effect.gen(function* () {
    const { oldestTs, waiting } = yield* spool.status
    const listed = yield* Stream.runCollect(spool.samples)
    return { waiting, oldestTs, lent: yield* powers(spool), listed: numbersOf(Chunk.toReadonlyArray(listed)) }
  }),
)
const samples = (ns: ReadonlyArray<number>) => ({
  waiting: ns.length,
  oldestTs: Option.map(Arr.head(ns), (n) => sampleAt(n).ts),
  lent: ns,
  listed: ns,
})

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1)

/** Pages in a log, each with 24 bytes before it. Source: sqlite.org/fileformat2.html#walformat. */
const logPages = (filename: string): number => (statSync(`${filename}-wal`).size - 32) / (4096 + 24)

describe("what the server has stored", () => {
  it("leaves with a sample that comes, once it is enough, and is shown to nobody before", async () => {
    const seen = await run(
      { filename: newFile() },
      Effect.gen(function* () {
        yield* takeAndUpload(upTo(5))
        const before = [yield* inFile, yield* shown]
        yield* Effect.flatMap(Spool, (spool) => appendAll(spool, [6]))
        return [before, [yield* inFile, yield* shown]]
      }),
    )
    expect(seen).toEqual([
      [5, samples([])],
      [1, samples([6])],
    ])
  })

  it("waits again in the file that a kill leaves behind", async () => {
    const filename = newFile()
    const copy = newFile()
    await run(
      { filename },
      Effect.gen(function* () {
        yield* takeAndUpload(upTo(8))
        for (const end of ["", "-wal"]) copyFileSync(`${filename}${end}`, `${copy}${end}`)
      }),
    )
    expect(await run({ filename: copy }, shown)).toEqual(samples([6, 7, 8]))
  })

  it("leaves alone where no sample comes, and when the spool is closed", async () => {
    const filename = newFile()
    const seen = await run(
      { filename },
      Effect.gen(function* () {
        yield* takeAndUpload(upTo(2))
        yield* TestClock.adjust("9 seconds")
        const early = yield* inFile
        yield* TestClock.adjust("11 seconds")
        const late = yield* inFile
        yield* takeAndUpload([3])
        return [early, late, yield* inFile]
      }),
    )
    expect(seen).toEqual([2, 0, 1])
    expect(await run({ filename }, inFile)).toBe(0)
  })

  it("leaves also while the disk takes no new samples", async () => {
    const seen = await run(
      { filename: newFile() },
      Effect.gen(function* () {
        yield* takeAndUpload(upTo(6))
        const { sql } = yield* Database.Database
        yield* sql`CREATE TRIGGER broken BEFORE INSERT ON sample BEGIN SELECT raise(ABORT, 'no space'); END`
        const refused = yield* Effect.isFailure(takeAndUpload([7]))
        const before = yield* inFile
        yield* TestClock.adjust("20 seconds")
        return [refused, before, yield* inFile]
      }),
    )
    expect(seen).toEqual([true, 1, 0])
  })

  it("leaves at once where it is many", async () => {
    const seen = await run(
      { filename: newFile() },
      Effect.gen(function* () {
        yield* Effect.flatMap(Spool, (spool) => appendAll(spool, upTo(62)))
        yield* upload(61)
        return yield* inFile
      }),
    )
    expect(seen).toBe(1)
  })
})

describe("a sample that comes and leaves", () => {
  const seconds = 300
  const second = (n: number) => Effect.zipRight(takeAndUpload([n]), TestClock.adjust("1 second"))

  it.each([
    ["is a page of the log, and one more for each five", "each", seconds + seconds / 5],
    ["is two pages of the log for a group of five", Duration.seconds(5), (seconds / 5) * 2],
  ] as const)("%s", async (_, commit, expected) => {
    const filename = newFile()
    const pages = await run(
      { filename, commit },
      Effect.gen(function* () {
        yield* Effect.forEach(upTo(20), second)
        const before = logPages(filename)
        yield* Effect.forEach(upTo(seconds), second)
        return logPages(filename) - before
      }),
    )
    expect(pages).toBe(expected)
  })
})
