import { describe, expect, it } from "@effect/vitest"
import { DateTime, Effect, Either, Layer, Option, Ref, TestClock } from "effect"
import type { Measurement } from "../../src/domain/index.ts"
import { type EdgeState, Meter, MeterError, Spool, SpoolError } from "../../src/domain/ports/index.ts"
import { EdgeClock, type EdgeStatus, makeTakeSample } from "../../src/edge/index.ts"
import { MemoryMeter } from "../../src/infra/memory/index.ts"
import { brussels, edgeInMemory, stamp, state, steppingClock, telegram } from "./support/edge.ts"

const utc = (iso: string) => DateTime.unsafeMake(iso)

/** Polls a meter that says these things one after the other, a second apart; gives what was taken. */
const poll = (telegrams: ReadonlyArray<Measurement>, raw?: string) =>
  Effect.gen(function* () {
    const next = yield* Ref.make(0)
    const reading = Effect.flatMap(
      Ref.getAndUpdate(next, (n) => n + 1),
      (n) =>
        Effect.fromNullable(telegrams[n]).pipe(
          Effect.mapError(() => new MeterError({ reason: "Unreachable", message: "gone" })),
        ),
    )
    const meter = MemoryMeter.layer(reading, { telegram: Effect.succeed(Option.fromNullable(raw)) })
    const { takeSample } = yield* makeTakeSample({ zone: brussels }).pipe(Effect.provide(meter))
    return yield* Effect.forEach(telegrams, () =>
      Effect.either(takeSample).pipe(Effect.tap(TestClock.adjust("1 second"))),
    )
  })

const spooled = Effect.flatMap(Spool, (spool) => Effect.scoped(spool.oldest(100_000, utc("2100-01-01T00:00:00Z"))))
const stamps = Effect.map(spooled, (rows) => rows.map(({ sample }) => sample.meterStamp))
const inMemory = <A, E>(effect: Effect.Effect<A, E, Spool | EdgeClock | EdgeState | EdgeStatus>) =>
  Effect.provide(effect, edgeInMemory)

