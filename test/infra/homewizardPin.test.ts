import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { Context, Effect, Layer, Option, Schedule } from "effect"
import { EdgeState, type FoundMeter, Meter, MeterDiscovery, SpoolError } from "../../src/domain/ports/index.ts"
import { HomeWizardMeter, readCa } from "../../src/infra/homewizard/index.ts"
import { MemoryEdgeState } from "../../src/infra/memory/index.ts"
import { layer as simulator, MeterControls, MeterEndpoint } from "../../src/simulator/index.ts"
import { temporaryFolder } from "../support/TemporaryFolder.ts"
import { makeAuthority } from "./certificates.ts"

const sim = (options: Parameters<typeof simulator>[0] = {}) =>
  Effect.map(Layer.build(simulator({ port: 0, ...options })), (context) => ({
    ...Context.get(context, MeterEndpoint),
    set: Context.get(context, MeterControls).set,
  }))
type Sim = Effect.Effect.Success<ReturnType<typeof sim>>

const announced = (found: () => ReadonlyArray<FoundMeter>) =>
  Layer.succeed(MeterDiscovery, { find: () => Effect.sync(found) })

/** One run of a program: what it remembers of the meter is in `state`. */
const run = (
  { port, token }: Pick<Sim, "port" | "token">,
  state: Layer.Layer<EdgeState>,
  found: () => ReadonlyArray<FoundMeter> = () => [],
) =>
  Effect.map(
    Layer.build(
      HomeWizardMeter.layer({ host: "127.0.0.1", port, token, ca: Option.none(), serial: Option.none() }).pipe(
        Layer.provide([state, announced(found)]),
      ),
    ),
    (context) => Context.get(context, Meter),
  )

const memory = Effect.map(Layer.build(MemoryEdgeState.layer), (context) =>
  Layer.succeed(EdgeState, Context.get(context, EdgeState)),
)

describe("the meter's key and serial", () => {
  it.scopedLive("are remembered from the first contact on: another key is refused after a restart, too", () =>
    Effect.gen(function* () {
      const state = yield* memory
      const meter = yield* sim()
      yield* (yield* run(meter, state)).measurement
      yield* meter.set({ certificate: "changed" })
      const refused = yield* Effect.flip((yield* run(meter, state)).measurement)
      expect(refused).toMatchObject({ reason: "WrongIdentity", message: expect.stringContaining("pair again") })
      yield* meter.set({ certificate: "own" })
      yield* (yield* run(meter, state)).measurement
    }),
  )

  it.scopedLive("are asked of the meter, not of its address: another meter there is refused", () =>
    Effect.gen(function* () {
      const state = yield* memory
      const [meter, other] = [yield* sim(), yield* sim({ serial: "5c2faf00000b" })]
      yield* (yield* run(meter, state)).measurement
      const refused = yield* Effect.flip((yield* run(other, state)).measurement)
      expect(refused.message).toContain("is 5c2faf00000b, not 5c2faf000001")
    }),
  )

  it.scopedLive("must have been kept before the meter is asked", () =>
    Effect.gen(function* () {
      const broken = Layer.succeed(EdgeState, {
        get: () => Effect.succeedNone,
        set: () => Effect.fail(new SpoolError({ message: "The disk is full." })),
      })
      const refused = yield* Effect.flip((yield* run(yield* sim(), broken)).measurement)
      expect(refused.message).toBe("The meter is not asked. The disk is full.")
    }),
  )
})

describe("a meter that got another address", () => {
  it.scopedLive("is found by its serial after three failures, and must prove to be it", () =>
    Effect.gen(function* () {
      const state = yield* memory
      const folder = Option.some(yield* temporaryFolder)
      const port = yield* Effect.scoped(
        Effect.gen(function* () {
          const before = yield* sim({ folder })
          yield* (yield* run(before, state)).measurement
          return before.port
        }),
      )
      const after = yield* sim({ folder })
      const impostor = yield* sim()
      const claims = (endpoint: Sim, problem: Option.Option<string> = Option.none()): FoundMeter => ({
        serial: endpoint.serial,
        name: "P1 Meter",
        host: endpoint.host,
        port: endpoint.port,
        problem,
      })
      let searches = 0
      let found: ReadonlyArray<FoundMeter> = [claims(impostor)]
      const meter = yield* run({ port, token: after.token }, state, () => {
        searches++
        return found
      })
      const failures = yield* Effect.forEach([1, 2, 3], () => Effect.flip(meter.measurement))
      expect(failures.map(({ reason }) => reason)).toEqual(["Unreachable", "Unreachable", "Unreachable"])
      const refused = yield* Effect.flip(meter.measurement)
      expect([refused.reason, searches]).toEqual(["WrongIdentity", 1])

      found = [claims(after)]
      const again = yield* run({ port, token: after.token }, state, () => found)
      const { powerW } = yield* Effect.retry(again.measurement, Schedule.recurs(4))
      expect(powerW).not.toBeNull()
    }),
  )
})

describe("the CA's file", () => {
  const read = (text: string) =>
    Effect.gen(function* () {
      const file = join(yield* temporaryFolder, "ca.pem")
      yield* Effect.promise(() => writeFile(file, text))
      return yield* readCa(file, "HW_P1_CA_FILE")
    })

  it.scopedLive("is the vendor's or a simulated meter's, and no other", () =>
    Effect.gen(function* () {
      const { caPem } = yield* sim()
      expect(yield* read(caPem)).toBe(caPem)
      expect((yield* Effect.flip(read(makeAuthority("Appliance Access CA").pem))).message).toMatch(
        /^HW_P1_CA_FILE: the certificate in .* is not the CA that HomeWizard published \(its SHA-256 is [0-9A-F:]{95}\)/,
      )
      expect((yield* Effect.flip(read("nothing"))).message).toContain("no file with a certificate in PEM")
    }),
  )
})
