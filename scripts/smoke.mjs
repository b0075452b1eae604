// npm run smoke: builds both images, starts the house and the server as a user would, with TLS in between, and proves
// the whole from outside. Needs Docker with Compose and free ports HTTP_PORT and HTTPS_PORT (80 and 443 unless set).
import { execFile, spawn } from "node:child_process"
import { randomBytes } from "node:crypto"
import { createWriteStream } from "node:fs"
import { mkdtemp, open, rm, writeFile } from "node:fs/promises"
import { request as plainRequest } from "node:http"
import { request as tlsRequest } from "node:https"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pipeline } from "node:stream/promises"
import { promisify } from "node:util"
import { parse } from "yaml"

const domain = "p1.test"
const beganMs = Date.now()
const dir = await mkdtemp(join(tmpdir(), "p1-smoke-"))
const secret = () => randomBytes(16).toString("hex")
const env = {
  ...process.env,
  DOMAIN: domain,
  TLS_ISSUER: "internal",
  POSTGRES_PASSWORD: secret(),
  P1_API_PASSWORD: secret(),
  HTTP_PORT: process.env.HTTP_PORT ?? "80",
  HTTPS_PORT: process.env.HTTPS_PORT ?? "443",
  HW_P1_HOST: "meter:8443",
  HW_P1_TOKEN: secret().toUpperCase(),
  VPS_DEVICE_TOKEN: "not-yet",
  SMOKE_DIR: dir,
}
env.VPS_INGEST_URL = `https://${domain}:${env.HTTPS_PORT}`

const say = (text) => console.log(`${((Date.now() - beganMs) / 1000).toFixed(1).padStart(7)} s  ${text}`)
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const prove = (claim, holds, found = "") => {
  if (!holds) throw new Error(`not so: ${claim}${found === "" ? "" : ` (${found})`}`)
  say(`✓ ${claim}${found === "" ? "" : `: ${found}`}`)
}

const run = async (command, args, options = {}) => {
  const { stdout } = await promisify(execFile)(command, args, { env, maxBuffer: 1 << 26, ...options })
  return stdout.trim()
}
const docker = (...args) => run("docker", args)
const [compose, ...composeArgs] = await run("docker", ["compose", "version"]).then(
  () => ["docker", "compose"],
  () => ["docker-compose"],
)
const stack = (project, files, more = {}) => {
  const containers = async (service, ...filters) => {
    const labels = [`project=${project}`, `service=${service}`].map((label) => `label=com.docker.compose.${label}`)
    return (await docker("ps", "-aq", ...[...labels, ...filters].flatMap((filter) => ["--filter", filter])))
      .split("\n")
      .filter((id) => id !== "")
  }
  const args = [...composeArgs, "-p", project, ...files.flatMap((file) => ["-f", file])]
  const withEnv = (options) => ({ ...options, env: { ...env, ...more } })
  return {
    project,
    do: (...rest) => run(compose, [...args, ...rest], withEnv({})),
    /** Streams into or out of a file. */
    piped: async (rest, { from, to }) => {
      const child = spawn(compose, [...args, ...rest], withEnv({ stdio: [from?.fd ?? "ignore", "pipe", "inherit"] }))
      const ended = new Promise((resolve) => child.on("close", resolve))
      await pipeline(child.stdout, to ?? process.stdout, { end: to !== undefined })
      if ((await ended) !== 0) throw new Error(`${rest.join(" ")} ended with a failure`)
    },
    containers,
    container: async (service) => (await containers(service))[0],
  }
}
const vps = stack("p1smokevps", ["compose.vps.yml"])
const vpsScaled = stack("p1smokevps", ["compose.vps.yml", "compose.scale.yml"])
const house = stack("p1smokehouse", ["compose.edge.yml", "scripts/smoke/edge.yml"])
const fresh = stack("p1smokefresh", ["compose.vps.yml"], {
  HTTP_PORT: String(Number(env.HTTP_PORT) + 10_000),
  HTTPS_PORT: String(Number(env.HTTPS_PORT) + 10_000),
})

let ca
/** Asks the server as somebody on the internet would, by its name. */
const get = (path, { token, port = env.HTTPS_PORT, onData, timeoutMs = 10_000 } = {}) =>
  new Promise((resolve, reject) => {
    const asked = tlsRequest(
      {
        host: "127.0.0.1",
        port,
        path,
        servername: domain,
        ca,
        timeout: timeoutMs,
        headers: { host: domain, ...(token && { authorization: `Bearer ${token}` }) },
      },
      (reply) => {
        let text = ""
        reply.setEncoding("utf8").on("error", reject)
        reply.on("data", (part) => {
          text += part
          if (onData?.(text) === "enough") {
            asked.destroy()
            resolve({ status: reply.statusCode, headers: reply.headers, text })
          }
        })
        reply.on("end", () => resolve({ status: reply.statusCode, headers: reply.headers, text }))
      },
    )
    asked.on("error", reject).on("timeout", () => asked.destroy(new Error("no answer")))
    asked.end()
  })
