import { FileSystem } from "@effect/platform"
import { NodeContext } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Context, DateTime, Effect, Layer, Option, Redacted, Schedule, TestClock, TestServices } from "effect"
import {
  initialState,
  layer,
  makeEngine,
  makeHousehold,
  type MeterOptions,
  SimulatedMeter,
} from "../../src/simulator/index.ts"
import { secondOf, serial, zone } from "./support.ts"

const started = "2026-06-02T10:00:00Z"

/** One run of a meter: it ends before the effect does. */
const run = <A, E>(options: Partial<MeterOptions>, use: (meter: SimulatedMeter["Type"]) => Effect.Effect<A, E>) =>
  Effect.scoped(
    Effect.flatMap(Layer.build(layer({ port: 0, ...options })), (context) => use(Context.get(context, SimulatedMeter))),
  )

const uninterrupted = (iso: string, seed = 1) => {
  const household = makeHousehold({ seed, zone })
  const origin = initialState(household, secondOf(started))
  return makeEngine({ household, serial, origin }).measurementAtSecond(secondOf(iso))
}

describe("the simulated meter", () => {
  it.effect("runs faster than the clock, from the instant it is given", () =>
    run({ startAt: Option.some(DateTime.unsafeMake(started)), speed: 60 }, (meter) =>
      Effect.gen(function* () {
        assert.strictEqual((yield* meter.measurement).timestamp, "2026-06-02T12:00:00")
        yield* TestClock.adjust("90 seconds")
        assert.strictEqual((yield* meter.measurement).timestamp, "2026-06-02T13:30:00")
        assert.deepStrictEqual(yield* meter.measurement, uninterrupted("2026-06-02T11:30:00Z"))
        const marks = yield* meter.ledger(secondOf(started), yield* meter.now)
        assert.strictEqual(marks.length, 7)
      }),
    ),
  )

  it.scoped("comes back from a stop or a kill as if it had never been away", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const folder = yield* fs.makeTempDirectoryScoped()
      const file = `${folder}/state.json`
      const options = { folder: Option.some(folder) }
      const saved = (elapsed: number) =>
        fs.readFileString(file).pipe(
          Effect.filterOrFail((text) => text.includes(`"second":${secondOf(started) + elapsed},`)),
          Effect.retry(Schedule.addDelay(Schedule.recurs(100), () => "20 millis")),
          TestServices.provideLive,
        )
      yield* TestClock.setTime(secondOf(started) * 1000)
      const first = yield* run(options, (meter) =>
        Effect.gen(function* () {
          yield* TestClock.adjust("60 seconds")
          yield* saved(60)
          yield* TestClock.adjust("20 seconds")
          return { text: yield* fs.readFileString(file), token: meter.token, caPem: meter.caPem }
        }),
      )
      yield* saved(80)

      /** What a kill leaves behind: the checkpoint of the last minute. */
      yield* fs.writeFileString(file, first.text)
      yield* TestClock.setTime(secondOf("2026-07-01T00:00:10Z") * 1000)
      const second = yield* run(options, (meter) => Effect.zip(meter.measurement, Effect.succeed(meter)))
      assert.deepStrictEqual(second[0], uninterrupted("2026-07-01T00:00:10Z"))
      assert.strictEqual(second[1].caPem, first.caPem)
      assert.strictEqual(Redacted.value(second[1].token), Redacted.value(first.token))
    }).pipe(Effect.provide(NodeContext.layer)),
  )

  it.scoped("begins anew from a state that is broken, of another seed or ahead of its time", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const folder = yield* fs.makeTempDirectoryScoped()
      const file = `${folder}/state.json`
      const fresh = (seed: number) => run({ folder: Option.some(folder), seed }, (meter) => meter.measurement)
      yield* TestClock.setTime(secondOf("2026-06-03T00:00:00Z") * 1000)
      yield* fresh(1)
      const later = yield* fs.readFileString(file)

      yield* TestClock.setTime(secondOf(started) * 1000)
      assert.deepStrictEqual(yield* fresh(1), uninterrupted(started))
      assert.deepStrictEqual(yield* fresh(2), uninterrupted(started, 2))
      yield* fs.writeFileString(file, later.slice(0, 40))
      assert.deepStrictEqual(yield* fresh(1), uninterrupted(started))
    }).pipe(Effect.provide(NodeContext.layer)),
  )

  it.effect("says which folder it cannot use", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(run({ folder: Option.some("/dev/null/meter") }, (meter) => meter.measurement))
      assert.include(error.message, "/dev/null/meter")
      assert.include(error.message, "DATA_DIR")
    }),
  )
})
