import { spawn } from "node:child_process"
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
import { hasStrace } from "../torture/Child.ts"
import { temporaryFolder } from "../support/TemporaryFolder.ts"

/** From now on no sync of a process succeeds. */
const failingSyncs = (pid: number) =>
  Effect.acquireRelease(
    Effect.sync(() =>
      spawn(
        "strace",
        ["-f", "-o", "/dev/null", "-p", String(pid), "-e", "trace=fsync", "-e", "inject=fsync:error=EIO"],
        {
          stdio: "ignore",
        },
      ),
    ),
    (strace) => Effect.sync(() => void strace.kill()),
  )

const meter = layerMeter({ port: 0, play: Option.some([{ startMs: 0, energyImportWh: 250, energyExportWh: 0 }]) })

/** An edge with a simulated meter and a server that never answers, once it has been given some telegrams. */
const atWork = (commit: string) =>
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
    return {
      edge,
      folder,
      controls: Context.get(simulated, MeterControls),
      /** The stamps that the meter has told, and those that are in the spool. */
      stamps: Effect.gen(function* () {
        const { said } = yield* run("p1-edge", env, ["spool", "export"])
        const kept = [...said.matchAll(/"meter_stamp":"([^"]+)"/g)].map(([, stamp]) => stamp)
        return { kept, told: Arr.dedupe(Chunk.toReadonlyArray(yield* given.takeAll).map(({ timestamp }) => timestamp)) }
      }),
    }
  })

describe("the edge's program, told to end", () => {
  it.scopedLive.each(["each", "60s"])(
    "does within 5 s though its meter hangs and its server is silent, with all that was taken (a commit: %s)",
    (commit) =>
      Effect.gen(function* () {
        const { controls, edge, folder, stamps } = yield* atWork(commit)
        yield* controls.set({ network: "half-open" })
        yield* Effect.sleep("1500 millis")
        yield* edge.signal("SIGTERM")
        expect(yield* Effect.timeout(edge.ended, "5 seconds")).toBe(0)
        expect(existsSync(join(folder, "spool.sqlite"))).toBe(true)
        expect(existsSync(join(folder, "spool.sqlite-wal"))).toBe(false)
        const { kept, told } = yield* stamps
        // What the meter said last may have been on its way.
        expect(told.length - kept.length).toBeLessThanOrEqual(1)
        expect(kept).toEqual(told.slice(0, kept.length))
      }),
    60_000,
  )
})

describe.runIf(hasStrace)("the edge's program, when its disk fails to sync", () => {
  it.scopedLive(
    "ends by itself, in words and with a code that has it started again, and all that was taken is there",
    () =>
      Effect.gen(function* () {
        const { edge, stamps } = yield* atWork("each")
        yield* failingSyncs(edge.pid)
        expect(yield* Effect.timeout(edge.ended, "15 seconds")).toBe(1)
        expect(edge.said()).toContain("The disk failed under the spool")
        const { kept, told } = yield* stamps
        expect(kept.length).toBeGreaterThanOrEqual(3)
        expect(kept).toEqual(told.slice(0, kept.length))
      }),
    60_000,
  )
})