const json = async (path, token, port) => {
  const { status, text } = await get(path, { token, port })
  if (status !== 200) throw new Error(`${path} answers ${status}: ${text.slice(0, 200)}`)
  return JSON.parse(text)
}
/** Asks again until the answer is as wished. */
const until = async (claim, withinS, ask) => {
  const startedMs = Date.now()
  let last = ""
  while (Date.now() - startedMs < withinS * 1000) {
    try {
      const answer = await ask()
      if (answer) {
        prove(`${claim} within ${withinS} s`, true, `${((Date.now() - startedMs) / 1000).toFixed(1)} s`)
        return answer
      }
    } catch (error) {
      last = error.message.split("\n")[0]
    }
    await sleep(500)
  }
  throw new Error(`not so: ${claim} within ${withinS} s (${last})`)
}

let readToken
const newest = async () => (await json("/v1/realtime", readToken)).ts
const fed = (claim, withinS = 60) => {
  const sinceMs = Date.now()
  return until(claim, withinS, async () => Date.parse(await newest()) > sinceMs)
}
const rootOf = async (of) => {
  const file = await until("Caddy has made its own authority", 60, () =>
    of.do("exec", "-T", "caddy", "cat", "/data/caddy/pki/authorities/local/root.crt"),
  )
  return file
}
const apiCommand = (of, ...args) => of.do("exec", "-T", "api", "p1-api", ...args)

const limits = async (of, services) => {
  for (const [service, { user, caps = [] }] of Object.entries(services)) {
    const [it] = JSON.parse(await docker("inspect", await of.container(service)))
    const host = it.HostConfig
    const bound = Object.values(host.PortBindings ?? {}).flat()
    const as = { user: it.Config.User, caps: (host.CapAdd ?? []).map((cap) => cap.replace("CAP_", "")).sort() }
    const problems = [
      !host.ReadonlyRootfs && "its root can be written",
      !(host.CapDrop ?? []).includes("ALL") && "it keeps capabilities",
      as.caps.join() !== [...caps].sort().join() && `it gained ${as.caps.join() || "none"}`,
      !host.SecurityOpt?.some((option) => option.startsWith("no-new-privileges")) && "it may gain privileges",
      !(host.Memory > 0) && "its memory has no bound",
      !(host.PidsLimit > 0) && "its processes have no bound",
      service !== "caddy" && bound.length > 0 && "it is published",
      host.Privileged && "it is privileged",
      user !== undefined && as.user !== user && `it runs as ${as.user || "root"}`,
    ].filter(Boolean)
    prove(`${service} is confined`, problems.length === 0, problems.join(", "))
  }
}

/** What Compose makes of the files, its variables filled in. */
const rendered = async () => {
  const { services, networks } = parse(await vpsScaled.do("config"))
  const open = Object.keys(services).filter((name) => (services[name].ports ?? []).length > 0)
  prove("Compose publishes Caddy and nothing else", open.join() === "caddy", open.join())
  prove("database and cache have no way out", networks.internal.internal === true)
  prove("there is a second server", services.api2.image === services.api.image)
  prove("the edge opens no port", parse(await house.do("config")).services["p1-edge"].ports === undefined)
}

const memoryOf = async (of, services) => {
  for (const service of services) {
    const [used] = (
      await docker("stats", "--no-stream", "--format", "{{.MemUsage}}", await of.container(service))
    ).split(" / ")
    say(`memory of ${service}: ${used}`)
  }
}

/** One alone may fall into what the share has saved up. */
const bareStarts = 5

/**
 * From the start of its process to the first telegram in its spool, on a share of one core of this machine, beside a
 * Node.js that starts for nothing on the same share.
 */
