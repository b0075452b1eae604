import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import {
  Array as Arr,
  DateTime,
  Effect,
  HashSet,
  Layer,
  Logger,
  LogLevel,
  Option,
  Redacted,
  Ref,
  Schedule,
  Stream,
} from "effect"
import { defaultZone, expandQuarterHours, instantsOfStamp, type Range } from "../../src/domain/index.ts"
import { Store } from "../../src/domain/ports/index.ts"
import {
  initialState,
  layer as layerMeter,
  makeEngine,
  MeterEndpoint,
  SimulatedMeter,
} from "../../src/simulator/index.ts"
import { Database, layerFreshStore } from "../support/Database.ts"
import { freePort } from "../support/FreePort.ts"
import { run, type Running, start } from "../support/Programs.ts"
import { temporaryFolder } from "../support/TemporaryFolder.ts"

const brussels = DateTime.zoneUnsafeMakeNamed(defaultZone)
const ever: Range = { fromMs: 0, toMs: Date.parse("2100-01-01T00:00:00Z") }
const speed = 3
const rounds = 4

/** A meter three times as fast as time, so that each poll finds a new telegram; near enough to now to be believed. */
const meter = Layer.unwrapEffect(
  Effect.map(DateTime.now, (now) =>
    layerMeter({ port: 0, speed, startAt: Option.some(DateTime.subtract(now, { seconds: 60 })) }),
  ),
)
const surroundings = Layer.merge(meter, layerFreshStore).pipe(Layer.provide(Logger.minimumLogLevel(LogLevel.None)))

const secondOf = (stamp: string | null | undefined): number =>
  Math.floor((instantsOfStamp(stamp ?? "", brussels)[0]?.epochMillis ?? NaN) / 1000)

describe("kill -9 of edge and server", () => {
  it.scopedLive(
    "loses nothing that was taken, and stores nothing twice",
    () =>
      Effect.gen(function* () {
        const folder = yield* temporaryFolder
        const { url: databaseUrl } = yield* Database
        const endpoint = yield* MeterEndpoint
        const simulated = yield* SimulatedMeter

        // The ledger: every telegram that the meter gave to anybody.
        const given = yield* Ref.make<ReadonlyArray<number>>([])
        yield* Stream.fromPubSub(simulated.given).pipe(
          Stream.runForEach(({ timestamp }) => Ref.update(given, Arr.append(secondOf(timestamp)))),
          Effect.forkScoped,
        )

        const port = String(yield* Effect.promise(freePort))
        const apiEnv = { DATABASE_URL: Redacted.value(databaseUrl), PORT: port, LOG_FORMAT: "json" }
        const added = yield* run("p1-api", apiEnv, ["devices", "add", "Kill", "--json"])
        const { device_id: deviceId, token } = JSON.parse(added.said) as { device_id: string; token: string }
        const edgeEnv = {
          HW_P1_HOST: `${endpoint.host}:${endpoint.port}`,
          // Asked for one by one: what is pushed to an edge that is killed was given, and never taken.
          HW_P1_SOURCE: "poll",
          HW_P1_TOKEN: Redacted.value(endpoint.token),
          VPS_INGEST_URL: `http://127.0.0.1:${port}/v1/ingest`,
          VPS_DEVICE_TOKEN: token,
          DATA_DIR: join(folder, "edge"),
          POLL_INTERVAL: "500 millis",
          LOG_FORMAT: "json",
        }

        // What was on its way from the meter into the spool when the edge ended may be missing, nothing else. The meter
        // may answer a question of the edge a moment after that has ended.
        const onTheWay = yield* Ref.make(HashSet.empty<number>())
        const ended = (edge: Running) =>
          Effect.gen(function* () {
            const code = yield* edge.ended
            yield* Effect.sleep("200 millis")
            const last = Arr.last(yield* Ref.get(given))
            if (Option.isSome(last)) yield* Ref.update(onTheWay, HashSet.add(last.value))
            return code
          })
        /** However slow the machine is, there is something to lose. */
        const givenMore = (count: number) =>
          Effect.flatMap(Ref.get(given), (before) =>
            Effect.repeat(Effect.delay(Ref.get(given), "20 millis"), {
              until: (now) => now.length >= before.length + count,
            }),
          )
        let api = yield* start("p1-api", apiEnv)
        let edge = yield* start("p1-edge", edgeEnv)
        for (let round = 0; round < rounds; round++) {
          yield* givenMore(4)
          yield* Effect.sleep(round * 130)
          yield* edge.signal("SIGKILL")
          yield* ended(edge)
          edge = yield* start("p1-edge", edgeEnv)
          yield* givenMore(2)
          yield* Effect.sleep(round * 90)
          yield* api.signal("SIGKILL")
          yield* api.ended
          api = yield* start("p1-api", apiEnv)
        }

        // Peace: everything that was taken arrives.
        const store = yield* Store
        const stored = Effect.map(store.samples(deviceId, ever), (samples) =>
          samples.map(({ ts }) => Math.floor(ts.epochMillis / 1000)),
        )
        const missing = Effect.gen(function* () {
          const there = new Set(yield* stored)
          const lost = yield* Ref.get(onTheWay)
          return (yield* Ref.get(given)).filter((second) => !there.has(second) && !HashSet.has(lost, second))
        })
        yield* givenMore(4)
        yield* edge.signal("SIGTERM")
        expect(yield* ended(edge)).toBe(0)
        const drain = yield* start("p1-edge", {
          ...edgeEnv,
          HW_P1_HOST: `127.0.0.1:${yield* Effect.promise(freePort)}`,
        })
        yield* drain.says(/Edge started/)
        yield* missing.pipe(
          Effect.repeat({ until: Arr.isEmptyReadonlyArray, schedule: Schedule.spaced("250 millis") }),
          Effect.timeout("20 seconds"),
          Effect.ignore,
        )
        expect(yield* missing).toEqual([])
        yield* drain.signal("SIGTERM")
        expect(yield* drain.ended).toBe(0)
        yield* api.signal("SIGTERM")
        expect(yield* api.ended).toBe(0)

        // Nothing that the meter did not give, nothing twice, every value the meter's own.
        const seconds = yield* stored
        expect(seconds.length).toBeGreaterThan(20)
        expect(new Set(seconds).size).toBe(seconds.length)
        const gave = new Set(yield* Ref.get(given))
        expect(seconds.filter((second) => !gave.has(second))).toEqual([])

        const first = seconds[0] ?? 0
        const truth = makeEngine({
          household: simulated.household,
          serial: simulated.serial,
          origin: initialState(simulated.household, first),
        })
        const samples = yield* store.samples(deviceId, ever)
        expect(samples.map(({ energyImportKwh, powerW }) => [powerW, energyImportKwh])).toEqual(
          seconds.map((second) => {
            const { energy_import_kwh, power_w } = truth.measurementAtSecond(second)
            return [power_w, energy_import_kwh]
          }),
        )

        // The quarter-hours are those of the samples, as if they had come in order and in peace.
        const quarters = expandQuarterHours(yield* store.quarterHours(deviceId, ever), ever.fromMs, ever.toMs)
        const wh = (sample: (typeof samples)[number] | undefined) => Math.round((sample?.energyImportKwh ?? 0) * 1000)
        expect(quarters.reduce((sum, { energyImportWh }) => sum + energyImportWh, 0)).toBe(
          wh(samples.at(-1)) - wh(samples[0]),
        )
      }).pipe(Effect.provide(surroundings)),
    120_000,
  )
})
