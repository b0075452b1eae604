import { existsSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import {
  Array as Arr,
  Chunk,
  Context,
  Effect,
  Layer,
  Logger,
  LogLevel,
  Option,
  PubSub,
  Redacted,
  Schedule,
} from "effect"
import { layer as layerMeter, MeterControls, MeterEndpoint, SimulatedMeter } from "../../src/simulator/index.ts"
import { fullBacklog } from "../support/FullBacklog.ts"
import { run, start } from "../support/Programs.ts"
import { temporaryFolder } from "../support/TemporaryFolder.ts"

const meter = layerMeter({ port: 0, play: Option.some([{ startMs: 0, energyImportWh: 250, energyExportWh: 0 }]) })

describe("the edge's program, told to end", () => {
  it.scopedLive.each(["each", "60s"])(
    "does within 5 s though its meter hangs and its server is silent, with all that was taken (a commit: %s)",
    (commit) =>
      Effect.gen(function* () {
        const simulated = yield* Layer.build(meter).pipe(Effect.provide(Logger.minimumLogLevel(LogLevel.None)))
        const { port, token } = Context.get(simulated, MeterEndpoint)
        const given = yield* PubSub.subscribe(Context.get(simulated, SimulatedMeter).given)
        const folder = join(yield* temporaryFolder, "edge")
        const env = {
          HW_P1_HOST: `127.0.0.1:${port}`,
          HW_P1_TOKEN: Redacted.value(token),
          HW_P1_SOURCE: "poll",
          VPS_INGEST_URL: `http://127.0.0.1:${yield* fullBacklog}`,
          VPS_DEVICE_TOKEN: "p1d_secret",
          DATA_DIR: folder,
          SPOOL_COMMIT: commit,
        }
        const edge = yield* start("p1-edge", env, ["run"])
        yield* Effect.repeat(given.size, { until: (n) => n >= 4, schedule: Schedule.spaced("100 millis") })
        yield* Context.get(simulated, MeterControls).set({ network: "half-open" })
        yield* Effect.sleep("1500 millis")
        yield* edge.signal("SIGTERM")
        expect(yield* Effect.timeout(edge.ended, "5 seconds")).toBe(0)
        expect(existsSync(join(folder, "spool.sqlite"))).toBe(true)
        expect(existsSync(join(folder, "spool.sqlite-wal"))).toBe(false)
        const { said } = yield* run("p1-edge", env, ["spool", "export"])
        const stamps = [...said.matchAll(/"meter_stamp":"([^"]+)"/g)].map(([, stamp]) => stamp)
        const told = Arr.dedupe(Chunk.toReadonlyArray(yield* given.takeAll).map(({ timestamp }) => timestamp))
        // What the meter said last may have been on its way.
        expect(told.length - stamps.length).toBeLessThanOrEqual(1)
        expect(stamps).toEqual(told.slice(0, stamps.length))
      }),
    60_000,
  )
})