const startsOn = async (cores, timesBare) => {
  const edge = await house.container("p1-edge")
  await docker("update", "--cpus", String(cores), edge)
  const bare = `date +%s%3N; for i in $(seq ${bareStarts}); do node -e 0; done; date +%s%3N`
  const [from, to] = (await docker("exec", edge, "sh", "-c", bare)).split("\n")
  const bareS = (Number(to) - Number(from)) / 1000 / bareStarts
  await docker("restart", edge)
  const begunMs = Date.parse(await docker("inspect", "-f", "{{.State.StartedAt}}", edge))
  const first = await until("the edge on a slow core has taken a telegram", 60, async () => {
    const log = await docker("logs", "--since", new Date(begunMs).toISOString(), edge)
    const line = log.split("\n").find((text) => text.includes("The meter pushes its telegrams"))
    return line && JSON.parse(line).timestamp
  })
  const tookS = (Date.parse(first) - begunMs) / 1000
  const found = `${tookS.toFixed(1)} s, Node.js alone ${bareS.toFixed(1)} s`
  prove(
    `on ${cores} of a core the edge starts in ${timesBare} times what Node.js does`,
    tookS <= timesBare * bareS,
    found,
  )
  await docker("update", "--cpus", "0", edge)
}

/** Two servers behind one name: each is taken away in its turn, and nobody notices. */
const scaled = async () => {
  await vpsScaled.do("up", "-d")
  const healthy = async () =>
    (await Promise.all(["api", "api2"].map((name) => vpsScaled.containers(name, "health=healthy")))).flat()
  const both = await until("two servers are healthy", 90, async () => {
    const up = await healthy()
    return up.length === 2 && up
  })
  await until("the server is ready through the new Caddy", 90, async () => (await get("/health/ready")).status === 200)
  const failed = []
  let asked = 0
  let over = false
  const asking = (async () => {
    while (!over) {
      const { status } = await get("/v1/realtime", { token: readToken }).catch(({ message }) => ({ status: message }))
      asked += 1
      if (status !== 200) failed.push(status)
      await sleep(100)
    }
  })()
  for (const container of both) {
    await docker("restart", "--time", "30", container)
    await until("it is healthy again", 90, async () => (await healthy()).length === 2)
  }
  over = true
  await asking
  prove("two servers are restarted in turn and every request is answered", failed.length === 0, `${asked} requests`)
}

