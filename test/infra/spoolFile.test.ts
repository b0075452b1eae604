import { spawn } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { createInterface } from "node:readline"
import Sqlite from "better-sqlite3"
import { DateTime, Duration, Effect, Either, Layer, Option, TestClock, TestContext, Tracer } from "effect"
import { build } from "esbuild"
import { afterAll, describe, expect, it } from "vitest"
import { fromEpochMillis } from "../../src/domain/index.ts"
import { Spool, type SpoolError } from "../../src/domain/ports/index.ts"
import { makeCommitTimes } from "../../src/infra/sqlite/CommitTimes.ts"
import * as Database from "../../src/infra/sqlite/Database.ts"
import { holderIn } from "../../src/infra/sqlite/Holder.ts"
import { steps } from "../../src/infra/sqlite/Migration.ts"
import { SqliteSpool } from "../../src/infra/sqlite/index.ts"
import { meterOf, sampleAt } from "./samples.ts"
import { appendAll, counts, countsOf, ids, now, powers, use } from "./spools.ts"

const folder = mkdtempSync(join(tmpdir(), "spool-"))
afterAll(() => {
  rmSync(folder, { recursive: true })
})
let files = 0
const newFile = () => join(folder, "made/by/the/spool", `${++files}.sqlite`)

const refusal = (filename: string) =>
  Effect.runPromise(
    Effect.flip(Effect.provide(Effect.asVoid(Spool), SqliteSpool.layer({ filename }))).pipe(
      Effect.map(({ message }) => message),
    ),
  )

/** Looks into a file behind the spool's back. */
const inspect = <A>(filename: string, look: (db: Sqlite.Database) => A): A => {
  const db = new Sqlite(filename)
  try {
    return look(db)
  } finally {
    db.close()
  }
}

