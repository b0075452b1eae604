import { execFile, spawn } from "node:child_process"
import { once } from "node:events"
import { readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { promisify } from "node:util"
import { Effect, Schedule, type Scope } from "effect"
import { freePort } from "./FreePort.ts"

/** The version that is installed, if one is. */
export const caddyVersion = async (): Promise<string | undefined> => {
  try {
    const { stdout } = await promisify(execFile)("caddy", ["version"])
    return stdout.trim().split(" ")[0]
  } catch {
    return undefined
  }
}

export interface Options {
  readonly folder: string
  readonly upstreams: ReadonlyArray<number>
  /** HTTPS with a certificate of Caddy's own instead of plain HTTP. */
  readonly tls?: boolean
}

/** What a test must not do that the deployed one does: take ports of the system, write outside its folder, log. */
const asTested = (deployed: string, { folder, tls = false }: Options): string => {
  const global = deployed.replace(
    "admin off",
    `admin off\n\tauto_https disable_redirects\n\tstorage file_system ${join(folder, "caddy")}\n\tlog {\n\t\tlevel ERROR\n\t}`,
  )
  return tls ? global : global.replace("import {$TLS_ISSUER:acme}", "")
}

/** Caddy in front of servers, by the file that is deployed; it ends with the scope. */
export const startCaddy = (options: Options): Effect.Effect<string, never, Scope.Scope> =>
  Effect.gen(function* () {
    const port = yield* Effect.promise(freePort)
    const file = join(options.folder, "Caddyfile")
    const url = `${options.tls === true ? "https" : "http"}://localhost:${port}`
    yield* Effect.promise(async () => writeFile(file, asTested(await readFile("deploy/Caddyfile", "utf8"), options)))
    const env = {
      PATH: process.env["PATH"] ?? "",
      HOME: options.folder,
      XDG_DATA_HOME: options.folder,
      DOMAIN: url,
      TLS_ISSUER: "internal",
      API: options.upstreams.map((upstream) => `127.0.0.1:${upstream}`).join(" "),
    }
    yield* Effect.acquireRelease(
      Effect.sync(() => spawn("caddy", ["run", "--config", file, "--adapter", "caddyfile"], { env, stdio: "ignore" })),
      (child) =>
        Effect.promise(async () => {
          if (child.exitCode !== null || child.signalCode !== null) return
          const ended = once(child, "exit")
          child.kill("SIGKILL")
          await ended
        }),
    )
    yield* Effect.tryPromise(() => promisify(execFile)("curl", ["-ksf", "-o", "/dev/null", `${url}/health/live`])).pipe(
      Effect.retry(Schedule.spaced("100 millis").pipe(Schedule.upTo("15 seconds"))),
      Effect.orDie,
    )
    return url
  })
