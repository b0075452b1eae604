import { execFile } from "node:child_process"
import { readFile } from "node:fs/promises"
import { promisify } from "node:util"
import { type Duration, Effect, Schedule } from "effect"
import { hasCode } from "./Attempt.ts"

const quiet = <A>(run: () => Promise<A>): Effect.Effect<A | null> =>
  Effect.tryPromise(run).pipe(Effect.orElseSucceed(() => null))

const signalReaches = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch (cause) {
    return hasCode("EPERM")(cause)
  }
}

/** State and start time of a process, where the system has /proc: fields 3 and 22 of its stat. */
const procStat = (pid: number) =>
  Effect.map(
    quiet(() => readFile(`/proc/${pid}/stat`, "utf8")),
    (stat) => {
      const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ")
      return fields === undefined ? null : { state: fields[0] ?? "", startedAt: fields[19] ?? "" }
    },
  )

/** Whether a process runs; one that ended and waits to be reaped does not. */
export const isAlive = (pid: number): Effect.Effect<boolean> =>
  Effect.suspend(() =>
    signalReaches(pid) ? Effect.map(procStat(pid), (stat) => stat?.state !== "Z") : Effect.succeed(false),
  )

/** A mark that tells a process from a later one of the same number; empty where the system does not say. */
export const startMark = (pid: number): Effect.Effect<string> =>
  Effect.map(procStat(pid), (stat) => stat?.startedAt ?? "")

export const commandLine = (pid: number): Effect.Effect<string> =>
  quiet(() => readFile(`/proc/${pid}/cmdline`, "utf8")).pipe(
    Effect.flatMap((line) =>
      line === null
        ? Effect.map(
            quiet(() => promisify(execFile)("ps", ["-p", String(pid), "-o", "command="])),
            (result) => result?.stdout ?? "",
          )
        : Effect.succeed(line.replaceAll("\0", " ")),
    ),
  )

/** Waits until a process is gone; false when it still runs after `limit`. */
export const waitUntilGone = (pid: number, limit: Duration.DurationInput): Effect.Effect<boolean> =>
  isAlive(pid).pipe(
    Effect.repeat({ while: (alive) => alive, schedule: Schedule.spaced("25 millis") }),
    Effect.as(true),
    Effect.interruptible,
    Effect.timeoutTo({ duration: limit, onSuccess: (gone) => gone, onTimeout: () => false }),
  )

export const signal = (pid: number, name: "SIGINT" | "SIGKILL"): Effect.Effect<void> =>
  Effect.sync(() => {
    try {
      process.kill(pid, name)
    } catch (cause) {
      if (!hasCode("ESRCH")(cause)) throw cause
    }
  })