describe("a spool in a file", () => {
  it("is the same after it was opened again", async () => {
    const filename = newFile()
    await use(SqliteSpool.layer({ filename }), (spool) =>
      Effect.gen(function* () {
        yield* spool.append(sampleAt(1), meterOf("6.0304"))
        yield* appendAll(spool, [2, 3])
        const [one = 0] = yield* ids(spool)
        yield* spool.settle([{ _tag: "Stored", id: one }])
      }),
    )
    const seen = await use(SqliteSpool.layer({ filename }), (spool) =>
      Effect.all([powers(spool), spool.lastTaken, spool.lastMeter, counts(spool)]),
    )
    expect(seen).toEqual([
      [2, 3],
      Option.some({ ts: sampleAt(3).ts, meterStamp: sampleAt(3).meterStamp }),
      Option.some(meterOf("6.0304")),
      countsOf({ waiting: 2, oldestTs: Option.some(sampleAt(2).ts) }),
    ])
  })

  it("has each commit on the disk when it returns, in a new file and in one that was there", async () => {
    const filename = newFile()
    const synchronous = Effect.gen(function* () {
      const { sql } = yield* Database.Database
      yield* sql`UPDATE state SET waiting = waiting`
      return [yield* sql`PRAGMA synchronous`, yield* sql`PRAGMA journal_mode`]
    }).pipe(Effect.provide(Database.layer({ filename })))
    const durable = [[{ synchronous: 2 }], [{ journalMode: "wal" }]]
    expect(await Effect.runPromise(synchronous)).toEqual(durable)
    expect(await Effect.runPromise(synchronous)).toEqual(durable)
  })

  it("keeps what was quarantined, with the reason and every field", async () => {
    const filename = newFile()
    await use(SqliteSpool.layer({ filename }), (spool) =>
      Effect.gen(function* () {
        yield* appendAll(spool, [1])
        const [id = 0] = yield* ids(spool)
        yield* spool.settle([{ _tag: "Quarantined", id, code: "before_2020", message: "too old" }])
      }),
    )
    const row = inspect(filename, (db) => db.prepare("SELECT * FROM quarantine").get())
    expect(row).toMatchObject({
      code: "before_2020",
      message: "too old",
      ts: sampleAt(1).ts.epochMillis,
      energy_import_kwh: 12346.678,
      average_power_15m_w: sampleAt(1).averagePower15mW,
    })
  })

  it("settles all verdicts or none", async () => {
    const filename = newFile()
    await use(SqliteSpool.layer({ filename }), (spool) => appendAll(spool, [1, 2]))
    inspect(filename, (db) =>
      db.exec("CREATE TRIGGER broken BEFORE DELETE ON sample BEGIN SELECT raise(ABORT, 'the disk is on fire'); END"),
    )
    const seen = await use(SqliteSpool.layer({ filename }), (spool) =>
      Effect.gen(function* () {
        const [one = 0, two = 0] = yield* ids(spool)
        const outcome: Either.Either<void, SpoolError> = yield* Effect.either(
          spool.settle([
            { _tag: "Quarantined", id: one, code: "invalid", message: "" },
            { _tag: "Postponed", id: two, until: DateTime.add(now, { minutes: 1 }) },
          ]),
        )
        yield* appendAll(spool, [3])
        return [Either.isLeft(outcome), yield* powers(spool), yield* counts(spool)] as const
      }),
    )
    expect(seen).toEqual([true, [1, 2, 3], countsOf({ waiting: 3, oldestTs: Option.some(sampleAt(1).ts) })])
  })

  it("keeps a sample whose append returned, also beside a settle that fails", async () => {
    const filename = newFile()
    await use(SqliteSpool.layer({ filename }), (spool) => appendAll(spool, [1]))
    inspect(filename, (db) =>
      db.exec("CREATE TRIGGER broken BEFORE DELETE ON sample BEGIN SELECT raise(ABORT, 'the disk is on fire'); END"),
    )
    const left = await use(SqliteSpool.layer({ filename }), (spool) =>
      Effect.gen(function* () {
        const stored = [{ _tag: "Stored", id: 1 }] as const
        const quarantined = [{ _tag: "Quarantined", id: 1, code: "invalid", message: "" }] as const
        yield* Effect.all(
          Array.from({ length: 20 }, (_, n) => [
            Effect.either(spool.settle(n % 2 === 0 ? stored : quarantined)),
            Effect.zipRight(Effect.yieldNow(), spool.append(sampleAt(n + 2), null)),
          ]).flat(),
          { concurrency: "unbounded" },
        ).pipe(Effect.withMaxOpsBeforeYield(16))
        return yield* powers(spool)
      }),
    )
    expect(new Set(left)).toEqual(new Set(Array.from({ length: 20 }, (_, n) => n + 2)))
  })

  it("does not take for its holder a process that holds a file of the same number on another device", () => {
    const locks = [
      "1: POSIX  ADVISORY  WRITE 11 08:01:4711 0 EOF",
      "2: POSIX  ADVISORY  READ 22 fe:300:4711 0 EOF",
      "3: POSIX  ADVISORY  WRITE 33 fe:300:4711 128 128",
    ].join("\n")
    const holders = [0x801, 0x30fe00, 0x802].map((dev) => holderIn(locks, { dev, ino: 4711 }))
    expect(holders).toEqual([11, 33, undefined])
  })

  it("is refused to a second process, by name, and free again afterwards", async () => {
    const filename = newFile()
    const second = await use(SqliteSpool.layer({ filename }), () => Effect.promise(() => refusal(filename)))
    expect(second).toBe(
      `The spool ${filename} is in use by another process (${process.pid}): stop that one, or set DATA_DIR to another folder.`,
    )
    await use(SqliteSpool.layer({ filename }), (spool) => appendAll(spool, [1]))
  })

  it("is brought up to this version with all that it holds", async () => {
    const filename = newFile()
    mkdirSync(dirname(filename), { recursive: true })
    inspect(filename, (db) => {
      for (const statement of steps[0] ?? []) db.exec(statement)
      db.exec(
        "INSERT INTO sample (ts, power_w, meter_stamp) VALUES (1784109601000, 1001, 'a'), (1784109602000, 1002, 'b')",
      )
      db.exec("DELETE FROM sample WHERE id = 2")
      db.pragma("user_version = 1")
    })
    const seen = await use(SqliteSpool.layer({ filename }), (spool) =>
      Effect.gen(function* () {
        const last = yield* spool.lastTaken
        const before = yield* ids(spool)
        yield* appendAll(spool, [3])
        return [
          before,
          yield* powers(spool),
          Option.map(last, ({ meterStamp }) => meterStamp),
          yield* ids(spool),
        ] as const
      }),
    )
    expect(seen).toEqual([[1], [1, 3], Option.some("b"), [1, 3]])
  })

  it("writes a sample where it goes and to no second page of the disk", async () => {
    const filename = newFile()
    const framesOf = (samples: number) =>
      Effect.flatMap(Spool, (spool) =>
        Effect.gen(function* () {
          yield* appendAll(
            spool,
            Array.from({ length: samples }, (_, n) => n),
          )
          return statSync(`${filename}-wal`).size / 4_120
        }),
      )
    const [before, after] = await Effect.all([framesOf(20), framesOf(40)]).pipe(
      Effect.provide(SqliteSpool.layer({ filename })),
      Effect.runPromise,
    )
    // A page that is full makes for some more.
    expect((after - before) / 40).toBeLessThan(1.75)
  })

  it("knows of all samples but the last few without looking at each", async () => {
    const filename = newFile()
    await use(SqliteSpool.layer({ filename }), (spool) =>
      appendAll(
        spool,
        Array.from({ length: 1_050 }, (_, n) => n),
      ),
    )
    const known = inspect(filename, (db) => db.prepare("SELECT waiting = last_id AS exact, last_id FROM state").get())
    expect(known).toMatchObject({ exact: 1 })
    expect(known).toHaveProperty("last_id", 1_000)
  })

  it("knows how long 99 of 100 commits take, the slowest of the last ones included", async () => {
    const filename = newFile()
    const seen = await use(SqliteSpool.layer({ filename }), (spool) =>
      Effect.gen(function* () {
        const before = yield* spool.status
        yield* appendAll(spool, [1])
        return [before.commitP99Ms, Option.isSome((yield* spool.status).commitP99Ms)]
      }),
    )
    expect(seen).toEqual([Option.none(), true])
    const times = Effect.gen(function* () {
      const { p99Ms, timed } = yield* makeCommitTimes
      const taking = (ms: number) => TestClock.adjust(Duration.millis(ms))
      yield* Effect.forEach([7_000, ...Array.from({ length: 600 }, (_, n) => (n < 7 ? 100 + n : 5))], (ms) =>
        timed(taking(ms)),
      )
      return yield* p99Ms
    })
    expect(await Effect.runPromise(Effect.provide(times, TestContext.TestContext))).toEqual(Option.some(100))
  })

  it("counts on when it becomes the heir of a damaged file beside it", async () => {
    const filename = newFile()
    await use(SqliteSpool.layer({ filename }), (spool) => appendAll(spool, [1, 2]))
    writeFileSync(`${filename}.damaged-2026-07-15T10-00-00-000Z`, "no spool")
    const seen = await use(SqliteSpool.layer({ filename }), (spool) =>
      Effect.gen(function* () {
        yield* appendAll(spool, [3])
        return [(yield* spool.status).waiting, yield* powers(spool), yield* spool.lastTaken] as const
      }),
    )
    const last = Option.some({ ts: sampleAt(3).ts, meterStamp: sampleAt(3).meterStamp })
    expect(seen).toEqual([3, [1, 2, 3], last])
  })

  it("is refused when a newer version wrote it", async () => {
    const filename = newFile()
    await use(SqliteSpool.layer({ filename }), (spool) => appendAll(spool, [1]))
    inspect(filename, (db) => db.pragma("user_version = 7"))
    expect(await refusal(filename)).toContain(`${filename} was written by a newer version of this program (schema 7`)
  })

  it("is refused in a place where none can be", async () => {
    const plain = join(folder, "plain")
    writeFileSync(plain, "a file is no folder")
    expect(await refusal(join(plain, "inside.sqlite"))).toContain("cannot be opened")
    expect(await refusal(folder)).toContain("cannot be opened")
  })
})

