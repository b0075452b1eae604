import { describe, expect, it } from "@effect/vitest"
import { Clock, DateTime, Effect, Either, Layer, Option, Random, Ref, Stream, TestClock } from "effect"
import type { Measurement } from "../../src/domain/index.ts"
import { MeterError, Spool } from "../../src/domain/ports/index.ts"
import * as Poller from "../../src/edge/Poller.ts"
import { MemoryMeter } from "../../src/infra/memory/index.ts"
import { brussels, edgeInMemory, recordLogs, stamp, state, steppingClock, telegram } from "./support/edge.ts"

const gone = new MeterError({ reason: "Unreachable", message: "gone" })
const secondOf = Effect.map(Clock.currentTimeMillis, (ms) => Math.floor(ms / 1000))
/** What the meter says by itself, a telegram each second. */
const now = Effect.map(secondOf, (second) => telegram(stamp(second)))

interface Behaviour {
  /** Whether it answers at a second. */
  readonly answers?: (second: number) => boolean
  /** Whether its push connection is open at a second, and delivers. */
  readonly pushes?: (second: number) => boolean
  readonly source?: Poller.Source
}

/** Runs the edge for a while with such a meter; gives the seconds that were taken, and how often the meter was asked. */
const takenIn = (seconds: number, { answers = () => true, pushes = () => false, source = "push" }: Behaviour) =>
  Effect.gen(function* () {
    const asked = yield* Ref.make<ReadonlyArray<number>>([])
    const measurement: Effect.Effect<Measurement, MeterError> = Effect.gen(function* () {
      const second = yield* secondOf
      yield* Ref.update(asked, (all) => [...all, second])
      return answers(second) ? yield* now : yield* gone
    })
    const pushed = Stream.repeatEffect(
      Effect.gen(function* () {
        const second = yield* secondOf
        if (!pushes(second)) return yield* gone
        const reading = Either.right(yield* now)
        return yield* Effect.as(Effect.sleep("1 second"), reading)
      }),
    )
    const logs = yield* recordLogs
    yield* Layer.build(
      Poller.layer({ zone: brussels, interval: "1 second", source }).pipe(
        Layer.provide([MemoryMeter.layer(measurement, { pushed }), logs.layer]),
      ),
    )
    yield* TestClock.adjust(`${seconds} seconds`)
    const rows = yield* Effect.flatMap(Spool, (spool) =>
      spool.oldest(100_000, DateTime.unsafeMake("2100-01-01T00:00Z")),
    )
    return { stamps: rows.map(({ sample }) => sample.meterStamp), asked: yield* Ref.get(asked), logs: logs.lines }
  })

const seconds = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => stamp(from + n))

