import { describe, expect, it } from "@effect/vitest"
import { Context, DateTime, Duration, Effect, Layer, Option, Redacted, Ref, Schedule } from "effect"
import { MeterDiscovery, Spool } from "../../src/domain/ports/index.ts"
import { EdgeStatus } from "../../src/edge/index.ts"
import * as Poller from "../../src/edge/Poller.ts"
import { HomeWizardMeter } from "../../src/infra/homewizard/index.ts"
import { MemoryEdgeState } from "../../src/infra/memory/index.ts"
import { layer as simulator, MeterControls, MeterEndpoint, peace, type Switches } from "../../src/simulator/index.ts"
import { brussels, edgeInMemory, recordLogs } from "./support/edge.ts"

const nobodyAround = Layer.succeed(MeterDiscovery, { find: () => Effect.succeed([]) })

/** A month that has just begun is played to here at once. */
const startAt = Option.some(DateTime.unsafeMake("2026-06-01T08:00:00Z"))

/** The edge with a simulated meter, and the hands that make that one misbehave. */
const start = (source: Poller.Source) =>
  Effect.gen(function* () {
    const logs = yield* recordLogs
    const sim = yield* Layer.build(simulator({ port: 0, startAt }))
    const { caPem, port, token } = Context.get(sim, MeterEndpoint)
    const meter = HomeWizardMeter.layer({
      host: "127.0.0.1",
      port,
      token,
      ca: Option.some(caPem),
      serial: Option.none(),
    }).pipe(Layer.provide([MemoryEdgeState.layer, nobodyAround]))
    const edge = yield* Layer.build(
      Poller.layer({ zone: brussels, interval: "1 second", source, staleAfter: "5 seconds" }).pipe(
        Layer.provideMerge(edgeInMemory),
        Layer.provide([meter, logs.layer]),
      ),
    )
    const state = Ref.get(Context.get(edge, EdgeStatus))
    return {
      logs: logs.lines,
      set: Context.get(sim, MeterControls).set,
      spool: Context.get(edge, Spool),
      state,
      taken: Effect.map(state, ({ taken }) => taken),
      secret: Redacted.value(token),
    }
  })
type Started = Effect.Effect.Success<ReturnType<typeof start>>

const until = <A>(effect: Effect.Effect<A>, is: (a: A) => boolean, within: Duration.DurationInput, what: string) =>
  effect.pipe(
    Effect.repeat({ until: is, schedule: Schedule.spaced("50 millis") }),
    Effect.timeoutFail({ duration: within, onTimeout: () => new Error(`not within ${String(within)}: ${what}`) }),
    Effect.orDie,
  )

const toldOf = ({ logs, state }: Started) =>
  Effect.map(state, ({ meterError }) =>
    [Option.getOrElse(meterError, () => ""), ...logs.map(({ reason }) => String(reason))].join("\n"),
  )

interface Case {
  readonly source: Poller.Source
  readonly switches: Partial<Switches>
  /** What the user is told; of what costs nothing, nothing. */
  readonly told: RegExp | "nothing"
  /** Whether samples go on meanwhile. */
  readonly goesOn: boolean
  /** Whether its answers count as readings that are not usable. */
  readonly unusable?: true
}

