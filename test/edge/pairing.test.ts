import { readFile, stat, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { Command, ValidationError } from "@effect/cli"
import { NodeContext } from "@effect/platform-node"
import { describe, expect, it } from "@effect/vitest"
import { Console, Context, Effect, Fiber, Layer, Option } from "effect"
import { EdgeState, type FoundMeter, Meter, MeterDiscovery } from "../../src/domain/ports/index.ts"
import { ChosenMeter, layerMeterToken } from "../../src/edge/index.ts"
import { discover } from "../../src/edge/commands/Discover.ts"
import { pair } from "../../src/edge/commands/Pair.ts"
import { unpair } from "../../src/edge/commands/Unpair.ts"
import { HomeWizardPairing } from "../../src/infra/homewizard/index.ts"
import { MemoryEdgeState } from "../../src/infra/memory/index.ts"
import { layer as simulator, MeterControls, MeterEndpoint } from "../../src/simulator/index.ts"
import { temporaryFolder } from "../support/TemporaryFolder.ts"

const foundAre = (found: ReadonlyArray<FoundMeter>) =>
  Layer.succeed(MeterDiscovery, { find: () => Effect.succeed(found) })

/** What a command prints, on both streams. */
const printed = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const lines: Array<string> = []
    const outer = yield* Console.consoleWith(Effect.succeed)
    const note = (...args: ReadonlyArray<unknown>) => Effect.sync(() => void lines.push(args.join(" ")))
    yield* Effect.withConsole(effect, { ...outer, log: note, error: note })
    return lines
  })

const home = Effect.gen(function* () {
  const folder = yield* temporaryFolder
  const sim = yield* Layer.build(simulator({ port: 0 }))
  const state = Layer.succeed(EdgeState, Context.get(yield* Layer.build(MemoryEdgeState.layer), EdgeState))
  const file = join(folder, "meter-token")
  const { host, port } = Context.get(sim, MeterEndpoint)
  const token = layerMeterToken({ given: Option.none(), file }).pipe(Layer.provide(NodeContext.layer))
  const ports = (anew: boolean) =>
    Layer.mergeAll(
      HomeWizardPairing.layer({ host, port, anew, ca: Option.none(), serial: Option.none() }).pipe(
        Layer.provide([state, foundAre([])]),
      ),
      state,
      token,
    )
  const commands = {
    pair: Command.run(pair, { name: "pair", version: "1" }),
    unpair: Command.run(unpair, { name: "unpair", version: "1" }),
  }
  const run = (command: "pair" | "unpair", args: ReadonlyArray<string> = []) =>
    printed(
      commands[command](["node", command, ...args]).pipe(
        Effect.catchIf(ValidationError.isValidationError, Effect.die),
        Effect.provide([ports(command === "pair"), NodeContext.layer]),
      ),
    )
  const measurement = Effect.gen(function* () {
    const meter = ChosenMeter.layer({ host, port, api: "v2", ca: Option.none() })
    return yield* Effect.flatMap(Meter, ({ measurement }) => measurement).pipe(
      Effect.provide(meter.pipe(Layer.provide([state, token, foundAre([])]))),
    )
  })
  return { controls: Context.get(sim, MeterControls), file, run, measurement, serial: "5c2faf000001" }
})
type Home = Effect.Effect.Success<typeof home>

const pairWithTap = ({ controls, run }: Home, args: ReadonlyArray<string> = []) =>
  Effect.gen(function* () {
    const pairing = yield* Effect.fork(run("pair", args))
    yield* Effect.sleep("500 millis")
    yield* controls.pressButton
    return yield* Fiber.join(pairing)
  })

