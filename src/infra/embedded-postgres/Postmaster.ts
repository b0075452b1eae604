import { spawn } from "node:child_process"
import { open, readFile, rm } from "node:fs/promises"
import { createServer } from "node:net"
import { join } from "node:path"
import { Effect, Option, Schedule } from "effect"
import { StartupError } from "../process/index.ts"
import type { Account } from "./Account.ts"
import { attempt, reasonOf } from "./Attempt.ts"
import type { Binaries } from "./Binaries.ts"
import { spawnAs } from "./Cluster.ts"
import { commandLine, isAlive, signal, waitUntilGone } from "./Processes.ts"

export const host = "127.0.0.1"
const startLimit = "120 seconds"
const stopLimit = "10 seconds"

export interface Postmaster {
  readonly pid: number
  readonly port: number
}

interface PidFile extends Postmaster {
  readonly status: string
}

const pidFileOf = (cluster: string) => join(cluster, "postmaster.pid")

/** Lines of postmaster.pid: 1 process, 4 port, 8 status. */
const readPidFile = (cluster: string): Effect.Effect<Option.Option<PidFile>> =>
  Effect.tryPromise(() => readFile(pidFileOf(cluster), "utf8")).pipe(
    Effect.map((text) => {
      const lines = text.split("\n")
      return { pid: Number(lines[0]), port: Number(lines[3]), status: lines[7]?.trim() ?? "" }
    }),
    Effect.option,
  )

/** A server that runs on the cluster; a file left by one that is gone is taken away. */
export const runningOn = (cluster: string): Effect.Effect<Option.Option<Postmaster>, StartupError> =>
  Effect.gen(function* () {
    const left = yield* readPidFile(cluster)
    if (Option.isNone(left)) return Option.none()
    const { pid } = left.value
    if ((yield* isAlive(pid)) && (yield* commandLine(pid)).includes("postgres")) {
      return (yield* untilReady(cluster, pid)) ? yield* readPidFile(cluster) : Option.none()
    }
    yield* attempt(`Cannot remove ${pidFileOf(cluster)}`, () => rm(pidFileOf(cluster), { force: true }))
    return Option.none()
  })

type State = "waiting" | "ready" | "gone"

const whileWaiting = Schedule.recurWhile((state: State) => state === "waiting").pipe(
  Schedule.zipLeft(Schedule.spaced("25 millis")),
)

/** Waits until the server takes connections; false when it ends instead. */
const untilReady = (cluster: string, pid: number): Effect.Effect<boolean, StartupError> =>
  Effect.gen(function* (): Effect.fn.Return<State> {
    if (!(yield* isAlive(pid))) return "gone"
    const file = yield* readPidFile(cluster)
    return Option.isSome(file) && file.value.pid === pid && file.value.status === "ready" ? "ready" : "waiting"
  }).pipe(
    Effect.repeat(whileWaiting),
    Effect.map((state) => state === "ready"),
    Effect.interruptible,
    Effect.timeoutFail({
      duration: startLimit,
      onTimeout: () => new StartupError({ message: `PostgreSQL in ${cluster} is not ready after ${startLimit}.` }),
    }),
  )

/** Listens for a moment: port 0 gives one that is free. */
const probePort = (port: number): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once("error", reject)
    server.listen(port, host, () => {
      const address = server.address()
      server.close(() => {
        resolve(typeof address === "object" && address !== null ? address.port : port)
      })
    })
  })

const freePort = (wanted: number | undefined): Effect.Effect<number, StartupError> =>
  Effect.tryPromise({
    try: () => probePort(wanted ?? 0),
    catch: (cause) =>
      new StartupError({
        message: `PostgreSQL cannot listen on port ${wanted ?? 0} of ${host} (${reasonOf(cause)}): stop what uses it, or choose another port.`,
      }),
  })

const lastLine = (text: string): string => {
  const lines = text.split("\n").filter((line) => line.trim() !== "")
  return lines.findLast((line) => /FATAL|PANIC|ERROR/.test(line)) ?? lines.at(-1) ?? "it said nothing"
}

export interface LaunchOptions {
  readonly binaries: Binaries
  readonly cluster: string
  readonly logFile: string
  readonly account: Option.Option<Account>
  readonly port: number | undefined
  readonly settings: Readonly<Record<string, string>>
}

/**
 * Starts a server of its own process group, so that Ctrl-C in a terminal reaches us and not it, with its log in a
 * file, so that it outlives us unharmed.
 */
export const launch = (options: LaunchOptions): Effect.Effect<Postmaster, StartupError> =>
  Effect.gen(function* () {
    const { account, binaries, cluster, logFile } = options
    const port = yield* freePort(options.port)
    const settings = { listen_addresses: host, unix_socket_directories: "", jit: "off", ...options.settings }
    const args = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`])
    const log = yield* attempt(`Cannot write ${logFile}`, () => open(logFile, "w", 0o600))
    const pid = yield* Effect.async<number, StartupError>((resume) => {
      const child = spawn(binaries.postgres, ["-D", cluster, "-p", String(port), ...args], {
        ...spawnAs(account),
        detached: true,
        stdio: ["ignore", log.fd, log.fd],
      })
      child.once("error", (cause) => {
        const message = `Cannot run ${binaries.postgres} (${reasonOf(cause)}).`
        resume(Effect.fail(new StartupError({ message })))
      })
      child.once("spawn", () => {
        resume(Effect.succeed(child.pid ?? 0))
      })
      child.unref()
    }).pipe(Effect.ensuring(Effect.promise(() => log.close())))
    if (yield* Effect.onError(untilReady(cluster, pid), () => stop(pid))) return { pid, port }
    const said = yield* attempt(`Cannot read ${logFile}`, () => readFile(logFile, "utf8"))
    return yield* new StartupError({ message: `PostgreSQL did not start: ${lastLine(said)} (see ${logFile}).` })
  })

/** Ends a server: its clients are sent away, what they had committed is on the disk. */
export const stop = (pid: number): Effect.Effect<void> =>
  Effect.gen(function* () {
    yield* signal(pid, "SIGINT")
    if (yield* waitUntilGone(pid, stopLimit)) return
    yield* Effect.logWarning("PostgreSQL does not end, it is killed").pipe(Effect.annotateLogs({ pid }))
    yield* signal(pid, "SIGKILL")
    yield* waitUntilGone(pid, stopLimit)
  })
