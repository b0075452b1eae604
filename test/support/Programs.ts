import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { Effect, type Scope } from "effect"

export type ProgramName = "p1-api" | "p1-edge" | "p1-meter" | "p1-start"

/** A program that runs: what it has said so far, and how it ends. */
export interface Running {
  readonly said: () => string
  readonly pid: number
  readonly signal: (name: NodeJS.Signals) => Effect.Effect<void>
  /** Its exit code once it has ended; null when a signal ended it. */
  readonly ended: Effect.Effect<number | null>
  /** Waits until what it says matches. */
  readonly says: (pattern: RegExp) => Effect.Effect<RegExpExecArray>
}

const isOver = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null

/** Starts a bundled program with nothing in its environment but what is given; it is killed with the scope. */
export const start = (
  name: ProgramName,
  env: Readonly<Record<string, string>>,
  args: ReadonlyArray<string> = [],
): Effect.Effect<Running, never, Scope.Scope> =>
  Effect.gen(function* () {
    let text = ""
    const child = yield* Effect.acquireRelease(
      Effect.sync(() =>
        spawn(process.execPath, [`dist/${name}.js`, ...args], {
          env: { PATH: process.env["PATH"] ?? "", ...env },
          stdio: ["ignore", "pipe", "pipe"],
        }),
      ),
      (process) => Effect.sync(() => void process.kill("SIGKILL")),
    )
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (chunk: string) => (text += chunk))
    }
    /** Later than its exit: when all that it said has been read. */
    const closed = once(child, "close")
    const ended = Effect.promise(async () => {
      await closed
      return child.exitCode
    })
    const says = (pattern: RegExp): Effect.Effect<RegExpExecArray> =>
      Effect.suspend(() => {
        const match = pattern.exec(text)
        if (match !== null) return Effect.succeed(match)
        if (isOver(child)) return Effect.dieMessage(`${name} ended before it said ${String(pattern)}:\n${text}`)
        return Effect.zipRight(Effect.sleep("50 millis"), says(pattern))
      })
    return {
      said: () => text,
      pid: child.pid ?? 0,
      signal: (signal) => Effect.sync(() => void child.kill(signal)),
      ended,
      says,
    }
  })

/** Runs a program to its end. */
export const run = (name: ProgramName, env: Readonly<Record<string, string>>, args: ReadonlyArray<string> = []) =>
  Effect.scoped(
    Effect.gen(function* () {
      const running = yield* start(name, env, args)
      return { code: yield* running.ended, said: running.said() }
    }),
  )
