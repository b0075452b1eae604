import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { gunzipSync } from "node:zlib"
import { Effect } from "effect"
import type { BareEdge } from "./BareEdge.ts"
import { line } from "./Report.ts"
import { type Program, program, running } from "./Process.ts"

/** A server that stores nothing and takes everything; tells when the first sample came. */
const takesAll = Effect.acquireRelease(
  Effect.async<{ readonly url: string; readonly firstAtMs: () => number | undefined; readonly close: () => void }>(
    (resume) => {
      let firstAtMs: number | undefined
      const server = createServer((request, response) => {
        const chunks: Array<Buffer> = []
        request
          .on("data", (chunk: Buffer) => chunks.push(chunk))
          .on("end", () => {
            firstAtMs ??= performance.now()
            const { samples } = JSON.parse(gunzipSync(Buffer.concat(chunks)).toString()) as {
              samples: ReadonlyArray<unknown>
            }
            const { length } = samples
            const reply = { received: length, inserted: length, duplicates: 0, conflicts: 0, rejected: [] }
            response.setHeader("content-type", "application/json").end(JSON.stringify(reply))
          })
      })
      server.listen(0, "127.0.0.1", () =>
        resume(
          Effect.succeed({
            url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
            firstAtMs: () => firstAtMs,
            close: () => {
              server.closeAllConnections()
              server.close()
            },
          }),
        ),
      )
    },
  ),
  ({ close }) => Effect.sync(close),
)

/** A simulated meter, and what an edge must be told of it. */
export const simulatedMeter = (folder: string) =>
  Effect.gen(function* () {
    const port = 20_000 + (process.pid % 20_000)
    const meter = yield* program("p1-meter", [], { METER_PORT: String(port), DATA_DIR: folder })
    const [, token = ""] = yield* meter.says(/token +([0-9A-F]{32})/)
    return { HW_P1_HOST: `127.0.0.1:${port}`, HW_P1_TOKEN: token }
  })

const gbADay = 86_400 / 1e9

/** Percent of one core that a program takes over so many seconds; the most memory in the last third of them. */
const watchLoad = (watched: Program, seconds: number) =>
  Effect.gen(function* () {
    yield* Effect.sleep("15 seconds")
    const before = yield* watched.usage
    const rss: Array<number> = []
    for (let second = 0; second < seconds; second++) {
      yield* Effect.sleep("1 second")
      rss.push((yield* watched.usage).rssMb)
    }
    const after = yield* watched.usage
    return {
      rssMb: rss.slice(-Math.ceil(seconds / 3)).reduce((most, value) => Math.max(most, value), 0),
      cpuPercent: ((after.cpuS - before.cpuS) / seconds) * 100,
      writtenGbADay: ((after.writtenBytes - before.writtenBytes) / seconds) * gbADay,
    }
  })

const watch = (folder: string, mode: string, seconds: number) =>
  Effect.gen(function* () {
    const meter = yield* simulatedMeter(`${folder}/meter`)
    const server = yield* takesAll
    const startedMs = performance.now()
    const edge = yield* program("p1-edge", ["run"], {
      ...meter,
      VPS_INGEST_URL: server.url,
      VPS_DEVICE_TOKEN: "p1d_bench",
      DATA_DIR: `${folder}/edge`,
      SPOOL_COMMIT: mode,
    })
    const load = yield* watchLoad(edge, seconds)
    return { ...load, firstS: ((server.firstAtMs() ?? Infinity) - startedMs) / 1000 }
  }).pipe(Effect.scoped)

/** What the same second takes without us, in a process of its own of this file. */
const watchBare = (folder: string, seconds: number) =>
  Effect.gen(function* () {
    const { HW_P1_HOST, HW_P1_TOKEN } = yield* simulatedMeter(`${folder}/meter`)
    const { url } = yield* takesAll
    const settings: BareEdge = { meter: HW_P1_HOST, token: HW_P1_TOKEN, server: url, filename: `${folder}/bare.sqlite` }
    const bare = yield* running(process.execPath, [process.argv[1] ?? "", "bare-edge", JSON.stringify(settings)], {})
    return yield* watchLoad(bare, seconds)
  }).pipe(Effect.scoped)

/** An edge at 1 Hz, watched from outside by what the kernel counts of it. */
export const measureSteady = (folder: string, seconds: number) =>
  Effect.gen(function* () {
    const each = yield* watch(`${folder}/each`, "each", seconds)
    const grouped = yield* watch(`${folder}/grouped`, "5s", seconds)
    const bare = yield* watchBare(`${folder}/bare`, seconds)
    yield* line({ name: "start to first sample on the server", value: each.firstS, unit: "s", target: "≤ 2" })
    yield* line({ name: "memory", value: each.rssMb, unit: "MB", target: "≤ 90" })
    yield* line({
      name: "processor, share of one core",
      value: each.cpuPercent,
      unit: "%",
      limit: { value: bare.cpuPercent, of: "a bare loop of ask, put on the disk, post, delete" },
      target: "≤ 2",
    })
    yield* line({
      name: "written, a commit for each sample",
      value: each.writtenGbADay,
      unit: "GB/day",
      target: "≤ 1.5",
    })
    yield* line({ name: "written, a commit every 5 s", value: grouped.writtenGbADay, unit: "GB/day", target: "≤ 0.4" })
  })
