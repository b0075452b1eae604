import { execFile, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdir } from "node:fs/promises"
import { connect } from "node:net"
import { promisify } from "node:util"
import { Effect, Schedule, type Scope } from "effect"
import { freePort } from "./FreePort.ts"

export interface RedisServer {
  readonly url: string
  readonly version: string
}

const isInstalled = async (): Promise<boolean> => {
  try {
    await promisify(execFile)("redis-server", ["--version"])
    return true
  } catch {
    return false
  }
}

/** What a server says it is, once it answers. */
const versionAt = (port: number): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.end("INFO server\r\n")
    })
    socket.once("data", (reply) => {
      resolve(/redis_version:(\S+)/.exec(String(reply))?.[1] ?? "of no version")
    })
    socket.once("error", reject)
    socket.once("close", () => {
      reject(new Error("closed"))
    })
  })

/** Runs redis-server on a free port with nothing on the disk; undefined where it is not installed. */
export const startRedis = (folder: string): Effect.Effect<RedisServer | undefined, never, Scope.Scope> =>
  Effect.gen(function* () {
    if (!(yield* Effect.promise(isInstalled))) return undefined
    const port = yield* Effect.promise(freePort)
    yield* Effect.promise(() => mkdir(folder, { recursive: true }))
    yield* Effect.acquireRelease(
      Effect.sync(() =>
        spawn(
          "redis-server",
          ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder],
          { stdio: "ignore" },
        ),
      ),
      (child) =>
        Effect.promise(async () => {
          if (child.exitCode !== null || child.signalCode !== null) return
          const ended = once(child, "exit")
          child.kill("SIGKILL")
          await ended
        }),
    )
    const version = yield* Effect.tryPromise(() => versionAt(port)).pipe(
      Effect.retry(Schedule.spaced("50 millis").pipe(Schedule.upTo("10 seconds"))),
      Effect.orDie,
    )
    return { url: `redis://127.0.0.1:${port}`, version }
  })
