import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { Context, Effect, Layer, Logger, LogLevel, Option, PubSub, Redacted, Schedule, Schema } from "effect"
import { layer as layerMeter, MeterControls, MeterEndpoint, SimulatedMeter } from "../../src/simulator/index.ts"
import { freePort } from "../support/FreePort.ts"
import { run, start } from "../support/Programs.ts"
import { temporaryFolder } from "../support/TemporaryFolder.ts"
import { meterChecks } from "./support/meterChecks.ts"

const play = Option.some([{ startMs: 0, energyImportWh: 250, energyExportWh: 0 }])

const simulated = (options: { readonly serial?: string } = {}) =>
  Effect.gen(function* () {
    const context = yield* Layer.build(layerMeter({ port: 0, play, ...options }))
    const { port, token } = Context.get(context, MeterEndpoint)
    const given = yield* PubSub.subscribe(Context.get(context, SimulatedMeter).given)
    return {
      set: Context.get(context, MeterControls).set,
      address: `127.0.0.1:${port}`,
      token: Redacted.value(token),
      given,
    }
  }).pipe(Effect.provide(Logger.minimumLogLevel(LogLevel.None)))

const Findings = Schema.parseJson(
  Schema.Array(Schema.Struct({ name: Schema.String, verdict: Schema.String, said: Schema.String })),
)
const Status = Schema.parseJson(
  Schema.Struct({
    taken: Schema.Int,
    missed: Schema.Int,
    bad_readings: Schema.Int,
    meter_error: Schema.NullOr(Schema.String),
    meter_identity: Schema.NullOr(Schema.Unknown),
  }),
)

const household = Effect.gen(function* () {
  const meter = yield* simulated()
  return {
    meter,
    env: {
      HW_P1_HOST: meter.address,
      HW_P1_TOKEN: meter.token,
      VPS_INGEST_URL: `http://127.0.0.1:${yield* Effect.promise(freePort)}`,
      VPS_DEVICE_TOKEN: "p1d_secret",
      DATA_DIR: join(yield* temporaryFolder, "edge"),
    },
  }
})

const doctor = (env: Readonly<Record<string, string>>, ...args: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const { said } = yield* run("p1-edge", env, ["doctor", "--json", ...args])
    expect(said).not.toContain(env["HW_P1_TOKEN"])
    const findings = yield* Schema.decode(Findings)(/\[\{.*\}\]/.exec(said)?.[0] ?? said)
    return Object.fromEntries(findings.map(({ name, said, verdict }) => [name, `${verdict} ${said}`]))
  })

const statusOf = (env: Readonly<Record<string, string>>) =>
  run("p1-edge", env, ["status", "--json"]).pipe(
    Effect.flatMap(({ said }) => Schema.decode(Status)(said)),
    Effect.retry({ schedule: Schedule.spaced("200 millis"), times: 100 }),
  )

const others = ({ spool: _, token: _token, server: _server, edge: _edge, ...meter }: Record<string, string>) => meter

describe("p1-edge doctor", { concurrent: true }, () => {
  it.scopedLive.each(["push", "poll"])(
    "examines the meter beside an edge that runs (%s), which is not held up by it",
    (source) =>
      Effect.gen(function* () {
        const { env, meter } = yield* household
        const edge = yield* start("p1-edge", { ...env, HW_P1_SOURCE: source }, ["run"])
        yield* statusOf(env).pipe(
          Effect.repeat({ until: ({ taken }) => taken > 0, schedule: Schedule.spaced("200 millis"), times: 100 }),
        )
        const findings = yield* doctor(env)
        expect(Object.keys(others(findings))).toEqual(meterChecks)
        expect(Object.values(others(findings)).filter((said) => !said.startsWith("ok "))).toEqual([])
        expect(findings).toMatchObject({
          spool: expect.stringMatching(/^ok held by the edge that runs/),
          edge: expect.stringMatching(/^ok runs: \d+ samples taken, \d missed, 0 readings unusable/),
        })
        const after = yield* statusOf(env)
        expect(after).toMatchObject({ bad_readings: 0, meter_error: null })
        // A busy machine asks a second late now and then; a meter held up by the doctor would cost ten and more.
        expect(after.missed).toBeLessThan(5)

        // Who has to be there is what the edge knows: with another key nobody is asked anything.
        expect(after.meter_identity).not.toBeNull()
        yield* meter.set({ certificate: "changed" })
        const changed = yield* doctor(env)
        expect(others(changed)).toEqual({ identity: expect.stringMatching(/^failed .* another key than before/) })
        expect(edge.said()).not.toContain(env.HW_P1_TOKEN)
      }),
    120_000,
  )

  it.scopedLive(
    "asks another meter nothing, wherever it is told that the meter is, and stores nothing",
    () =>
      Effect.gen(function* () {
        const { env } = yield* household
        const stranger = yield* simulated({ serial: "5c2faf0000ff" })
        // Nothing is known before the first contact, and this was none.
        expect((yield* doctor(env, "--host", stranger.address))["identity"]).toBe(
          "ok its certificate is that of P1 meter 5c2faf0000ff",
        )
        const edge = yield* start("p1-edge", env, ["run"])
        yield* statusOf(env).pipe(
          Effect.repeat({ until: ({ taken }) => taken > 0, schedule: Schedule.spaced("200 millis"), times: 100 }),
        )
        yield* edge.signal("SIGTERM")
        yield* edge.ended
        yield* stranger.given.takeAll
        const refused = yield* doctor(env, "--host", stranger.address)
        expect(others(refused)).toEqual({
          identity: expect.stringMatching(/^failed The meter at .* is 5c2faf0000ff, not 5c2faf000001/),
        })
        expect(yield* stranger.given.size).toBe(0)
      }),
    120_000,
  )
})
