import { assert, describe, it } from "@effect/vitest"
import { Chunk, Context, DateTime, Effect, Layer, Option, PubSub, Redacted, Stream } from "effect"
import { defaultZone } from "../../src/domain/index.ts"
import { MeterDiscovery } from "../../src/domain/ports/index.ts"
import { conformance } from "../../src/edge/conformance/index.ts"
import { HomeWizardProbe } from "../../src/infra/homewizard/index.ts"
import { MemoryEdgeState } from "../../src/infra/memory/index.ts"
import {
  layer as layerSimulator,
  MeterControls,
  MeterEndpoint,
  SimulatedMeter,
  type Switches,
} from "../../src/simulator/index.ts"
import { meterChecks } from "./support/meterChecks.ts"

const nobodyAround = Layer.succeed(MeterDiscovery, { find: () => Effect.succeed([]) })
const zone = DateTime.zoneUnsafeMakeNamed(defaultZone)

/** Power in one quarter-hour of each day: little to play from the month's start to now. */
const play = Option.some([{ startMs: 0, energyImportWh: 250, energyExportWh: 0 }])

/** What the suite says of a simulated meter that misbehaves: `name: verdict` in order, and the sentences by name. */
const examine = (switches: Partial<Switches>, given?: string) =>
  Effect.gen(function* () {
    const simulated = yield* Layer.build(layerSimulator({ port: 0, play }))
    const { caPem, host, port, token } = Context.get(simulated, MeterEndpoint)
    const readings = yield* PubSub.subscribe(Context.get(simulated, SimulatedMeter).given)
    yield* Context.get(simulated, MeterControls).set(switches)
    const probe = HomeWizardProbe.layer({
      host,
      port,
      ca: Option.some(caPem),
      serial: Option.none(),
      token: given === undefined ? token : Redacted.make(given),
      timeout: "3 seconds",
      patience: "3 seconds",
    }).pipe(Layer.provide([MemoryEdgeState.layer, nobodyAround]))
    const findings = Chunk.toReadonlyArray(
      yield* Stream.runCollect(conformance({ zone, between: "50 millis", patience: "3 seconds" })).pipe(
        Effect.provide(probe),
      ),
    )
    for (const { said, verdict } of findings) {
      assert.notInclude(said, Redacted.value(token))
      if (verdict === "failed") assert.match(said, /[:;] .+[.]$/, "a failure names its remedy")
    }
    return {
      all: findings.map(({ name }) => name),
      bad: findings.filter(({ verdict }) => verdict !== "ok").map(({ name, verdict }) => `${name}: ${verdict}`),
      said: (name: string) => findings.find((finding) => finding.name === name)?.said ?? "",
      readings: yield* readings.size,
    }
  })

describe("the conformance suite", () => {
  it.scopedLive("finds nothing wrong with a meter that behaves", () =>
    Effect.gen(function* () {
      const { all, bad, said } = yield* examine({})
      assert.deepStrictEqual(all, meterChecks)
      assert.deepStrictEqual(bad, [])
      assert.include(said("identity"), "5c2faf000001")
      assert.include(said("device"), "firmware 6.0503, API 2.3.0")
      assert.include(said("telegram"), "the peaks of 13 months")
    }),
  )

  it.scopedLive.each([
    ["another product", { certificate: "another-product" }, "is no HomeWizard P1 meter by its certificate"],
    ["another authority", { certificate: "stranger" }, "was not issued by the CA"],
    ["nobody", { network: "half-open" }, "does not answer"],
    ["somebody who hangs up", { network: "reset" }, "cannot be reached"],
  ] as const)("asks %s nothing more", ([, switches, sentence]) =>
    Effect.gen(function* () {
      const { all, bad, readings, said } = yield* examine(switches)
      assert.deepStrictEqual(all, ["identity"])
      assert.deepStrictEqual(bad, ["identity: failed"])
      assert.include(said("identity"), sentence)
      assert.strictEqual(readings, 0)
    }),
  )

  it.scopedLive("finds a token that is dead", () =>
    Effect.gen(function* () {
      const { bad, said } = yield* examine({}, "F".repeat(32))
      assert.includeMembers(bad, ["device: failed", "fields: failed", "push: failed"])
      assert.include(said("device"), "p1-edge pair")
    }),
  )

  it.scopedLive("finds one that only poses as a meter", () =>
    Effect.gen(function* () {
      const { bad } = yield* examine({ impostor: true })
      assert.deepStrictEqual(bad, ["push refused: failed", "wrong token: failed", "unknown path: failed"])
    }),
  )

  it.scopedLive("finds half objects, and a telegram whose checksum is wrong", () =>
    Effect.gen(function* () {
      const garbled = yield* examine({ body: "garbage" })
      assert.includeMembers(garbled.bad, ["device: failed", "fields: failed", "push: failed"])
      const corrupt = yield* examine({ telegram: "corrupt" })
      assert.deepStrictEqual(corrupt.bad, ["telegram: failed"])
      assert.include(corrupt.said("telegram"), "its checksum is wrong")
    }),
  )

  it.scopedLive("finds a smart meter that is lost", () =>
    Effect.gen(function* () {
      const lost = yield* examine({ smartMeter: "lost" })
      assert.includeMembers(lost.bad, ["push: failed", "stamp moves: failed"])
      assert.include(lost.said("stamp moves"), "check the cable")
    }),
  )

  it.scopedLive("finds a smart meter that was never there", () =>
    Effect.gen(function* () {
      const never = yield* examine({ smartMeter: "never-seen" })
      assert.includeMembers(never.bad, ["fields: failed", "telegram: warning", "stamp moves: warning"])
    }),
  )

  it.scopedLive("tells what is odd but can be lived with", () =>
    Effect.gen(function* () {
      const absent = yield* examine({ peaks: "null", subMeters: "broken", clockOffsetS: 3_600 })
      assert.deepStrictEqual(absent.bad, ["fields: warning", "clock: warning"])
      assert.include(absent.said("fields"), "requested at the grid operator")
      assert.include(absent.said("fields"), "1 of its sub-meters cannot be read")
      assert.include(absent.said("clock"), "does not know summer time")
      assert.include(
        (yield* examine({ clockOffsetS: -90 })).said("clock"),
        "behind this machine's: set this machine's clock",
      )
    }),
  )
})
