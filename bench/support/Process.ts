import { spawn } from "node:child_process"
import { readFile } from "node:fs/promises"
import { Effect, type Scope } from "effect"

const ticksPerSecond = 100

/** What the kernel counts of a process. */
export interface Usage {
  readonly rssMb: number
  readonly cpuS: number
  /** Bytes it has made the kernel write to disks. */
  readonly writtenBytes: number
}

export interface Program {
  readonly pid: number
  readonly said: () => string
  readonly usage: Effect.Effect<Usage>
  /** Waits until what it says matches; gives the match. */
  readonly says: (pattern: RegExp) => Effect.Effect<RegExpExecArray>
  readonly stop: Effect.Effect<void>
}

/** What the kernel has counted of a process so far. */
export const usageOf = (pid: number): Effect.Effect<Usage> =>
  Effect.promise(async () => {
    const [status, stat, io] = await Promise.all(
      ["status", "stat", "io"].map((file) => readFile(`/proc/${pid}/${file}`, "utf8")),
    )
    const fields = (stat ?? "").slice((stat ?? "").lastIndexOf(")") + 2).split(" ")
    return {
      rssMb: Number(/VmRSS:\s+(\d+)/.exec(status ?? "")?.[1]) / 1000,
      cpuS: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond,
      writtenBytes: Number(/^write_bytes: (\d+)/m.exec(io ?? "")?.[1]),
    }
  })

/** Runs a file as its first line says, `#!`, or a command; it ends with the scope. Linux only: it reads /proc. */
export const running = (
  command: string,
  args: ReadonlyArray<string>,
  env: Readonly<Record<string, string>>,
): Effect.Effect<Program, never, Scope.Scope> =>
  Effect.gen(function* () {
    let text = ""
    const child = yield* Effect.acquireRelease(
      Effect.sync(() =>
        spawn(command, args, {
          env: { PATH: process.env["PATH"] ?? "", ...env },
          stdio: ["ignore", "pipe", "pipe"],
        }),
      ),
      (child) => Effect.sync(() => void child.kill("SIGKILL")),
    )
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (chunk: string) => (text += chunk))
    }
    const pid = child.pid ?? 0
    const says = (pattern: RegExp): Effect.Effect<RegExpExecArray> =>
      Effect.suspend(() => {
        const match = pattern.exec(text)
        if (match !== null) return Effect.succeed(match)
        if (child.exitCode !== null) return Effect.dieMessage(`${command} ended:\n${text}`)
        return Effect.delay(says(pattern), "5 millis")
      })
    return {
      pid,
      said: () => text,
      usage: usageOf(pid),
      says,
      stop: Effect.async((resume: (ended: Effect.Effect<void>) => void) => {
        child.once("exit", () => resume(Effect.void))
        child.kill("SIGTERM")
      }),
    }
  })

/** Runs one of our bundled programs. */
export const program = (name: string, args: ReadonlyArray<string>, env: Readonly<Record<string, string>>) =>
  running(`dist/${name}.js`, args, env)
