import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, it } from "@effect/vitest"
import { Effect, Layer, Redacted, TestClock } from "effect"
import { instantsOfStamp, type Rejection } from "../../src/domain/index.ts"
import { MeterError, Spool } from "../../src/domain/ports/index.ts"
import { Edge } from "../../src/edge/index.ts"
import { MemoryEdgeState, MemoryMeter, MemorySpool } from "../../src/infra/memory/index.ts"
import { SqliteSpool } from "../../src/infra/sqlite/index.ts"
import {
  batchOf,
  brussels,
  recordLogs,
  type SentRequest,
  stamp,
  steppingClock,
  stubServer,
  telegram,
  waiting,
} from "./support/edge.ts"

const folder = mkdtempSync(join(tmpdir(), "clock-steps-"))
afterAll(() => rmSync(folder, { recursive: true }))
let files = 0

const startMs = Date.UTC(2026, 6, 14, 22)
const hourMs = 3_600_000
const dayMs = 24 * hourMs

/** A server whose clock is its own: refuses what is ahead of it by more than ten minutes, and keeps the first of each. */
const makeServer = (nowMs: () => number) => {
  const stored = new Map<number, number>()
  let doubled = 0
  const verdict = ({ samples }: ReturnType<typeof batchOf>) => {
    const rejected: Array<Rejection> = []
    let inserted = 0
    for (const [index, { powerW, ts }] of samples.entries()) {
      if (ts.epochMillis > nowMs() + 600_000) rejected.push({ index, code: "future", message: "ahead" })
      else if (ts.epochMillis < Date.UTC(2020)) rejected.push({ index, code: "before_2020", message: "old" })
      else if (stored.has(ts.epochMillis)) doubled += 1
      else {
        stored.set(ts.epochMillis, powerW)
        inserted += 1
      }
    }
    const duplicates = samples.length - inserted - rejected.length
    return { received: samples.length, inserted, duplicates, conflicts: 0, rejected }
  }
  let refused = false
  const answer = (request: SentRequest) =>
    refused
      ? new Response(null, { status: 401 })
      : Response.json(verdict(batchOf(request)), { headers: { date: new Date(nowMs()).toUTCString() } })
  const refuse = (all: boolean) => void (refused = all)
  return { ...stubServer(answer), stored, refuse, doubled: () => doubled }
}

/** The whole edge on a wall clock that is set, a meter and a server that know the time; a telegram says its number. */
const start = (options: { readonly spool: "memory" | "file"; readonly stamps?: boolean }) =>
  Effect.gen(function* () {
    yield* TestClock.setTime(startMs)
    const truth = yield* Effect.clock
    const { clock, wall } = yield* steppingClock
    const late = { byMs: 0 }
    const last = { telegram: Infinity }
    const server = makeServer(() => truth.unsafeCurrentTimeMillis() - late.byMs)
    const measurement = Effect.suspend(() => {
      const second = Math.floor((truth.unsafeCurrentTimeMillis() - startMs) / 1000)
      if (options.stamps === false && second > last.telegram) {
        return new MeterError({ reason: "Unreachable", message: "The meter does not answer." })
      }
      const n = Math.min(second, last.telegram)
      return Effect.succeed(telegram(options.stamps === false ? null : stamp(n), { power_w: n }))
    })
    const spooled =
      options.spool === "memory"
        ? Layer.merge(MemorySpool.layer, MemoryEdgeState.layer)
        : Layer.orDie(SqliteSpool.layer({ filename: join(folder, `${++files}.sqlite`) }))
    const upload = { server: { url: "https://p1.example.org", token: Effect.succeed(Redacted.make("p1d_secret")) } }
    const edge = Edge.layer({
      poll: { zone: brussels, interval: "1 second" },
      upload: { ...upload, interval: "1 second" },
    }).pipe(
      Layer.provideMerge(spooled),
      Layer.provide([MemoryMeter.layer(measurement), server.layer, (yield* recordLogs).layer]),
    )
    return {
      wall,
      late,
      last,
      server,
      boot: Effect.withClock(Layer.build(edge), clock),
      passes: (seconds: number) => Effect.repeatN(TestClock.adjust("1 second"), seconds - 1),
    }
  })

/** The key of telegram `n` is the meter's reading time, whatever the wall clock says. */
const keyOf = (n: number): number => instantsOfStamp(stamp(n), brussels)[0]?.epochMillis ?? NaN
const numbers = (length: number) => Array.from({ length }, (_, n) => n)

const steps = [
  ["ahead by a day and right again", [0, dayMs, 0]],
  ["back by a day and right again", [0, -dayMs, 0]],
  ["back by an hour and right again", [0, -hourMs, 0]],
  ["by NTP, late after a boot in 1970", [30_000 - startMs, 0, 0]],
  ["to and fro", [hourMs, -dayMs, dayMs]],
] as const

/** Half a minute after each step, and what has been stored by then. */
const half = 30
const through = ({ boot, last, passes, server, wall }: Effect.Effect.Success<ReturnType<typeof start>>) =>
  Effect.fn("through")(function* (offsets: ReadonlyArray<number>) {
    wall.offsetMs = offsets[0] ?? 0
    const edge = yield* boot
    const newest: Array<number> = []
    last.telegram = half * offsets.length
    for (const offset of offsets) {
      wall.offsetMs = offset
      yield* passes(half)
      newest.push(Math.max(...server.stored.values()))
    }
    yield* passes(62)
    return { newest, waiting: yield* Effect.provide(waiting, edge) }
  })