const story = async () => {
  await docker("build", "-q", "-f", "Dockerfile.server", "-t", "ghcr.io/your-org/p1-api:latest", ".")
  await docker("build", "-q", "-f", "Dockerfile.edge", "--target", "edge", "-t", "ghcr.io/your-org/p1-edge:latest", ".")
  await docker("build", "-q", "-f", "Dockerfile.edge", "--target", "meter", "-t", "p1-meter:smoke", ".")
  const sizeOf = async (image) => Number(await docker("image", "inspect", "-f", "{{.Size}}", image)) / 1e6
  const base = await sizeOf("node:24-bookworm-slim")
  for (const image of ["p1-api", "p1-edge"]) {
    const own = (await sizeOf(`ghcr.io/your-org/${image}:latest`)) - base
    say(`image ${image}: ${own.toFixed(0)} MB and its base of ${base.toFixed(0)} MB`)
  }

  await rendered()
  const startMs = Date.now()
  await vps.do("up", "-d")
  ca = await rootOf(vps)
  await writeFile(join(dir, "root.crt"), ca, { mode: 0o644 })
  await until("the server is ready through Caddy", 90, async () => (await get("/health/ready")).status === 200)
  const device = JSON.parse(await apiCommand(vps, "devices", "add", "Home", "--json"))
  readToken = JSON.parse(await apiCommand(vps, "tokens", "add", "--read", device.device_id, "--json")).token
  env.VPS_DEVICE_TOKEN = device.token
  await house.do("up", "-d")
  await until("the first row is there", 120, newest)
  prove("from nothing to the first row in 120 s", Date.now() - startMs < 120_000, `${(Date.now() - startMs) / 1000} s`)

  const month = (await newest()).slice(0, 7)
  const realtime = await json("/v1/realtime", readToken)
  prove("realtime tells the power", Number.isInteger(realtime.power_w), `${realtime.power_w} W`)
  const capacity = await json(`/v1/capacity/month/${month}`, readToken)
  prove("the month has its capacity figure", capacity.month === month, capacity.status)
  const series = await json("/v1/series?frame=day", readToken)
  prove("the day has its hours", series.series.at(-1).energy_import_kwh >= 0, `${series.series.length} so far`)
  prove("the docs are there", (await get("/docs")).text.includes("<html"))
  const { headers } = await get("/openapi.json")
  prove("HSTS is said", /max-age=\d{8}/.test(headers["strict-transport-security"] ?? ""))
  prove("metrics are not public", (await get("/metrics")).status === 404)
  prove("nobody reads without a token", (await get("/v1/realtime")).status === 401)
  const redirect = await new Promise((resolve, reject) =>
    plainRequest({ host: "127.0.0.1", port: env.HTTP_PORT, path: "/", headers: { host: domain } }, resolve)
      .on("error", reject)
      .end(),
  )
  prove("plain HTTP only redirects", redirect.statusCode === 308 && redirect.headers.location.startsWith("https://"))
  const stream = await get("/v1/realtime/stream", {
    token: readToken,
    timeoutMs: 30_000,
    onData: (text) => (text.match(/^event: realtime$/gm) ?? []).length >= 3 && "enough",
  })
  prove("the stream comes through Caddy, event by event", stream.status === 200)

  await limits(vps, {
    postgres: { caps: ["CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"] },
    redis: { caps: ["SETGID", "SETUID"] },
    api: { user: "node" },
    caddy: { caps: ["NET_BIND_SERVICE"] },
  })
  await limits(house, { "p1-edge": { user: "node" } })

  const pauses = []
  for (const service of ["redis", "api", "caddy", "postgres"]) {
    await vps.do("restart", service)
    await fed(`samples arrive after a restart of ${service}`, 90)
  }
  await scaled()
  const restartMs = Date.now()
  await startsOn(0.15, 30)
  await fed("samples arrive after a restart of the edge", 90)
  pauses.push([restartMs - 2_000, Date.now() + 2_000])

  await memoryOf(house, ["p1-edge"])
  const edge = await house.container("p1-edge")
  const beforeCut = await newest()
  await docker("network", "disconnect", `${house.project}_uplink`, edge)
  await sleep(25_000)
  prove("nothing comes through a cut network", Date.parse(await newest()) - Date.parse(beforeCut) < 10_000)
  await docker("network", "connect", `${house.project}_uplink`, edge)
  await fed("samples arrive after the network is back", 90)
  await sleep(15_000)
  await house.do("stop", "p1-edge")

  const stamps = (
    await get("/v1/samples?from=2020-01-01T00:00:00Z&to=2100-01-01T00:00:00Z", { token: readToken, timeoutMs: 60_000 })
  ).text
    .trim()
    .split("\n")
    .map((line) => Date.parse(JSON.parse(line).ts))
  const lost = stamps.slice(1).filter((ts, i) => {
    const gapMs = ts - stamps[i]
    return gapMs > 3_000 && !pauses.some(([fromMs, toMs]) => stamps[i] >= fromMs - gapMs && ts <= toMs + 60_000)
  })
  prove("no second is lost but those the edge was down", lost.length === 0, `${stamps.length} samples`)

  await memoryOf(vps, ["postgres", "redis", "api", "maintenance", "caddy"])

  const file = join(dir, "backup.gz")
  await vps.piped(["exec", "-T", "api", "p1-api", "backup"], { to: createWriteStream(file) })
  await fresh.do("up", "-d", "postgres", "migrate")
  const input = await open(file)
  await until(
    "the fresh stack's database is migrated",
    90,
    async () =>
      (await docker("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", await fresh.container("migrate"))) ===
      "exited 0",
  )
  await fresh.piped(["run", "--rm", "-T", "migrate", "p1-api", "restore", "-"], { from: input })
  await fresh.do("up", "-d")
  const oldCa = ca
  const freshPort = Number(env.HTTPS_PORT) + 10_000
  const asks = [`/v1/capacity/month/${month}`, "/v1/series?frame=day", "/v1/series?frame=year", "/v1/devices"]
  const answers = []
  for (const path of asks) answers.push(await json(path, readToken))
  ca = await rootOf(fresh)
  await until(
    "the fresh stack is ready",
    90,
    async () => (await get("/health/ready", { port: freshPort })).status === 200,
  )
  for (const [i, path] of asks.entries()) {
    const same = JSON.stringify(await json(path, readToken, freshPort)) === JSON.stringify(answers[i])
    prove(`the fresh stack gives the same ${path}`, same)
  }
  ca = oldCa
}

/** Nothing of a run stays, nor of one before that was kept or killed. */
const clear = async () => {
  for (const of of [house, vpsScaled, fresh]) await of.do("down", "-v", "--remove-orphans").catch(() => undefined)
}

let failure
try {
  await clear()
  await story()
} catch (error) {
  failure = error
  console.error(error.message)
  for (const of of [vps, house]) console.error(await of.do("logs", "--tail", "25").catch(() => ""))
} finally {
  if (!process.argv.includes("--keep")) {
    await clear()
    await rm(dir, { recursive: true, force: true })
  }
}
if (failure) process.exit(1)
say("Everything holds.")