describe("taking samples", () => {
  it.effect("takes each telegram once, and one without a stamp every time", () =>
    Effect.gen(function* () {
      yield* poll([stamp(0), stamp(0), stamp(1), stamp(1), null, null].map((at) => telegram(at)))
      expect(yield* stamps).toEqual([stamp(0), stamp(1), null, null])
      expect(yield* state).toMatchObject({ taken: 4, waiting: 4 })
    }).pipe(inMemory),
  )

  const keys = Effect.map(spooled, (rows) =>
    rows.map(({ sample }) => `${DateTime.formatIso(sample.ts).slice(11, 19)} ${sample.tsSource}`),
  )

  it.effect("leaves out a reading that is replayed, and counts the telegrams that nobody took", () =>
    Effect.gen(function* () {
      const outcomes = yield* poll([0, 1, 0, 0, -90, 4].map((n) => telegram(stamp(n))))
      expect(outcomes.map(Either.isRight)).toEqual([true, true, true, true, false, true])
      expect(yield* keys).toEqual(["22:00:00 meter", "22:00:01 meter", "22:00:04 meter"])
      expect(yield* state).toMatchObject({ taken: 3, missed: 2 })
    }).pipe(inMemory),
  )

  it.effect.each([true, false])("takes a leap second and those beside it, the time known: %s", (known) =>
    Effect.gen(function* () {
      const before = utc("2026-12-31T23:59:58Z")
      if (known) {
        yield* TestClock.setTime(before.epochMillis)
        yield* Effect.flatMap(EdgeClock, (clock) => clock.compare(before))
      }
      const times = ["00:59:58", "00:59:59", "00:59:60", "00:59:60", "01:00:00", "01:00:01"]
      yield* poll(times.map((time) => telegram(`2027-01-01T${time}`)))
      const taken = (yield* spooled).map(({ sample }) => DateTime.formatIso(sample.ts).slice(11))
      expect(taken).toEqual(["23:59:58.000Z", "23:59:59.000Z", "23:59:59.999Z", "00:00:00.000Z", "00:00:01.000Z"])
      expect(yield* state).toMatchObject({ taken: 5, missed: 0 })
    }).pipe(inMemory),
  )

  it.effect("takes a reading that comes late by the slower of two ways, once, and goes on from the newest", () =>
    Effect.gen(function* () {
      const outcomes = yield* poll([10, 0, 14, 12, 13, 12, 15, 12].map((n) => telegram(stamp(n), { power_w: n })))
      expect(outcomes.every(Either.isRight)).toBe(true)
      expect(yield* keys).toEqual(["10", "00", "14", "12", "13", "15"].map((second) => `22:00:${second} meter`))
      expect(yield* state).toMatchObject({ taken: 6, lastSampleTs: Option.some(utc("2026-07-14T22:00:15Z")) })
    }).pipe(inMemory),
  )

  it.effect("what an earlier run took, or a clock that was set back a little, is no late reading", () =>
    Effect.gen(function* () {
      yield* poll([telegram(stamp(0))])
      yield* poll([5, 3, -2].map((n) => telegram(stamp(n))))
      expect(yield* keys).toEqual(["22:00:00 meter", "22:00:05 meter", "22:00:03 meter"])
      yield* poll(
        [30, 31, 32, 30, 31, 32, 33].map((n, second) => telegram(stamp(n), { energy_import_kwh: 100 + second })),
      )
      expect((yield* keys).slice(3)).toEqual([
        "22:00:30 meter",
        "22:00:31 meter",
        "22:00:32 meter",
        "22:00:33 elapsed",
        "22:00:33 elapsed",
        "22:00:34 elapsed",
      ])
    }).pipe(inMemory),
  )

  it.effect("comes back to the meter's clock after one that was an hour off, also with its own a little ahead", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(utc("2026-07-14T22:00:03Z").epochMillis)
      yield* Effect.flatMap(EdgeClock, (clock) => clock.compare(utc("2026-07-14T22:00:03Z")))
      yield* poll([3600, 3601, 3602, 3, 4, 5, 6, 7, 8, 9].map((n) => telegram(stamp(n))))
      const ms = Effect.map(spooled, (rows) => rows.map(({ sample: { ts, tsSource } }) => [ts.epochMillis, tsSource]))
      const at = (second: number) => utc("2026-07-14T22:00:00Z").epochMillis + second * 1000
      expect(yield* ms).toEqual([
        [at(4), "edge"],
        [at(5), "edge"],
        [at(6), "elapsed"],
        [at(6.5), "elapsed"],
        [at(7), "elapsed"],
        [at(7.5), "elapsed"],
        [at(8), "meter"],
        [at(9), "meter"],
      ])
    }).pipe(inMemory),
  )

  it.effect("goes on by the time elapsed when the meter's clock was set back, all but one telegram", () =>
    Effect.gen(function* () {
      yield* poll([0, 1, -3600, -3599, -3598, -3597].map((n) => telegram(stamp(n))))
      expect(yield* keys).toEqual([
        "22:00:00 meter",
        "22:00:01 meter",
        "22:00:03 elapsed",
        "22:00:04 elapsed",
        "22:00:05 elapsed",
      ])
    }).pipe(inMemory),
  )

  it.effect("goes by its own clock while a meter is an hour off, once the server has said the time", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(utc("2026-07-14T21:00:00Z").epochMillis)
      yield* Effect.flatMap(EdgeClock, (clock) => clock.compare(utc("2026-07-14T21:00:00Z")))
      yield* poll([0, 1, 2, 3].map((n) => telegram(stamp(n))))
      expect(yield* keys).toEqual(["21:00:01 edge", "21:00:02 edge", "21:00:03 edge"])
    }).pipe(inMemory),
  )

  it.effect("starts in the repeated hour by the telegram's flag, and without a telegram in the first of the two", () =>
    Effect.gen(function* () {
      yield* poll([telegram("2026-10-25T02:40:00")])
      yield* poll(
        [telegram("2026-10-25T02:50:00"), telegram("2026-10-25T02:50:01")],
        "/X\r\n0-0:1.0.0(261025025000W)\r\n!",
      )
      expect(yield* keys).toEqual(["00:40:00 meter", "01:50:00 meter", "01:50:01 meter"])
    }).pipe(inMemory),
  )

  it.effect("goes on after a restart: neither the last telegram again, nor a key before it", () =>
    Effect.gen(function* () {
      yield* poll([telegram("2026-10-25T02:59:59"), telegram("2026-10-25T02:00:00")])
      yield* poll([telegram("2026-10-25T02:00:00"), telegram("2026-10-25T02:00:01")])
      const rows = yield* spooled
      expect(rows.map(({ sample }) => DateTime.formatIso(sample.ts))).toEqual([
        "2026-10-25T00:59:59.000Z",
        "2026-10-25T01:00:00.000Z",
        "2026-10-25T01:00:01.000Z",
      ])
    }).pipe(inMemory),
  )

  describe("restarted in the repeated hour", () => {
    const gas = { unique_id: "G", type: "gas_meter", timestamp: "2026-10-25T02:10:17", value: 5, unit: "m3" }
    const fields = {
      monthly_power_peak_w: 4000,
      monthly_power_peak_timestamp: "2026-10-25T02:15:00",
      external: [gas],
    }
    const said = (stamp: string, more: Record<string, unknown> = {}) => telegram(stamp, { ...fields, ...more })
    const times = Effect.map(spooled, (rows) =>
      rows.map(({ sample }) =>
        [sample.ts, sample.monthlyPowerPeakTs, ...(sample.external ?? []).map(({ ts }) => ts)]
          .map((ts) => ts && DateTime.formatIso(ts).slice(11, 19))
          .join(),
      ),
    )
    const right = (iso: string) =>
      Effect.zipRight(
        TestClock.setTime(utc(iso).epochMillis),
        Effect.flatMap(EdgeClock, (clock) => clock.compare(utc(iso))),
      )
    const wrong = (iso: string) =>
      Effect.zipRight(
        TestClock.setTime(utc(iso).epochMillis + 3_600_000),
        Effect.flatMap(EdgeClock, (clock) => clock.compare(utc(iso))),
      )

    it.effect.each([
      ["a good clock, no flag", right, undefined, "01:25:00"],
      ["a wrong clock, the flag", wrong, "/X\r\n0-0:1.0.0(261025022500W)\r\n!", "01:25:00"],
      ["a good clock, the flag", right, "/X\r\n0-0:1.0.0(261025022500W)\r\n!", "01:25:00"],
      // Nothing tells the two apart: the first one, until the stamp jumps back.
      ["a wrong clock, no flag", wrong, undefined, "00:25:00"],
    ] as const)("with %s: what was reported before stays where it was", ([, clock, raw, second]) =>
      Effect.gen(function* () {
        yield* clock("2026-10-25T00:20:00Z")
        yield* poll([said("2026-10-25T02:20:00")], raw?.replace("022500W", "022000S"))
        yield* clock("2026-10-25T01:25:00Z")
        yield* poll([said("2026-10-25T02:25:00")], raw)
        // Days later the stamps still stand for two instants.
        yield* clock("2026-10-29T12:00:00Z")
        yield* poll([said("2026-10-29T13:00:00")])
        expect(yield* times).toEqual([
          "00:20:00,00:15:00,00:10:17",
          `${second},00:15:00,00:10:17`,
          "12:00:00,00:15:00,00:10:17",
        ])
      }).pipe(inMemory),
    )

    it.effect("what is new in the second of the two is of that one, also after another restart", () =>
      Effect.gen(function* () {
        yield* right("2026-10-25T01:25:00Z")
        yield* poll([said("2026-10-25T02:25:00")])
        yield* poll([said("2026-10-25T02:25:01", { monthly_power_peak_w: 5000 })])
        yield* right("2026-10-25T02:25:00Z")
        yield* poll([said("2026-10-25T03:25:00", { monthly_power_peak_w: 5000 })])
        expect(yield* times).toEqual([
          "01:25:00,01:15:00,01:10:17",
          "01:25:01,01:15:00,01:10:17",
          "02:25:00,01:15:00,01:10:17",
        ])
      }).pipe(inMemory),
    )
  })

  it.effect("sends what the meter says of itself when it changes, also across a restart", () =>
    Effect.gen(function* () {
      const other = { any_power_fail_count: 3 }
      yield* poll([telegram(stamp(0)), telegram(stamp(1)), telegram(stamp(2), other)])
      yield* poll([telegram(stamp(3), other), telegram(stamp(4))])
      const rows = yield* spooled
      expect(rows.map(({ meter }) => meter && [meter.anyPowerFailCount, meter.firmwareVersion])).toEqual([
        [null, "6.0304"],
        null,
        [3, "6.0304"],
        null,
        [null, "6.0304"],
      ])
    }).pipe(inMemory),
  )

  it.effect("says that the meter is stale after 60 s of the same telegram, and takes the next one", () =>
    Effect.gen(function* () {
      const outcomes = yield* poll([...Array.from({ length: 63 }, () => telegram(stamp(0))), telegram(stamp(90))])
      const tags = outcomes.map(Either.match({ onLeft: ({ _tag }) => _tag, onRight: Option.isSome }))
      expect(tags).toEqual([true, ...Array<boolean>(59).fill(false), "MeterStale", "MeterStale", "MeterStale", true])
      expect(yield* stamps).toEqual([stamp(0), stamp(90)])
    }).pipe(inMemory),
  )

  it.effect("refuses a measurement without power, and asks again", () =>
    Effect.gen(function* () {
      const outcomes = yield* poll([telegram(stamp(0), { power_w: null }), telegram(stamp(0))])
      expect(outcomes.map(Either.isRight)).toEqual([false, true])
      expect(yield* stamps).toEqual([stamp(0)])
    }).pipe(inMemory),
  )

  it.effect("has not taken what the spool did not keep, and takes it at the next poll of the same telegram", () =>
    Effect.gen(function* () {
      const spool = yield* Spool
      let full = true
      const flaky = Layer.succeed(Spool, {
        ...spool,
        append: (sample, meter) =>
          full ? Effect.fail(new SpoolError({ message: "disk full" })) : spool.append(sample, meter),
      })
      const meter = MemoryMeter.layer(Effect.succeed(telegram(stamp(0))))
      const { takeSample } = yield* makeTakeSample({ zone: brussels }).pipe(Effect.provide(Layer.merge(meter, flaky)))
      expect(yield* Effect.flip(takeSample)).toMatchObject({ _tag: "SpoolError" })
      expect(yield* state).toMatchObject({ taken: 0, waiting: 0 })
      full = false
      expect(Option.isSome(yield* takeSample)).toBe(true)
      expect((yield* spooled).map(({ meter }) => meter?.uniqueId)).toEqual(["4530"])
    }).pipe(inMemory),
  )

  it.effect("takes samples on while the disk has no room to give the earlier ones their time, and gives it later", () =>
    Effect.gen(function* () {
      const spool = yield* Spool
      let full = true
      const flaky = Layer.succeed(Spool, {
        ...spool,
        retime: (...range) => (full ? Effect.fail(new SpoolError({ message: "disk full" })) : spool.retime(...range)),
      })
      const meter = MemoryMeter.layer(Effect.succeed(telegram(null)))
      const { takeSample } = yield* makeTakeSample({ zone: brussels }).pipe(Effect.provide(Layer.merge(meter, flaky)))
      const second = Effect.zipLeft(takeSample, TestClock.adjust("1 second"))
      yield* TestClock.setTime(30_000)
      yield* Effect.replicateEffect(second, 3)
      yield* Effect.flatMap(EdgeClock, (clock) => clock.compare(utc("2026-07-15T10:00:03Z")))
      yield* Effect.replicateEffect(second, 2)
      full = false
      yield* Effect.replicateEffect(second, 2)
      const times = (yield* spooled).map(({ sample }) => DateTime.formatIso(sample.ts).slice(0, 19))
      expect(times).toEqual([0, 1, 2, 3, 4, 5, 6].map((n) => `2026-07-15T10:00:0${n}`))
    }).pipe(inMemory),
  )

  it.effect("does without the firmware version while the meter does not say it", () =>
    Effect.gen(function* () {
      let answers = false
      const gone = Effect.suspend(() => new MeterError({ reason: "Unreachable", message: "gone" }))
      const device = { serial: "", productType: "", firmwareVersion: "6.1", apiVersion: "" }
      let n = 0
      const meter = Layer.succeed(Meter, {
        device: Effect.suspend(() => (answers ? Effect.succeed(device) : gone)),
        measurement: Effect.sync(() => telegram(stamp(n++))),
        telegram: Effect.succeedNone,
        pushed: Option.none(),
      })
      const { takeSample } = yield* makeTakeSample({ zone: brussels }).pipe(Effect.provide(meter))
      yield* takeSample
      answers = true
      yield* takeSample
      yield* TestClock.adjust("1 minute")
      yield* takeSample
      expect((yield* spooled).map(({ meter }) => meter && meter.firmwareVersion)).toEqual([null, null, "6.1"])
    }).pipe(inMemory),
  )
})

describe("the edge's clock", () => {
  const trusted = Effect.flatMap(EdgeClock, ({ time }) => Effect.map(time, (edge) => edge.trusted))
  const compare = (iso: string) => Effect.flatMap(EdgeClock, (clock) => clock.compare(utc(iso)))

  it.effect("is trusted within 5 s of the server's, until somebody sets it", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(utc("2026-07-15T10:00:00Z").epochMillis)
      expect(yield* trusted).toBe(false)
      yield* compare("2026-07-15T10:00:05Z")
      expect(yield* trusted).toBe(true)
      yield* TestClock.adjust("1 hour")
      expect(yield* trusted).toBe(true)
      yield* compare("2026-07-15T11:00:06Z")
      expect(yield* trusted).toBe(false)
      yield* compare("2026-07-15T11:00:00Z")
      expect(yield* trusted).toBe(true)
      const { clock, wall } = yield* steppingClock
      wall.offsetMs = 60_000
      const stepped = yield* Effect.withClock(trusted, clock)
      expect(stepped).toBe(false)
    }).pipe(Effect.provide(EdgeClock.layer)),
  )
})
