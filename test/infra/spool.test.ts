import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DateTime, Effect, type Layer, Option } from "effect"
import { afterAll, describe, expect, it } from "vitest"
import { fromEpochMillis } from "../../src/domain/index.ts"
import { Spool } from "../../src/domain/ports/index.ts"
import { MemorySpool } from "../../src/infra/memory/index.ts"
import type { StartupError } from "../../src/infra/process/index.ts"
import { SqliteSpool } from "../../src/infra/sqlite/index.ts"
import { bareSampleAt, meterOf, sampleAt } from "./samples.ts"

const folder = mkdtempSync(join(tmpdir(), "spool-"))
afterAll(() => {
  rmSync(folder, { recursive: true })
})
let files = 0
const newFile = () => join(folder, "made/by/the/spool", `${++files}.sqlite`)

const now = sampleAt(1000).ts
const use = <A, E>(
  layer: Layer.Layer<Spool, StartupError>,
  program: (spool: typeof Spool.Service) => Effect.Effect<A, E>,
) => Effect.runPromise(Effect.provide(Effect.flatMap(Spool, program), layer))

const appendAll = (spool: typeof Spool.Service, ns: ReadonlyArray<number>) =>
  Effect.forEach(ns, (n) => spool.append(sampleAt(n), null), { discard: true })
const powers = (spool: typeof Spool.Service, limit = 100) =>
  Effect.map(spool.oldest(limit, now), (rows) => rows.map(({ sample }) => sample.powerW - 1000))
const ids = (spool: typeof Spool.Service) => Effect.map(spool.oldest(100, now), (rows) => rows.map(({ id }) => id))

describe.each([
  ["in memory", () => MemorySpool.layer],
  ["in SQLite", () => SqliteSpool.layer({ filename: newFile() })],
] as const)("a spool %s", (_, layer) => {
  it("is empty at first", async () => {
    const empty = await use(layer(), (spool) =>
      Effect.all([spool.oldest(10, now), spool.lastTaken, spool.lastMeter, spool.status]),
    )
    expect(empty).toEqual([[], Option.none(), Option.none(), { waiting: 0, oldestTs: Option.none(), quarantined: 0 }])
  })

  it("gives back samples exactly, in the order they were taken, whatever their time", async () => {
    const rows = await use(layer(), (spool) =>
      Effect.gen(function* () {
        yield* spool.append(sampleAt(5), meterOf("6.0304"))
        yield* spool.append(bareSampleAt(3), null)
        yield* spool.append({ ...sampleAt(4), external: [] }, null)
        return yield* spool.oldest(10, now)
      }),
    )
    expect(rows.map(({ meter, sample }) => ({ meter, sample }))).toEqual([
      { sample: sampleAt(5), meter: meterOf("6.0304") },
      { sample: bareSampleAt(3), meter: null },
      { sample: { ...sampleAt(4), external: [] }, meter: null },
    ])
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
        const due = yield* spool.oldest(10, until)
        return [held, due.length, yield* spool.status] as const
      }),
    )
    expect(seen).toEqual([[2], 2, { waiting: 2, oldestTs: Option.some(sampleAt(1).ts), quarantined: 0 }])
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
        return [yield* powers(spool), yield* spool.status] as const
      }),
    )
    expect(seen).toEqual([[2], { waiting: 1, oldestTs: Option.some(sampleAt(2).ts), quarantined: 1 }])
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
})