describe("pairing", () => {
  it.scopedLive("waits for the tap, keeps the token for this user only, and proves it", () =>
    Effect.gen(function* () {
      const at = yield* home
      const lines = yield* pairWithTap(at)
      expect(lines[0]).toContain("Tap the button of the P1 meter once, briefly. Do not hold it")
      expect(lines.at(-1)).toMatch(
        new RegExp(`^Paired with meter ${at.serial}, which says -?\\d+ W (from|to) the grid`),
      )
      const token = yield* Effect.promise(() => readFile(at.file, "utf8"))
      expect(token).toMatch(/^[0-9A-F]{32}\n$/)
      expect((yield* Effect.promise(() => stat(at.file))).mode & 0o777).toBe(0o600)
      expect(lines.join("\n")).not.toContain(token.trim())
      expect((yield* at.measurement).powerW).not.toBeNull()
    }),
  )

  it.scopedLive("goes on through refused connections, and says once that they are", () =>
    Effect.gen(function* () {
      const at = yield* home
      yield* at.controls.set({ network: "reset" })
      const pairing = yield* Effect.fork(at.run("pair", ["--json"]))
      yield* Effect.sleep("3 seconds")
      yield* at.controls.set({ network: "well" })
      yield* at.controls.pressButton
      const lines = yield* Fiber.join(pairing)
      expect(lines.filter((line) => line.includes("cannot be reached"))).toHaveLength(1)
      expect(JSON.parse(lines.at(-1) ?? "")).toMatchObject({ serial: at.serial, token_file: at.file })
    }),
  )

  it.scopedLive("uses one name for this installation, so that pairing again leaves no dead users", () =>
    Effect.gen(function* () {
      const at = yield* home
      const names = yield* Effect.replicateEffect(
        Effect.map(pairWithTap(at, ["--json"]), (lines) => JSON.parse(lines.at(-1) ?? "").user as string),
        2,
      )
      expect(names[0]).toMatch(/^local\/p1-energy-[0-9a-f]{8}$/)
      expect(names[1]).toBe(names[0])
      expect((yield* at.measurement).powerW).not.toBeNull()
    }),
  )

  it.scopedLive("is what a meter with another key needs; without it that one is refused", () =>
    Effect.gen(function* () {
      const at = yield* home
      yield* pairWithTap(at)
      yield* at.controls.set({ certificate: "changed" })
      expect((yield* Effect.flip(at.measurement)).message).toContain("pair again")
      expect((yield* Effect.flip(at.run("unpair"))).message).toContain("did not get the token")
      yield* pairWithTap(at)
      expect((yield* at.measurement).powerW).not.toBeNull()
    }),
  )

  it.scopedLive("ends with unpairing: the meter forgets the user, and the token is gone", () =>
    Effect.gen(function* () {
      const at = yield* home
      yield* pairWithTap(at)
      const token = yield* Effect.promise(() => readFile(at.file, "utf8"))
      expect(yield* at.run("unpair")).toEqual([expect.stringContaining("has forgotten this installation")])
      expect((yield* Effect.flip(at.measurement)).message).toContain("run p1-edge pair")
      yield* Effect.promise(() => writeFile(at.file, token))
      expect((yield* Effect.flip(at.measurement)).message).toContain("refuses the token")
      expect(yield* at.run("unpair")).toEqual([expect.stringContaining("did not know the token any more")])
    }),
  )
})

describe("the meters on the network", () => {
  const meter = (host: string, problem?: string): FoundMeter => ({
    serial: "5c2faf000001",
    name: "P1 Meter",
    host,
    port: problem === undefined ? 443 : 80,
    problem: Option.fromNullable(problem),
  })
  const listed = (found: ReadonlyArray<FoundMeter>, args: ReadonlyArray<string> = []) =>
    printed(
      Command.run(discover, { name: "discover", version: "1" })(["node", "discover", ...args]).pipe(
        Effect.provide([foundAre(found), NodeContext.layer]),
      ),
    )

  it.effect("are listed, and impostors named as such", () =>
    Effect.gen(function* () {
      const [text] = yield* listed([meter("192.168.1.20"), meter("192.168.1.21", "it does not speak Local API v2")])
      expect(text?.split("\n")).toEqual([
        "192.168.1.20  P1 Meter, serial 5c2faf000001",
        "192.168.1.21:80  claims to be a P1 meter with serial 5c2faf000001, but it does not speak Local API v2",
      ])
      expect((yield* listed([]))[0]).toContain("a fixed address in HW_P1_HOST always works")
      expect(JSON.parse((yield* listed([meter("192.168.1.20")], ["--json"]))[0] ?? "")).toMatchObject([
        { problem: null },
      ])
    }),
  )

  it.effect("are used without an address when there is one, and asked about when there are several", () =>
    Effect.gen(function* () {
      const chosen = (found: ReadonlyArray<FoundMeter>) =>
        ChosenMeter.addressOrOnlyOne(Option.none()).pipe(Effect.provide(foundAre(found)))
      const impostor = meter("192.168.1.21", "it does not speak Local API v2")
      expect(yield* chosen([impostor, meter("192.168.1.20")])).toMatchObject({ host: "192.168.1.20", port: 443 })
      expect((yield* Effect.flip(chosen([impostor]))).message).toContain("--host")
      expect((yield* Effect.flip(chosen([meter("a"), meter("b")]))).message).toContain("Several P1 meters")
    }),
  )
})