describe("a spool that commits in groups", () => {
  const everyFive = (filename: string) => SqliteSpool.layer({ filename, commit: Duration.seconds(5) })

  it("takes samples at once and has them on the disk after the group's time", async () => {
    const filename = newFile()
    const seen = await Effect.gen(function* () {
      const spool = yield* Spool
      yield* appendAll(spool, [1, 2, 3])
      const early = [(yield* spool.status).waiting, yield* powers(spool)] as const
      yield* TestClock.adjust("4900 millis")
      const almost = yield* powers(spool)
      yield* TestClock.adjust("200 millis")
      return [early, almost, yield* powers(spool), (yield* spool.status).waiting]
    }).pipe(Effect.provide(Layer.provideMerge(everyFive(filename), TestContext.TestContext)), Effect.runPromise)
    expect(seen).toEqual([[3, []], [], [1, 2, 3], 3])
  })

  it("has them on the disk as soon as a verdict is, and begins the next group then", async () => {
    const filename = newFile()
    await use(everyFive(filename), (spool) => appendAll(spool, [0]))
    const seen = await Effect.gen(function* () {
      const spool = yield* Spool
      yield* appendAll(spool, [1, 2])
      yield* TestClock.adjust("4 seconds")
      yield* spool.settle([{ _tag: "Postponed", id: 1, until: fromEpochMillis(0) }])
      const early = [yield* powers(spool), (yield* spool.status).waiting] as const
      yield* appendAll(spool, [3])
      yield* TestClock.adjust("4900 millis")
      const almost = yield* powers(spool)
      yield* TestClock.adjust("200 millis")
      return [early, almost, yield* powers(spool), (yield* spool.status).waiting]
    }).pipe(Effect.provide(Layer.provideMerge(everyFive(filename), TestContext.TestContext)), Effect.runPromise)
    expect(seen).toEqual([[[0, 1, 2], 3], [0, 1, 2], [0, 1, 2, 3], 4])
  })

  it("carries verdicts out also while the disk takes no new samples", async () => {
    const filename = newFile()
    await use(everyFive(filename), (spool) => appendAll(spool, [0]))
    inspect(filename, (db) =>
      db.exec("CREATE TRIGGER broken BEFORE INSERT ON sample BEGIN SELECT raise(ABORT, 'no space'); END"),
    )
    const seen = await use(everyFive(filename), (spool) =>
      Effect.gen(function* () {
        yield* appendAll(spool, [1])
        yield* spool.settle([{ _tag: "Quarantined", id: 1, code: "invalid", message: "" }])
        const { quarantined, waiting } = yield* spool.status
        return [yield* powers(spool), waiting, quarantined]
      }),
    )
    expect(seen).toEqual([[], 1, 1])
  })

  it("moves no samples in time without those that wait for the disk: they would be left behind", async () => {
    const filename = newFile()
    await use(everyFive(filename), (spool) => appendAll(spool, [0]))
    inspect(filename, (db) =>
      db.exec("CREATE TRIGGER broken BEFORE INSERT ON sample BEGIN SELECT raise(ABORT, 'no space'); END"),
    )
    const moved = await use(everyFive(filename), (spool) =>
      Effect.gen(function* () {
        yield* appendAll(spool, [1])
        const all = yield* Effect.either(spool.retime(DateTime.unsafeMake(0), now, 1_000))
        const [row] = yield* Effect.scoped(spool.oldest(1, now))
        return [Either.isRight(all), row?.sample.ts]
      }),
    )
    expect(moved).toEqual([false, sampleAt(0).ts])
  })

  it("waits as long again where the disk refuses a group", async () => {
    const filename = newFile()
    await use(everyFive(filename), (spool) => appendAll(spool, [0]))
    inspect(filename, (db) =>
      db.exec("CREATE TRIGGER broken BEFORE INSERT ON sample BEGIN SELECT raise(ABORT, 'no space'); END"),
    )
    let statements = 0
    const counting = (tracer: Tracer.Tracer) =>
      Tracer.make({
        ...tracer,
        span: (...span) => {
          statements++
          return tracer.span(...span)
        },
      })
    const waiting = await Effect.gen(function* () {
      const spool = yield* Spool
      yield* appendAll(spool, [1])
      yield* TestClock.adjust("1 minute")
      return (yield* spool.status).waiting
    }).pipe(
      Effect.provide(Layer.provideMerge(everyFive(filename), TestContext.TestContext)),
      (program) => Effect.flatMap(Effect.tracer, (tracer) => Effect.withTracer(program, counting(tracer))),
      Effect.runPromise,
    )
    expect(waiting).toBe(2)
    expect(statements).toBeLessThan(250)
  })

  it("has them on the disk when it ends in order", async () => {
    const filename = newFile()
    await use(everyFive(filename), (spool) => appendAll(spool, [1, 2]))
    expect(await use(everyFive(filename), powers)).toEqual([1, 2])
  })

  it("takes no more than it can hold while the disk refuses", async () => {
    const filename = newFile()
    await use(everyFive(filename), (spool) => appendAll(spool, [0]))
    inspect(filename, (db) =>
      db.exec(
        "CREATE TRIGGER broken BEFORE INSERT ON sample WHEN NEW.power_w < 2000 BEGIN SELECT raise(ABORT, 'no space'); END",
      ),
    )
    const taken = await use(everyFive(filename), (spool) =>
      Effect.forEach(
        Array.from({ length: 100 }, (_, n) => n + 1),
        (n) => Effect.isSuccess(spool.append(sampleAt(n), null)),
      ).pipe(Effect.map((outcomes) => outcomes.filter(Boolean).length)),
    )
    expect(taken).toBe(60)
  })
})

