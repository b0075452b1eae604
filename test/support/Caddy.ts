import { execFile, spawn } from "node:child_process"
import { once } from "node:events"
import { writeFile } from "node:fs/promises"
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

const configuration = ({ folder, tls = false, upstreams }: Options, port: number): string => `
{
  admin off
  auto_https disable_redirects
  skip_install_trust
  storage file_system ${join(folder, "caddy")}
  log {
    level ERROR
  }
}
${tls ? "https" : "http"}://localhost:${port} {
  ${tls ? "tls internal" : ""}
  reverse_proxy ${upstreams.map((upstream) => `127.0.0.1:${upstream}`).join(" ")} {
    lb_policy round_robin
    lb_try_duration 5s
    lb_try_interval 50ms
    flush_interval -1
  }
}
`

/** Caddy in front of servers, as it stands in front of them in production; it ends with the scope. */
export const startCaddy = (options: Options): Effect.Effect<string, never, Scope.Scope> =>
  Effect.gen(function* () {
    const port = yield* Effect.promise(freePort)
    const file = join(options.folder, "Caddyfile")
    yield* Effect.promise(() => writeFile(file, configuration(options, port)))
    const env = { PATH: process.env["PATH"] ?? "", HOME: options.folder, XDG_DATA_HOME: options.folder }
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
    const url = `${options.tls === true ? "https" : "http"}://localhost:${port}`
    yield* Effect.tryPromise(() => promisify(execFile)("curl", ["-ksf", "-o", "/dev/null", `${url}/health/live`])).pipe(
      Effect.retry(Schedule.spaced("100 millis").pipe(Schedule.upTo("15 seconds"))),
      Effect.orDie,
    )
    return url
  })