const soon = (n: number): unknown => expect.toSatisfy((newest: number) => newest > n - 5 && newest <= n)

describe("a wall clock that is set", () => {
  it.scoped.each(steps)("%s: nothing is lost, nothing is doubled, uploads go on", ([, offsets]) =>
    Effect.gen(function* () {
      const house = yield* start({ spool: "file" })
      const { newest, waiting } = yield* through(house)(offsets)
      expect(newest).toEqual([soon(half), soon(2 * half), soon(3 * half)])
      expect([...house.server.stored]).toEqual(numbers(3 * half + 1).map((n) => [keyOf(n), n]))
      expect([waiting, house.server.doubled()]).toEqual([0, 0])
    }),
  )

  it.scoped.each(steps.slice(0, 3))("%s, with a meter that tells no time", ([, offsets]) =>
    Effect.gen(function* () {
      const house = yield* start({ spool: "file", stamps: false })
      const { newest, waiting } = yield* through(house)(offsets)
      expect(newest).toEqual([soon(half), soon(2 * half), soon(3 * half)])
      expect([...house.server.stored.values()]).toEqual(numbers(3 * half + 1))
      for (const [ts, n] of house.server.stored) expect(Math.abs(ts - keyOf(n))).toBeLessThan(2_000)
      expect([waiting, house.server.doubled()]).toEqual([0, 0])
    }),
  )

  describe.each(["memory", "file"] as const)("by NTP, late after a first boot in 1970, in %s", (spool) => {
    const offline = 20
    const boots1970 = Effect.tap(start({ spool, stamps: false }), ({ server, wall }) => {
      wall.offsetMs = 30_000 - startMs
      server.refuse(true)
    })
    const goesOn = Effect.fn("goesOn")(function* (house: Effect.Effect.Success<typeof boots1970>) {
      const edge = yield* house.boot
      yield* house.passes(offline)
      house.server.refuse(false)
      yield* house.passes(120)
      house.last.telegram = Math.floor((yield* Effect.clock).unsafeCurrentTimeMillis() - startMs) / 1000 + offline
      house.wall.offsetMs = 0
      yield* house.passes(150)
      for (const [ts, n] of house.server.stored) expect(Math.abs(ts - keyOf(n))).toBeLessThan(2_000)
      return yield* Effect.provide(
        Effect.flatMap(Spool, ({ status }) => status),
        edge,
      )
    })

    it.scoped("with a meter that tells no time: the samples are given theirs once the server has said it", () =>
      Effect.gen(function* () {
        const house = yield* boots1970
        const { quarantined, waiting } = yield* goesOn(house)
        expect([...house.server.stored.values()].sort((a, b) => a - b)).toEqual(numbers(house.last.telegram + 1))
        expect([waiting, quarantined, house.server.doubled()]).toEqual([0, 0, 0])
      }),
    )
  })

  it.scoped("does not give the samples of an earlier run a time that nobody knows: they are counted", () =>
    Effect.gen(function* () {
      const house = yield* start({ spool: "file", stamps: false })
      house.wall.offsetMs = 30_000 - startMs
      house.server.refuse(true)
      yield* Effect.scoped(Effect.zipRight(house.boot, house.passes(20)))
      yield* TestClock.adjust("1 hour")
      const edge = yield* house.boot
      yield* house.passes(20)
      house.server.refuse(false)
      yield* house.passes(200)
      for (const [ts, n] of house.server.stored) expect(Math.abs(ts - keyOf(n))).toBeLessThan(2_000)
      const { quarantined } = yield* Effect.provide(
        Effect.flatMap(Spool, ({ status }) => status),
        edge,
      )
      expect(quarantined).toBe(21)
    }),
  )

  it.scoped("neither hurries nor halts the question that is asked once a minute while the token is refused", () =>
    Effect.gen(function* () {
      const { boot, passes, server, wall } = yield* start({ spool: "memory" })
      server.refuse(true)
      yield* boot
      for (const offsetMs of [dayMs, -dayMs, -hourMs, 0]) {
        wall.offsetMs = offsetMs
        yield* passes(60)
      }
      expect(server.requests.length).toBeGreaterThanOrEqual(4)
      expect(server.requests.length).toBeLessThanOrEqual(5)
    }),
  )

  it.scoped.each([
    ["memory", -dayMs],
    ["file", -dayMs],
    ["file", -hourMs / 2],
  ] as const)(
    "does not make samples wait that were put off before it was set back (spool in %s, by %i ms)",
    ([spool, offsetMs]) =>
      Effect.gen(function* () {
        const { boot, last, late, passes, server, wall } = yield* start({ spool })
        late.byMs = 20 * 60_000
        last.telegram = 20
        yield* boot
        yield* passes(25)
        expect(server.stored.size).toBe(0)
        late.byMs = 0
        wall.offsetMs = offsetMs
        yield* passes(70)
        expect([...server.stored.values()]).toEqual(numbers(21))
      }),
  )
})
