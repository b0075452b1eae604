import { rm } from "node:fs/promises"
import { join } from "node:path"
import { Effect, Exit, Redacted, Schedule, Scope } from "effect"
import { freePort } from "../../test/support/FreePort.ts"
import { type Reply, steadily, timed } from "../../test/support/Load.ts"
import { startPostgres } from "../../test/support/PostgresServer.ts"
import { run, start } from "../../test/support/Programs.ts"
import * as Report from "./Report.ts"

const awayFor = "5 seconds"
const readEveryMs = 20

const longest = (replies: ReadonlyArray<Reply>): number => Math.max(...replies.map(({ ms }) => ms))

/** A PostgreSQL that is ended as by a power cut, is away for some seconds and comes back, under reads that need it. */
export const measurePostgresKilled = (folder: string, binDir: string | undefined) =>
  Effect.gen(function* () {
    const dataDir = join(folder, "killed")
    const databasePort = yield* Effect.promise(freePort)
    const launch = Effect.gen(function* () {
      const scope = yield* Scope.make()
      const { pid, url } = yield* Scope.extend(startPostgres(dataDir, binDir, databasePort), scope)
      return { pid, url, end: Scope.close(scope, Exit.void) }
    })
    const first = yield* launch
    yield* Effect.addFinalizer(() => Effect.promise(() => rm(dataDir, { recursive: true, force: true })))
    const port = String(yield* Effect.promise(freePort))
    const env = { DATABASE_URL: Redacted.value(first.url), PORT: port, LOG_FORMAT: "json" }
    yield* run("p1-api", env, ["devices", "add", "Home"])
    const reading = yield* run("p1-api", env, ["tokens", "add", "--read", "home", "--json"])
    const { token } = JSON.parse(reading.said) as { readonly token: string }
    const api = yield* start("p1-api", env)
    yield* api.says(/The API is ready/)
    const headers = { authorization: `Bearer ${token}` }
    // A year that nobody asked for is in no cache.
    let year = 1_000
    const ask = Effect.suspend(() =>
      timed(`http://127.0.0.1:${port}/v1/series?frame=year&at=${(year += 1)}-01-01`, { headers }),
    )
    const replies = yield* steadily(readEveryMs, ask)
    yield* Effect.sleep("1 second")
    yield* replies.take
    yield* Effect.sync(() => process.kill(first.pid, "SIGKILL"))
    yield* first.end
    yield* Effect.sleep(awayFor)
    const away = yield* replies.take
    const second = yield* launch
    const backMs = Date.now()
    yield* Effect.addFinalizer(() => second.end)
    const well = yield* Effect.repeat(ask, {
      until: ({ status }) => status === 200,
      schedule: Schedule.spaced("50 millis"),
    }).pipe(Effect.zipRight(ask))
    const undocumented = away.filter(({ status }) => status !== 200 && status !== 503).length
    yield* Report.section("API: PostgreSQL killed under load, and back")
    yield* Report.line({
      name: `longest wait for a 503, of ${away.filter(({ status }) => status === 503).length}`,
      value: longest(away) / 1000,
      unit: "s",
      target: "≤ 2 s",
    })
    yield* Report.line({ name: "other replies", value: undocumented, unit: "", target: "0" })
    yield* Report.line({ name: "answers again after", value: (well.atMs - backMs) / 1000, unit: "s", target: "≤ 5 s" })
  })
