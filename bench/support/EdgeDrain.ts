import { spawn } from "node:child_process"
import { request as httpRequest, Agent } from "node:http"
import { join } from "node:path"
import { gzipSync } from "node:zlib"
import { Duration, Effect } from "effect"
import { batchText } from "../../src/domain/index.ts"
import { fullSample } from "../../test/support/Samples.ts"
import { fillSpool } from "./Backlog.ts"
import { simulatedMeter } from "./EdgeSteady.ts"
import { program, type Program } from "./Process.ts"
import { line } from "./Report.ts"

const batch = 500
/** An edge says every 10 s how it is. */
const statusIsThere = "13 seconds"

const sampleOf = (n: number) => ({
  ...fullSample(n * 1000),
  powerW: n % 500,
  energyImportKwh: Number((12_345 + n * 0.0003).toFixed(3)),
})
const bodies = Array.from({ length: 20 }, (_, i) => {
  const samples = Array.from({ length: batch }, (_, n) => sampleOf(i * batch + n))
  return gzipSync(batchText(samples, { deviceId: null, meter: null, meteredPeaks: null }), { level: 1 })
})

/** Another process of this file that takes batches without us. */
const bareServer = Effect.acquireRelease(
  Effect.async<{ readonly port: number; readonly stop: () => void }>((resume) => {
    const child = spawn(process.execPath, [process.argv[1] ?? "", "bare"], { stdio: ["ignore", "pipe", "inherit"] })
    child.stdout.once("data", (text: Buffer) =>
      resume(Effect.succeed({ port: Number(text.toString()), stop: () => void child.kill() })),
    )
  }),
  ({ stop }) => Effect.sync(stop),
)

/** Rows a second that a bare node:http client posts, one batch after the other, to a bare server on the other core. */
const barePosts = Effect.gen(function* () {
  const { port } = yield* bareServer
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const post = (body: Buffer) =>
    new Promise<void>((resolve, reject) => {
      httpRequest(
        { port, host: "127.0.0.1", method: "POST", agent, headers: { "content-length": body.length } },
        (reply) => reply.resume().on("end", resolve),
      )
        .on("error", reject)
        .end(body)
    })
  const rounds = 20
  const [took] = yield* Effect.timed(
    Effect.promise(async () => {
      for (let round = 0; round < rounds; round++) for (const body of bodies) await post(body)
    }),
  )
  agent.destroy()
  return (rounds * bodies.length * batch) / Duration.toSeconds(took)
}).pipe(Effect.scoped)

const json = (url: string, token: string) =>
  Effect.promise(async () => {
    const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } })
    return (await response.json()) as Record<string, unknown>
  })

const waitingOf = (env: Readonly<Record<string, string>>) =>
  Effect.gen(function* () {
    const status = yield* program("p1-edge", ["status", "--json"], env)
    const [text] = yield* status.says(/\{.*\}\n/)
    return (JSON.parse(text) as { spool: { waiting: number }; uploaded: number }).spool.waiting
  }).pipe(Effect.scoped)

/** Follows a drain to its end: the most memory, and the oldest that the newest sample on the server ever was. */
const follow = (edge: Program, env: Readonly<Record<string, string>>, apiUrl: string, readToken: string) =>
  Effect.gen(function* () {
    let rssMb = 0
    let newestS = 0
    const startedMs = performance.now()
    while (!/The backlog is uploaded/.test(edge.said())) {
      yield* Effect.sleep("250 millis")
      rssMb = Math.max(rssMb, (yield* edge.usage).rssMb)
      const { ts } = yield* json(`${apiUrl}/v1/realtime`, readToken)
      if (performance.now() - startedMs > 8_000)
        newestS = Math.max(newestS, (Date.now() - Date.parse(String(ts))) / 1000)
    }
    const tookS = (performance.now() - startedMs) / 1000
    yield* Effect.sleep(statusIsThere)
    return { rssMb, newestS, tookS, left: yield* waitingOf(env) }
  })

export interface DrainOptions {
  readonly folder: string
  readonly samples: number
  readonly databaseUrl: string
}

/** A backlog drains into a real server with a PostgreSQL on this machine, while the meter goes on. */
export const measureDrain = ({ databaseUrl, folder, samples }: DrainOptions) =>
  Effect.gen(function* () {
    const bare = yield* barePosts
    const apiPort = String(21_000 + (process.pid % 20_000))
    const apiUrl = `http://127.0.0.1:${apiPort}`
    const apiEnv = { DATABASE_URL: databaseUrl, PORT: apiPort, LOG_FORMAT: "json" }
    const tokenOf = (args: ReadonlyArray<string>) =>
      Effect.scoped(
        Effect.gen(function* () {
          const command = yield* program("p1-api", [...args, "--json"], apiEnv)
          const [text] = yield* command.says(/\{.*\}\n/)
          return JSON.parse(text) as { readonly device_id: string; readonly token: string }
        }),
      )
    const { device_id: device, token } = yield* tokenOf(["devices", "add", "Bench"])
    const { token: readToken } = yield* tokenOf(["tokens", "add", "--read", device])
    const env = {
      ...(yield* simulatedMeter(join(folder, "meter"))),
      VPS_INGEST_URL: apiUrl,
      VPS_DEVICE_TOKEN: token,
      DATA_DIR: join(folder, "edge"),
      LOG_FORMAT: "json",
    }
    const first = yield* program("p1-edge", ["run"], env)
    yield* Effect.sleep("4 seconds")
    yield* first.stop
    fillSpool(join(folder, "edge", "spool.sqlite"), samples)

    const api = yield* program("p1-api", [], apiEnv)
    yield* api.says(/The API is ready/)
    const edge = yield* program("p1-edge", ["run"], env)
    yield* edge.says(/Uploading a backlog/)
    const before = [yield* edge.usage, yield* api.usage]
    const { left, newestS, rssMb, tookS } = yield* follow(edge, env, apiUrl, readToken)
    const after = [yield* edge.usage, yield* api.usage]
    const msForThousand = after.map(({ cpuS }, n) => ((cpuS - (before[n]?.cpuS ?? 0)) * 1e6) / samples)
    if (left > 120) return yield* Effect.dieMessage(`${left} samples were left behind:\n${edge.said()}`)
    yield* line({
      name: "samples drained",
      value: samples / tookS,
      unit: "rows/s",
      limit: { value: bare, of: "a bare HTTP post of such batches, unpacked and parsed" },
      target: "≥ 10,000",
    })
    yield* line({ name: "processor time of the edge", value: msForThousand[0] ?? NaN, unit: "ms/1,000" })
    yield* line({
      name: "processor time of the server, without PostgreSQL",
      value: msForThousand[1] ?? NaN,
      unit: "ms/1,000",
    })
    yield* line({ name: "oldest the newest sample was meanwhile", value: newestS, unit: "s", target: "≤ 5" })
    yield* line({ name: "memory, at most", value: rssMb, unit: "MB", target: "≤ 120" })
  }).pipe(Effect.scoped)