const cases: Readonly<Record<string, Case>> = {
  "half-open connections": {
    source: "push",
    switches: { network: "half-open" },
    told: /does not answer/,
    goesOn: false,
  },
  "half-open, asked": { source: "poll", switches: { network: "half-open" }, told: /did not answer/, goesOn: false },
  "connections reset": { source: "push", switches: { network: "reset" }, told: /cannot be reached/, goesOn: false },
  "slow to answer": { source: "poll", switches: { delayMs: 6000 }, told: /did not answer .* within 5s/, goesOn: false },
  "slow, pushing": { source: "push", switches: { delayMs: 2000 }, told: "nothing", goesOn: true },
  "garbage, pushed": {
    source: "push",
    switches: { body: "garbage" },
    told: /no message|else than expected/,
    goesOn: false,
    unusable: true,
  },
  "garbage, asked": {
    source: "poll",
    switches: { body: "garbage" },
    told: /something else than expected/,
    goesOn: false,
    unusable: true,
  },
  "an error of its own": {
    source: "poll",
    switches: { body: "internal-error" },
    told: /status 500/,
    goesOn: false,
    unusable: true,
  },
  "another key": {
    source: "push",
    switches: { certificate: "changed" },
    told: /another key than before .* pair again/,
    goesOn: false,
  },
  "another CA": { source: "push", switches: { certificate: "stranger" }, told: /not issued by the CA/, goesOn: false },
  "another product": {
    source: "push",
    switches: { certificate: "another-product" },
    told: /is no HomeWizard P1/,
    goesOn: false,
  },
  "the smart meter lost": {
    source: "push",
    switches: { smartMeter: "lost" },
    told: /no new telegram since .* check the cable/,
    goesOn: false,
  },
  "a glitch of the register": {
    source: "push",
    switches: { importOffsetWh: 95_000 },
    told: /registers jumped from import .* no energy is counted from it/,
    goesOn: true,
  },
  "a clock an hour off": {
    source: "push",
    switches: { clockOffsetS: 3600 },
    told: /reading time jumped/,
    goesOn: true,
    unusable: true,
  },
  "null peaks": {
    source: "push",
    switches: { peaks: "null" },
    told: /gives no quarter-hour peaks any more.* request the P1 port/,
    goesOn: true,
  },
  "the meter replaced": { source: "push", switches: { meter: "replaced" }, told: /was replaced by/, goesOn: true },
  "a broken sub-meter": {
    source: "push",
    switches: { subMeters: "broken" },
    told: /1 of 3 sub-meters cannot be read/,
    goesOn: true,
  },
}

/** What became of one misbehaviour, as it should be. */
const misbehave = ({ goesOn, source, switches, told }: Case) =>
  Effect.gen(function* () {
    const edge = yield* start(source)
    yield* until(edge.taken, (n) => n >= 2, "20 seconds", "the first samples")
    const unwarned = yield* toldOf(edge)
    yield* edge.set(switches)
    const before = yield* edge.taken
    if (goesOn) yield* until(edge.taken, (n) => n >= before + 3, "20 seconds", "samples meanwhile")
    if (told !== "nothing") yield* until(toldOf(edge), (text) => told.test(text), "30 seconds", `told ${String(told)}`)
    const during = yield* edge.taken
    const nothingSaid = (yield* toldOf(edge)) === unwarned
    const { badReadings } = yield* edge.state
    yield* edge.set(peace)
    const [took] = yield* Effect.timed(until(edge.taken, (n) => n > during, "30 seconds", "samples again"))
    const rows = yield* edge.spool.oldest(10_000, DateTime.unsafeMake("2100-01-01T00:00:00Z"))
    const stamps = rows.map(({ sample }) => sample.meterStamp)
    return {
      takenMeanwhile: goesOn || during - before <= 2,
      nothingSaid,
      unusable: badReadings > 0,
      resumedWithin10s: Duration.lessThan(took, "10 seconds") || Duration.format(took),
      noneDoubled: new Set(stamps).size === stamps.length,
      tokenLeaked: JSON.stringify([edge.logs, yield* edge.state]).includes(edge.secret),
    }
  }).pipe(Effect.scoped)

describe("a meter that misbehaves", () => {
  it.live(
    "costs only what it does not say; the user is told, no token leaks, samples resume within 10 s",
    () =>
      Effect.gen(function* () {
        const outcomes = yield* Effect.forEach(
          Object.entries(cases),
          ([name, behaviour]) => Effect.map(misbehave(behaviour), (outcome) => [name, behaviour, outcome] as const),
          { concurrency: "unbounded" },
        )
        for (const [name, { told, unusable = false }, outcome] of outcomes) {
          expect([name, outcome]).toEqual([
            name,
            {
              takenMeanwhile: true,
              nothingSaid: told === "nothing",
              unusable,
              resumedWithin10s: true,
              noneDoubled: true,
              tokenLeaked: false,
            },
          ])
        }
      }),
    180_000,
  )
})
