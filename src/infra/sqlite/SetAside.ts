import { existsSync, readdirSync, renameSync, rmSync, statSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import { DateTime, Effect } from "effect"
import type { StartupError } from "../process/index.ts"
import { cannotOpen, SpoolDamaged } from "./Codes.ts"
import { connect, type Connection } from "./Connection.ts"

/** A file that says: reading failed, do not trust what a check says. */
export const damageMark = (filename: string): string => `${filename}.unreadable`

const prefixOf = (filename: string): string => `${basename(filename)}.damaged-`

/** The damaged files that have been set aside, oldest first. */
export const setAsideFiles = (filename: string): ReadonlyArray<string> =>
  readdirSync(dirname(filename))
    .filter((name) => name.startsWith(prefixOf(filename)) && !/-(wal|shm)$/.test(name))
    .sort()
    .map((name) => join(dirname(filename), name))

/** The log goes first: a file without its log is still found damaged, a log without its file would be thrown away. */
const setAside = (filename: string, aside: string): void => {
  if (existsSync(`${filename}-wal`)) renameSync(`${filename}-wal`, `${aside}-wal`)
  renameSync(filename, aside)
  rmSync(`${filename}-shm`, { force: true })
  rmSync(damageMark(filename), { force: true })
}

/** A log was set aside and then the power went. */
const finish = (filename: string): void => {
  if (!existsSync(filename)) return
  for (const name of readdirSync(dirname(filename))) {
    if (!name.startsWith(prefixOf(filename)) || !name.endsWith("-wal")) continue
    const aside = join(dirname(filename), name.slice(0, -"-wal".length))
    if (!existsSync(aside)) setAside(filename, aside)
  }
}

const known = (filename: string): Effect.Effect<void, SpoolDamaged> => {
  if (existsSync(damageMark(filename))) return new SpoolDamaged({ reason: "a sample could not be read" })
  const size = statSync(filename, { throwIfNoEntry: false })?.size
  const log = statSync(`${filename}-wal`, { throwIfNoEntry: false })?.size ?? 0
  return size === 0 && log > 0 ? new SpoolDamaged({ reason: "the file is empty, its log is not" }) : Effect.void
}

const io = <A>(filename: string, evaluate: () => A): Effect.Effect<A, StartupError> =>
  Effect.try({ try: evaluate, catch: (cause) => cannotOpen(filename, cause) })

/** Where the file is open it still is when this is done: nobody else gets at it meanwhile. */
const putAside =
  (filename: string) =>
  ({ reason }: SpoolDamaged): Effect.Effect<void, StartupError> =>
    Effect.gen(function* () {
      const now = yield* DateTime.now
      const aside = `${filename}.damaged-${DateTime.formatIso(now).replace(/[:.]/g, "-")}`
      yield* io(filename, () => setAside(filename, aside))
      yield* Effect.logWarning("The spool is damaged: its file is set aside, its samples are read out of it").pipe(
        Effect.annotateLogs({ reason, file: aside }),
      )
    })

/**
 * Opens the spool. A damaged file is set aside with its log, never deleted, and a new one takes its place.
 */
export const openSpool = (filename: string): Effect.Effect<Connection, StartupError> =>
  io(filename, () => finish(filename)).pipe(
    Effect.zipRight(Effect.tapErrorTag(known(filename), "SpoolDamaged", putAside(filename))),
    Effect.zipRight(connect(filename, putAside(filename))),
    Effect.catchTag("SpoolDamaged", () => connect(filename, () => Effect.void)),
    Effect.catchTag("SpoolDamaged", ({ reason }) => cannotOpen(filename, reason)),
  )
