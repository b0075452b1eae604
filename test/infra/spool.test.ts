import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Chunk, DateTime, Effect, Exit, Option, Scope, Stream } from "effect"
import { afterAll, describe, expect, it } from "vitest"
import { fromEpochMillis } from "../../src/domain/index.ts"
import { quarantineLimit } from "../../src/domain/ports/index.ts"
import { MemorySpool } from "../../src/infra/memory/index.ts"
import { SqliteSpool } from "../../src/infra/sqlite/index.ts"
import { bareSampleAt, meterOf, sampleAt } from "./samples.ts"
import { appendAll, counts, countsOf, ids, now, numbersOf, powers, use } from "./spools.ts"

const folder = mkdtempSync(join(tmpdir(), "spool-"))
afterAll(() => {
  rmSync(folder, { recursive: true })
})
let files = 0
const newFile = () => join(folder, "made/by/the/spool", `${++files}.sqlite`)

describe.each([
  ["in memory", () => MemorySpool.layer],
  ["in SQLite", () => SqliteSpool.layer({ filename: newFile() })],
] as const)("a spool %s", (_, layer) => {
  it("is empty at first", async () => {
    const empty = await use(layer(), (spool) =>
      Effect.all([powers(spool), spool.lastTaken, spool.lastMeter, counts(spool)]),
    )
    expect(empty).toEqual([[], Option.none(), Option.none(), countsOf({ waiting: 0, oldestTs: Option.none() })])
  })

  it("gives back samples exactly, in the order they were taken, whatever their time", async () => {
    const rows = await use(layer(), (spool) =>
      Effect.gen(function* () {
        yield* spool.append(sampleAt(5), meterOf("6.0304"))
        yield* spool.append(bareSampleAt(3), null)
        yield* spool.append({ ...sampleAt(4), external: [] }, null)
        return yield* Effect.scoped(spool.oldest(10, now))
      }),
    )
    expect(rows.map(({ meter, sample }) => ({ meter, sample }))).toEqual([
      { sample: sampleAt(5), meter: meterOf("6.0304") },
      { sample: bareSampleAt(3), meter: null },
      { sample: { ...sampleAt(4), external: [] }, meter: null },
    ])
  })

  it("moves the samples between two instants, and those alone", async () => {
    const [moved, rows] = await use(layer(), (spool) =>
      Effect.gen(function* () {
        yield* spool.append(sampleAt(1), meterOf("6.0304"))
        yield* spool.append(sampleAt(2), meterOf("6.0305"))
        yield* appendAll(spool, [3, 4])
        const moved = yield* spool.retime(sampleAt(1).ts, sampleAt(4).ts, 500)
        return [moved, yield* Effect.scoped(spool.oldest(10, now))] as const
      }),
    )
    const later = (n: number) => DateTime.add(sampleAt(n).ts, { millis: 500 })
    expect(moved).toBe(2)
    expect(rows.map(({ meter, sample }) => ({ meter, sample }))).toEqual([
      { sample: sampleAt(1), meter: meterOf("6.0304") },
      { sample: { ...sampleAt(2), ts: later(2), tsSource: "elapsed" }, meter: null },
      { sample: { ...sampleAt(3), ts: later(3), tsSource: "elapsed" }, meter: null },
      { sample: sampleAt(4), meter: null },
    ])
  })

  it("moves no sample that the server has stored", async () => {
    const [moved, left] = await use(layer(), (spool) =>
      Effect.gen(function* () {
        yield* appendAll(spool, [1, 2, 3])
        const [one = 0] = yield* ids(spool)
        yield* spool.settle([{ _tag: "Stored", id: one }])
        return [yield* spool.retime(sampleAt(0).ts, sampleAt(3).ts, 500), yield* powers(spool)] as const
      }),
    )
    expect([moved, left]).toEqual([1, [2, 3]])
  })

  it("gives no more than it was asked for, oldest first", async () => {
    const first = await use(layer(), (spool) => Effect.zipRight(appendAll(spool, [1, 2, 3, 4]), powers(spool, 2)))
    expect(first).toEqual([1, 2])
  })

  it("removes exactly what a verdict names", async () => {
    const left = await use(layer(), (spool) =>
      Effect.gen(function* () {
        yield* appendAll(spool, [1, 2, 3, 4, 5])
        const [one = 0, , three = 0] = yield* ids(spool)
        yield* spool.settle([
          { _tag: "Stored", id: one },
          { _tag: "Stored", id: three },
          { _tag: "Stored", id: 999_999 },
        ])
        yield* appendAll(spool, [6])
        return [yield* powers(spool), (yield* spool.status).waiting] as const
      }),
    )
    expect(left).toEqual([[2, 4, 5, 6], 4])
  })

  it("never gives an id twice, also when the newest sample has left", async () => {
    const [before, after] = await use(layer(), (spool) =>
      Effect.gen(function* () {
        yield* appendAll(spool, [1, 2])
        const before = yield* ids(spool)
        yield* spool.settle(before.map((id) => ({ _tag: "Stored", id })))
        yield* appendAll(spool, [3])
        return [before, yield* ids(spool)] as const
      }),
    )
    expect(before).not.toContain(after[0])
  })

  it("holds back what was postponed until it is due", async () => {
    const seen = await use(layer(), (spool) =>
      Effect.gen(function* () {
        yield* appendAll(spool, [1, 2])
        const [one = 0] = yield* ids(spool)
        const until = DateTime.add(now, { seconds: 60 })
        yield* spool.settle([{ _tag: "Postponed", id: one, until }])
        const held = yield* powers(spool)
        const due = yield* Effect.scoped(spool.oldest(10, until))
        return [held, due.length, yield* counts(spool)] as const
      }),
    )
    expect(seen).toEqual([[2], 2, countsOf({ waiting: 2, oldestTs: Option.some(sampleAt(1).ts) })])
  })

  it("holds nothing back for longer than an hour: a clock that was a day ahead put that off", async () => {
    const seen = await use(layer(), (spool) =>
      Effect.gen(function* () {
        yield* appendAll(spool, [1, 2, 3])
        const [one = 0, two = 0] = yield* ids(spool)
        yield* spool.settle([
          { _tag: "Postponed", id: one, until: DateTime.add(now, { hours: 1 }) },
          { _tag: "Postponed", id: two, until: DateTime.add(now, { hours: 1, millis: 1 }) },
        ])
        return [yield* powers(spool), numbersOf(yield* Effect.scoped(spool.newest(10, now)))]
      }),
    )
    expect(seen).toEqual([
      [2, 3],
      [2, 3],
    ])
  })

  it("counts what was quarantined and does not offer it again", async () => {
    const seen = await use(layer(), (spool) =>
      Effect.gen(function* () {
        yield* appendAll(spool, [1, 2])
        const [one = 0, two = 0] = yield* ids(spool)
        yield* spool.settle([
          { _tag: "Quarantined", id: one, code: "invalid", message: "powerW: absurd" },
          { _tag: "Postponed", id: two, until: fromEpochMillis(0) },
        ])
        return [yield* powers(spool), yield* counts(spool)] as const
      }),
    )
    expect(seen).toEqual([[2], countsOf({ waiting: 1, oldestTs: Option.some(sampleAt(2).ts), quarantined: 1 })])
  })

  it("remembers what was taken last and what the meter said of itself after all has left", async () => {
    const seen = await use(layer(), (spool) =>
      Effect.gen(function* () {
        yield* spool.append(sampleAt(1), meterOf("6.0304"))
        yield* spool.append(sampleAt(2), null)
        yield* spool.settle((yield* ids(spool)).map((id) => ({ _tag: "Stored", id })))
        return [yield* spool.lastTaken, yield* spool.lastMeter] as const
      }),
    )
    expect(seen).toEqual([
      Option.some({ ts: sampleAt(2).ts, meterStamp: sampleAt(2).meterStamp }),
      Option.some(meterOf("6.0304")),
    ])
  })

  it("lends from both ends, in the order taken, and none twice", async () => {
    const seen = await use(layer(), (spool) =>
      Effect.gen(function* () {
        yield* appendAll(spool, [1, 2, 3, 4, 5, 6])
        const live = yield* Scope.make()
        const newest = yield* Scope.extend(spool.newest(2, now), live)
        const rest = yield* Effect.scoped(Effect.zip(spool.oldest(3, now), spool.newest(5, now)))
        yield* Scope.close(live, Exit.void)
        return [numbersOf(newest), ...rest.map(numbersOf), yield* powers(spool)]
      }),
    )
    expect(seen).toEqual([[5, 6], [1, 2, 3], [4], [1, 2, 3, 4, 5, 6]])
  })

  it("lends none twice to many who ask at once", async () => {
    const lent = await use(layer(), (spool) =>
      Effect.gen(function* () {
        yield* appendAll(
          spool,
          Array.from({ length: 50 }, (_, n) => n),
        )
        return yield* Effect.scoped(
          Effect.all(
            Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? spool.oldest(3, now) : spool.newest(3, now))),
            { concurrency: "unbounded" },
          ),
        )
      }),
    )
    const numbers = lent.flatMap(numbersOf)
    expect(new Set(numbers).size).toBe(numbers.length)
    expect(numbers).toHaveLength(50)
  })

  it("reads through all samples that wait, lent or not, also those of more than a page", async () => {
    const seen = await use(layer(), (spool) =>
      Effect.gen(function* () {
        yield* appendAll(
          spool,
          Array.from({ length: 1_005 }, (_, n) => n),
        )
        yield* spool.oldest(2, now)
        return Chunk.toReadonlyArray(yield* Stream.runCollect(spool.samples))
      }).pipe(Effect.scoped),
    )
    expect(numbersOf(seen)).toEqual(Array.from({ length: 1_005 }, (_, n) => n))
  })

  it("shows what was quarantined, why and when, and lets it wait again in its old place", async () => {
    const seen = await use(layer(), (spool) =>
      Effect.gen(function* () {
        yield* spool.append(sampleAt(1), meterOf("6.0304"))
        yield* appendAll(spool, [2, 3])
        const [one = 0, two = 0] = yield* ids(spool)
        const refusal = { code: "invalid", message: "powerW: absurd" } as const
        yield* spool.settle([one, two].map((id) => ({ _tag: "Quarantined", id, ...refusal })))
        const quarantined = Chunk.toReadonlyArray(yield* Stream.runCollect(spool.quarantine))
        const retried = [yield* spool.retry([two, 999_999]), yield* powers(spool), (yield* spool.status).waiting]
        return [
          quarantined,
          ...retried,
          yield* spool.retry("all"),
          yield* powers(spool),
          yield* spool.lastTaken,
        ] as const
      }),
    )
    const [quarantined, ...rest] = seen
    expect(quarantined).toMatchObject([
      { sample: sampleAt(1), meter: meterOf("6.0304"), code: "invalid", message: "powerW: absurd" },
      { sample: sampleAt(2), meter: null },
    ])
    const last = Option.some({ ts: sampleAt(3).ts, meterStamp: sampleAt(3).meterStamp })
    expect(rest).toEqual([1, [2, 3], 2, 1, [1, 2, 3], last])
  })

  it("keeps what does not fit into the quarantine waiting, put off for an hour", { timeout: 60_000 }, async () => {
    const seen = await use(layer(), (spool) =>
      Effect.gen(function* () {
        yield* appendAll(
          spool,
          Array.from({ length: quarantineLimit + 2 }, (_, n) => n),
        )
        const rows = yield* Effect.scoped(spool.oldest(quarantineLimit + 2, now))
        yield* spool.settle(rows.map(({ id }) => ({ _tag: "Quarantined", id, code: "invalid", message: "" })))
        const { quarantined, waiting } = yield* spool.status
        const at = yield* DateTime.now
        const soon = yield* Effect.scoped(spool.oldest(5, DateTime.add(at, { minutes: 59 })))
        const later = yield* Effect.scoped(spool.oldest(5, DateTime.add(at, { minutes: 61 })))
        return [quarantined, waiting, numbersOf(soon), numbersOf(later)]
      }),
    )
    expect(seen).toEqual([quarantineLimit, 2, [], [quarantineLimit, quarantineLimit + 1]])
  })

  it("says that it can be written", async () => {
    await use(layer(), (spool) => spool.check)
  })
})
