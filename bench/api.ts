import { execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import { readFileSync } from "node:fs"
import autocannon from "autocannon"
import { Effect, Redacted, Schedule } from "effect"
import { Redis } from "ioredis"
import { startCaddy } from "../test/support/Caddy.ts"
import { freePort } from "../test/support/FreePort.ts"
import { installedBinDir, startPostgres } from "../test/support/PostgresServer.ts"
import { run, start } from "../test/support/Programs.ts"
import { startRedis } from "../test/support/RedisServer.ts"
import { temporaryFolder } from "../test/support/TemporaryFolder.ts"
import { serveBare } from "./support/Bare.ts"
import { measureIngest } from "./support/IngestRequests.ts"
import { medianOf } from "./support/Median.ts"
import { openLoop } from "./support/OpenLoop.ts"
import { measurePostgresKilled } from "./support/PostgresKilled.ts"
import { measureRedisFaults } from "./support/RedisFaults.ts"
import * as Report from "./support/Report.ts"
import { openStreams } from "./support/Streams.ts"

const perSecond = 2_000
const tlsPerSecond = 500
const seconds = 3
const connections = 50
const rounds = 2
const clients = 1_000
const bareKey = "bare"

const residentMb = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024

let refused = 0

const throughput = (url: string, headers: Record<string, string>) =>
  Effect.promise(async () => {
    const { non2xx, requests } = await autocannon({ url, headers, connections, duration: seconds })
    refused += non2xx
    return requests.average
  })

const bare = (redisUrl: string) =>
  Effect.gen(function* () {
    const port = yield* Effect.promise(freePort)
    yield* Effect.acquireRelease(
      Effect.sync(() => spawn(process.execPath, [process.argv[1] ?? "", "bare", redisUrl, String(port)])),
      (child) => Effect.promise(() => (child.kill("SIGKILL"), once(child, "exit"))),
    )
    const url = `http://127.0.0.1:${port}`
    yield* Effect.tryPromise(() => fetch(url)).pipe(Effect.retry(Schedule.spaced("100 millis")), Effect.orDie)
    return url
  })

/** What the API says now, as the bare server is to say it. */
const copyDocument = (url: string, headers: Record<string, string>, redisUrl: string) =>
  Effect.promise(async () => {
    const redis = new Redis(redisUrl)
    await redis.set(bareKey, await (await fetch(url, { headers })).text())
    redis.disconnect()
  })

const bench = Effect.gen(function* () {
  execFileSync(process.execPath, ["scripts/build.mjs"])
  const folder = yield* temporaryFolder
  const binDir = yield* Effect.promise(installedBinDir)
  const postgres = yield* startPostgres(`${folder}/postgres`, binDir)
  const redis = yield* startRedis(folder)
  if (redis === undefined) return yield* Effect.dieMessage("redis-server is not installed")
  const port = yield* Effect.promise(freePort)
  const env = {
    DATABASE_URL: Redacted.value(postgres.url),
    REDIS_URL: redis.url,
    PORT: String(port),
    LOG_FORMAT: "json",
    TRUSTED_PROXIES: "127.0.0.1",
    REQUESTS_PER_TOKEN: "100000000",
  }
  const device = JSON.parse((yield* run("p1-api", env, ["devices", "add", "Home", "--json"])).said) as { token: string }
  const reader = JSON.parse((yield* run("p1-api", env, ["tokens", "add", "--read", "home", "--json"])).said) as {
    token: string
  }
  const api = yield* start("p1-api", env)
  yield* api.says(/The API is ready/)
  const url = `http://127.0.0.1:${port}`
  const write = Effect.promise(() =>
    fetch(`${url}/v1/ingest`, {
      method: "POST",
      headers: { authorization: `Bearer ${device.token}`, "content-type": "application/json" },
      body: JSON.stringify({
        samples: [{ ts: new Date().toISOString(), power_w: 1_234, energy_import_kwh: 4_321.018 }],
      }),
    }),
  )
  yield* Effect.forkScoped(Effect.repeat(write, Schedule.fixed("1 second")))
  yield* Effect.sleep("1 second")
  const headers = { authorization: `Bearer ${reader.token}` }
  const realtime = `${url}/v1/realtime`
  yield* copyDocument(realtime, headers, redis.url)
  const bareUrl = yield* bare(redis.url)
  const tlsUrl = `${yield* startCaddy({ folder, upstreams: [port], tls: true })}/v1/realtime`

  yield* Report.section("API: GET /v1/realtime, one process, while a sample a second comes in; all on this machine")
  for (const warm of [realtime, bareUrl]) yield* throughput(warm, headers)
  const ours: Array<number> = []
  const theirs: Array<number> = []
  for (let round = 0; round < rounds; round++) {
    theirs.push(yield* throughput(bareUrl, headers))
    ours.push(yield* throughput(realtime, headers))
  }
  const of = "bare node:http + ioredis"
  yield* Report.line({
    name: `throughput, ${connections} connections`,
    value: medianOf(ours),
    unit: "req/s",
    limit: { value: medianOf(theirs), of },
    target: "≥ 0.5 of the limit",
  })
  const loop = (to: string, rate: number) => Effect.promise(() => openLoop(to, headers, rate, seconds))
  const limit = yield* loop(bareUrl, perSecond)
  const open = yield* loop(realtime, perSecond)
  yield* Report.line({
    name: `p50, open loop ${perSecond}/s`,
    value: open.p50Ms,
    unit: "ms",
    limit: { value: limit.p50Ms, of },
  })
  yield* Report.line({
    name: `p99, open loop ${perSecond}/s`,
    value: open.p99Ms,
    unit: "ms",
    limit: { value: limit.p99Ms, of },
    target: "≤ 10 ms",
  })
  yield* Report.line({ name: "failed", value: refused + open.failed + limit.failed, unit: "", target: "0" })
  yield* Report.line({ name: "the load generator's own cost", value: open.ownUs, unit: "µs/req" })
  const tls = yield* loop(tlsUrl, tlsPerSecond)
  yield* Report.line({
    name: `p99 through Caddy with TLS, ${tlsPerSecond}/s`,
    value: tls.p99Ms,
    unit: "ms",
    target: "≤ 25 ms",
  })

  yield* measureRedisFaults(env, headers)

  const before = residentMb(api.pid)
  const streams = yield* Effect.promise(() => openStreams(url, reader.token, clients))
  yield* Effect.sleep("2 seconds")
  streams.forget()
  yield* Effect.sleep(`${seconds * 2} seconds`)
  const heard = streams.read()
  const after = residentMb(api.pid)
  yield* Effect.sync(() => streams.close())
  yield* Report.section(`API: ${clients} streams, one event a second each`)
  yield* Report.line({
    name: "events delivered",
    value: heard.events / (seconds * 2),
    unit: "1/s",
    limit: { value: clients, of: "one a client and second" },
  })
  yield* Report.line({ name: "p50, from the sample's stamp to the client", value: heard.p50Ms, unit: "ms" })
  yield* Report.line({ name: "p99, from the sample's stamp to the client", value: heard.p99Ms, unit: "ms" })
  yield* Report.line({ name: "memory without streams", value: before, unit: "MB", target: "≤ 250 MB" })
  yield* Report.line({ name: "memory with streams", value: after, unit: "MB", target: "≤ 250 MB" })

  yield* measureIngest(postgres.url, url, api.pid)
  yield* measurePostgresKilled(folder, binDir)
}).pipe(Effect.scoped)

const [, , role, redisUrl = "", port = ""] = process.argv
if (role === "bare") serveBare(redisUrl, bareKey, Number(port))
else await Effect.runPromise(bench)