describe("pushed and asked", () => {
  it.scoped("the first sample is asked for; while the meter pushes it is left alone", () =>
    Effect.gen(function* () {
      const { asked, logs, stamps } = yield* takenIn(60, { pushes: () => true })
      expect(stamps.slice(0, 59)).toEqual(seconds(0, 59))
      expect(asked.length).toBeLessThan(4)
      expect(logs.map(({ message }) => message)).toEqual(["The meter pushes its telegrams"])
    }).pipe(Effect.provide(edgeInMemory)),
  )

  it.scoped("no telegram is lost and none doubled when pushing ends and comes back", () =>
    Effect.gen(function* () {
      const { stamps } = yield* takenIn(600, { pushes: (second) => second % 100 < 60 })
      expect(stamps.slice(0, 599)).toEqual(seconds(0, 599))
      expect((yield* state).missed).toBe(0)
    }).pipe(Effect.provide(edgeInMemory)),
  )

  it.scoped("a meter is only asked where that is chosen", () =>
    Effect.gen(function* () {
      const { asked, stamps } = yield* takenIn(30, { pushes: () => true, source: "poll" })
      expect(stamps).toEqual(seconds(0, 31))
      expect(asked).toEqual(Array.from({ length: 31 }, (_, n) => n))
    }).pipe(Effect.provide(edgeInMemory)),
  )

  it.scoped("a meter that does not answer is left alone for longer, and asked again within four seconds", () =>
    Effect.gen(function* () {
      const { asked, stamps } = yield* takenIn(60, { answers: (second) => second > 40, source: "poll" })
      expect(asked.slice(0, 6)).toEqual([0, 1, 3, 6, 10, 14])
      expect(asked.slice(1).every((second, n) => second - (asked[n] ?? 0) <= 4)).toBe(true)
      expect(stamps[0]).toBe(stamp(asked.find((second) => second > 40) ?? 0))
    }).pipe(Effect.provide(edgeInMemory)),
  )

  it.scoped(
    "a push connection that has lasted is tried again at once, whatever the wall clock was set to meanwhile",
    () =>
      Effect.gen(function* () {
        const truth = yield* Effect.clock
        const { clock, wall } = yield* steppingClock
        const second = () => Math.floor(truth.unsafeCurrentTimeMillis() / 1000)
        const reading = Effect.sync(() => telegram(stamp(second())))
        const tries: Array<number> = []
        const pushed = Stream.suspend(() => {
          tries.push(second())
          return second() >= 200 && second() < 400
            ? Stream.repeatEffect(Effect.delay(Effect.map(reading, Either.right), "1 second")).pipe(
                Stream.takeWhile(() => second() < 400),
              )
            : Stream.fail(gone)
        })
        const poller = Poller.layer({ zone: brussels, interval: "1 second" })
        const meter = MemoryMeter.layer(now, { pushed })
        yield* Layer.build(Layer.provide(poller, [meter, (yield* recordLogs).layer])).pipe(Effect.withClock(clock))
        yield* TestClock.adjust("390 seconds")
        wall.offsetMs = -86_400_000
        yield* TestClock.adjust("20 seconds")
        const before = tries.filter((second) => second < 400)
        expect(before.at(-1)).toBeGreaterThan(199)
        expect(tries[before.length]).toBe(400)
      }).pipe(Effect.provide(edgeInMemory), Effect.withRandom(Random.make("pushed"))),
  )

  it.scoped("an answer that what was pushed has overtaken is taken, and nobody is troubled", () =>
    Effect.gen(function* () {
      const slow = Effect.flatMap(now, (reading) => Effect.as(Effect.sleep("1500 millis"), reading))
      const pushed = Stream.repeatEffect(Effect.delay(Effect.map(now, Either.right), "1 second"))
      const logs = yield* recordLogs
      yield* Layer.build(
        Poller.layer({ zone: brussels, interval: "1 second" }).pipe(
          Layer.provide([MemoryMeter.layer(slow, { pushed }), logs.layer]),
        ),
      )
      yield* TestClock.adjust("20 seconds")
      const rows = yield* Effect.flatMap(Spool, (spool) => spool.oldest(100, DateTime.unsafeMake("2100-01-01T00:00Z")))
      const stamps = rows.map(({ sample }) => sample.meterStamp)
      expect(stamps.slice(0, 3)).toEqual([stamp(1), stamp(0), stamp(2)])
      expect([...stamps].sort()).toEqual(seconds(0, stamps.length))
      expect(yield* state).toMatchObject({ missed: 0, badReadings: 0, meterError: Option.none() })
      expect(logs.lines.map(({ message }) => message)).toEqual(["The meter pushes its telegrams"])
    }).pipe(Effect.provide(edgeInMemory)),
  )

  it.scoped("what it says that is not usable is counted each time, and said once a minute with its number", () =>
    Effect.gen(function* () {
      const garbage = new MeterError({ reason: "Malformed", message: "says something else than expected" })
      const logs = yield* recordLogs
      yield* Layer.build(
        Poller.layer({ zone: brussels, interval: "1 second", source: "poll" }).pipe(
          Layer.provide([MemoryMeter.layer(Effect.suspend(() => garbage)), logs.layer]),
        ),
      )
      yield* TestClock.adjust("10 minutes")
      const { badReadings, meterError, taken } = yield* state
      const said = logs.lines.filter(({ message }) => message === "Sample not taken")
      expect([taken, meterError]).toEqual([0, Option.some(garbage.message)])
      expect(badReadings).toBeGreaterThan(100)
      expect(said.length).toBeLessThanOrEqual(11)
      const times = said.map(({ times }) => Number(times))
      expect(times.reduce((sum, n) => sum + n, 0)).toBeGreaterThan(badReadings * 0.9)
    }).pipe(Effect.provide(edgeInMemory)),
  )

  it.scoped(
    "an hour: all telegrams but those that nobody gave, which are counted and never made up",
    () =>
      Effect.gen(function* () {
        const silent = new Set(yield* Effect.replicateEffect(Random.nextIntBetween(100, 3500), 3))
        const { stamps } = yield* takenIn(3600, { answers: (second) => !silent.has(second), source: "poll" })
        const { missed, taken } = yield* state
        expect(stamps).toEqual(seconds(0, 3601).filter((_, second) => !silent.has(second)))
        expect(taken / 3601).toBeGreaterThan(0.999)
        expect([taken + missed, missed]).toEqual([3601, silent.size])
      }).pipe(Effect.provide(edgeInMemory), Effect.withRandom(Random.make("an hour"))),
    120_000,
  )
})
