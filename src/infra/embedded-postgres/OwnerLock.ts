import { link, readFile, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { Effect, Random, type Scope } from "effect"
import { StartupError } from "../process/index.ts"
import { attempt, hasCode } from "./Attempt.ts"
import { isAlive, startMark } from "./Processes.ts"

const ownerFile = "owner"

const createOnly = async (file: string, text: string, suffix: string): Promise<boolean> => {
  const draft = `${file}.${suffix}`
  await writeFile(draft, text, { mode: 0o600 })
  try {
    await link(draft, file)
    return true
  } catch (cause) {
    if (hasCode("EEXIST")(cause)) return false
    throw cause
  } finally {
    await rm(draft, { force: true })
  }
}

/** The living process that wrote the file, if it is not this one. */
const holderOf = (text: string): Effect.Effect<number | null> =>
  Effect.gen(function* () {
    const [word, mark = ""] = text.trim().split(" ")
    const pid = Number(word)
    const held = pid > 0 && pid !== process.pid && (yield* isAlive(pid)) && (yield* startMark(pid)) === mark
    return held ? pid : null
  })

/**
 * Makes this process the owner of a data folder until the scope ends. Says whether an owner before it ended without
 * letting go; fails while another one lives.
 */
export const ownFolder = (folder: string): Effect.Effect<{ readonly abandoned: boolean }, StartupError, Scope.Scope> =>
  Effect.gen(function* () {
    const file = join(folder, ownerFile)
    const mine = `${process.pid} ${yield* startMark(process.pid)}\n`
    const suffix = `${process.pid}-${yield* Random.nextInt}`
    const create = attempt(`Cannot write in ${folder}`, () => createOnly(file, mine, suffix))
    const free = yield* create
    if (!free) {
      const text = yield* attempt(`Cannot read ${file}`, () => readFile(file, "utf8"))
      const holder = yield* holderOf(text)
      const busy = (pid: string) =>
        new StartupError({
          message: `The database in ${folder} is in use by process ${pid}: stop that first, or give another data folder.`,
        })
      if (holder !== null) return yield* busy(String(holder))
      yield* attempt(`Cannot write in ${folder}`, () => rm(file, { force: true }))
      if (!(yield* create)) return yield* busy("that has just started")
    }
    yield* Effect.addFinalizer(() => Effect.promise(() => rm(file, { force: true })))
    return { abandoned: !free }
  })