describe("a commit to the spool", () => {
  const bundle = join("node_modules/.cache", `spool-child-${process.pid}.mjs`)
  afterAll(() => {
    rmSync(bundle, { force: true })
  })

  it("outlives kill -9", { timeout: 60_000 }, async () => {
    await build({
      entryPoints: ["test/infra/spoolChild.ts"],
      outfile: bundle,
      bundle: true,
      platform: "node",
      format: "esm",
      external: ["better-sqlite3"],
      banner: { js: 'import { createRequire as c } from "node:module"; const require = c(import.meta.url);' },
      logLevel: "error",
    })
    const filename = newFile()
    let acknowledged = 0
    for (const until of [50, 75, 131]) {
      const child = spawn(process.execPath, [bundle, filename], { stdio: ["ignore", "pipe", "inherit"] })
      let appended = 0
      for await (const line of createInterface({ input: child.stdout })) {
        appended = Number(line)
        if (appended === until) child.kill("SIGKILL")
      }
      expect(appended).toBeGreaterThanOrEqual(until)
      acknowledged += appended
    }
    const { waiting } = await use(SqliteSpool.layer({ filename }), (spool) => spool.status)
    expect(waiting).toBeGreaterThanOrEqual(acknowledged)
    expect(waiting).toBeLessThanOrEqual(acknowledged + 3)
  })
})
