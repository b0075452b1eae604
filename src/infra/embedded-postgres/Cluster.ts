import { execFile } from "node:child_process"
import { chown, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises"
import { createHash, randomBytes } from "node:crypto"
import { basename, join } from "node:path"
import { promisify } from "node:util"
import { Effect, Option, Redacted } from "effect"
import { StartupError } from "../process/index.ts"
import { type Account, canReach } from "./Account.ts"
import { attempt, reasonOf } from "./Attempt.ts"
import type { Binaries } from "./Binaries.ts"

export const superuser = "postgres"
const passwordFile = "p1_password"

/** The environment of PostgreSQL's programs: nothing of ours may steer them. */
export const cleanEnv = { PATH: "/usr/bin:/bin", LC_ALL: "C", TZ: "UTC" }

export const spawnAs = (account: Option.Option<Account>) => ({
  cwd: "/",
  env: cleanEnv,
  ...Option.match(account, { onNone: () => ({}), onSome: ({ uid, gid }) => ({ uid, gid }) }),
})

const statOf = (path: string) => Effect.option(Effect.tryPromise(() => stat(path)))
const isThere = (path: string) => Effect.map(statOf(path), Option.isSome)
const isFile = (path: string) =>
  Effect.map(
    statOf(path),
    Option.exists((stats) => !stats.isDirectory()),
  )

/** Where the data go: the folder asked for or, when the server's account may not enter that, one beside the copies. */
export const placeOfData = (
  dataDir: string,
  account: Option.Option<Account>,
  sharedDir: string,
): Effect.Effect<string, StartupError> =>
  Effect.gen(function* () {
    if (yield* isFile(dataDir)) {
      return yield* new StartupError({ message: `${dataDir} is a file: the database needs a folder.` })
    }
    const reachable = Option.isNone(account) || (yield* canReach(account.value, dataDir))
    const key = createHash("sha256").update(dataDir).digest("hex").slice(0, 12)
    const place = reachable ? dataDir : join(sharedDir, `${basename(dataDir)}-${key}`)
    yield* attempt(`Cannot create ${place}`, () => mkdir(place, { recursive: true, mode: 0o711 }))
    if (!reachable) {
      if (!(yield* canReach(account.value, place))) {
        return yield* new StartupError({
          message: `User ${account.value.name}, which PostgreSQL runs as, may enter neither ${dataDir} nor ${place}.`,
        })
      }
      yield* Effect.logInfo(
        "The database is kept elsewhere: the user PostgreSQL runs as may not enter the folder",
      ).pipe(Effect.annotateLogs({ folder: dataDir, place, user: account.value.name }))
    }
    return place
  })

/** The last thing a failed program said. */
const lastWord = (cause: unknown): string => {
  const stderr = typeof cause === "object" && cause !== null && "stderr" in cause ? String(cause.stderr) : ""
  const lines = stderr.split("\n").filter((line) => /error|fatal/i.test(line))
  return lines.at(-1)?.trim() ?? reasonOf(cause)
}

const initialize = async (folder: string, cluster: string, binaries: Binaries, account: Option.Option<Account>) => {
  const made = await mkdtemp(join(folder, "cluster.new-"))
  const own = async (path: string) => {
    if (Option.isSome(account)) await chown(path, account.value.uid, account.value.gid)
  }
  const secret = `${made}.password`
  try {
    await own(made)
    await writeFile(secret, randomBytes(24).toString("base64url"), { mode: 0o600 })
    await own(secret)
    await promisify(execFile)(
      binaries.initdb,
      [`--pgdata=${made}`, `--username=${superuser}`, "--auth=scram-sha-256", `--pwfile=${secret}`, "--encoding=UTF8"],
      spawnAs(account),
    )
    await rename(secret, join(made, passwordFile))
    await rename(made, cluster)
  } finally {
    await rm(secret, { force: true })
    await rm(made, { recursive: true, force: true })
  }
}

const removeHalfMade = async (folder: string) => {
  for (const name of await readdir(folder)) {
    if (name.startsWith("cluster.new-")) await rm(join(folder, name), { recursive: true, force: true })
  }
}

const major = (version: string): string => version.split(".")[0] ?? version

/** The database cluster in a folder, made when there is none: complete or not at all. Only its owner may call this. */
export const openCluster = (
  folder: string,
  binaries: Binaries,
  account: Option.Option<Account>,
): Effect.Effect<{ readonly path: string; readonly password: Redacted.Redacted }, StartupError> =>
  Effect.gen(function* () {
    const path = join(folder, "cluster")
    if (!(yield* isThere(path))) {
      yield* attempt(`Cannot write in ${folder}`, () => removeHalfMade(folder))
      yield* Effect.tryPromise({
        try: () => initialize(folder, path, binaries, account),
        catch: (cause) => new StartupError({ message: `Cannot make a database in ${folder}: ${lastWord(cause)}.` }),
      })
    }
    const madeBy = (yield* attempt(`${path} is not a database of PostgreSQL`, () =>
      readFile(join(path, "PG_VERSION"), "utf8"),
    )).trim()
    if (madeBy !== major(binaries.version)) {
      return yield* new StartupError({
        message: `The database in ${folder} was made by PostgreSQL ${madeBy}, this is PostgreSQL ${binaries.version}: use the version that made it, or another data folder.`,
      })
    }
    const password = yield* attempt(`Cannot read the password of the database in ${folder}`, () =>
      readFile(join(path, passwordFile), "utf8"),
    )
    return { path, password: Redacted.make(password.trim()) }
  })
