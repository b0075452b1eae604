import { join, resolve } from "node:path"
import { Context, Effect, Layer, Option, Redacted, Ref, Schedule, type Scope } from "effect"
import { StartupError } from "../process/index.ts"
import { serverAccount } from "./Account.ts"
import { findBinaries } from "./Binaries.ts"
import { openCluster, placeOfData, superuser } from "./Cluster.ts"
import { ownFolder } from "./OwnerLock.ts"
import { host, launch, type LaunchOptions, type Postmaster, runningOn, stop } from "./Postmaster.ts"
import { isAlive } from "./Processes.ts"

export interface Options {
  /** The folder for the database, its password and its log; made when it is not there. */
  readonly dataDir: string
  /** The port on 127.0.0.1; without it one that is free. */
  readonly port?: number | undefined
  /** Programs to use instead of the packaged ones. */
  readonly binDir?: string | undefined
  /** Settings of the server, as in postgresql.conf. */
  readonly settings?: Readonly<Record<string, string>> | undefined
  /** Root's own: copies of the programs, and data, that the server's user could not reach where they are. */
  readonly sharedDir?: string | undefined
}

export interface Server {
  readonly url: Redacted.Redacted
  /** `18.4` */
  readonly version: string
  readonly pid: number
  /** Where the data are. */
  readonly folder: string
  /** Whether a server that its owner left behind was taken over. */
  readonly reused: boolean
}

/** A server left behind is used again; one that something else started is not ours to use. */
const takeOver = (folder: string, cluster: string, port: number | undefined, abandoned: boolean) =>
  Effect.gen(function* () {
    const running = yield* runningOn(cluster)
    if (Option.isNone(running)) return Option.none<Postmaster>()
    const { pid, port: runsOn } = running.value
    if (!abandoned) {
      return yield* new StartupError({
        message: `The database in ${folder} is in use by another PostgreSQL server, process ${pid}: stop that first, or give another data folder.`,
      })
    }
    if (port === undefined || port === runsOn) return running
    yield* stop(pid)
    return Option.none<Postmaster>()
  })

/** Looks every second whether the server runs and starts it again, on its port, when it does not. */
const keepAlive = (current: Ref.Ref<Postmaster>, options: LaunchOptions) =>
  Effect.gen(function* () {
    const { pid, port } = yield* Ref.get(current)
    if (yield* isAlive(pid)) return
    yield* Effect.logError("PostgreSQL has ended by itself, it is started again").pipe(
      Effect.annotateLogs({ pid, log: options.logFile }),
    )
    yield* Effect.uninterruptible(Effect.flatMap(launch({ ...options, port }), (next) => Ref.set(current, next)))
  }).pipe(
    Effect.catchTag("StartupError", (error) => Effect.logError(error.message)),
    Effect.repeat(Schedule.spaced("1 second")),
  )

/** Runs PostgreSQL until the scope ends. */
export const start = (options: Options): Effect.Effect<Server, StartupError, Scope.Scope> =>
  Effect.gen(function* () {
    const sharedDir = options.sharedDir ?? "/var/lib/p1-energy"
    const account = yield* serverAccount
    const binaries = yield* findBinaries(options.binDir, account, sharedDir)
    const folder = yield* placeOfData(resolve(options.dataDir), account, sharedDir)
    const { abandoned } = yield* ownFolder(folder)
    const cluster = yield* openCluster(folder, binaries, account)
    const launchOptions: LaunchOptions = {
      binaries,
      account,
      cluster: cluster.path,
      logFile: join(folder, "server.log"),
      port: options.port,
      settings: options.settings ?? {},
    }
    const current = yield* Effect.acquireRelease(
      Effect.gen(function* () {
        const left = yield* takeOver(folder, cluster.path, options.port, abandoned)
        const running = Option.isSome(left) ? left.value : yield* launch(launchOptions)
        return { ref: yield* Ref.make(running), reused: Option.isSome(left) }
      }),
      ({ ref }) => Effect.flatMap(Ref.get(ref), ({ pid }) => stop(pid)),
    )
    yield* Effect.forkScoped(keepAlive(current.ref, launchOptions))
    const { pid, port } = yield* Ref.get(current.ref)
    const url = `postgres://${superuser}:${Redacted.value(cluster.password)}@${host}:${port}/postgres`
    return { url: Redacted.make(url), version: binaries.version, pid, folder, reused: current.reused }
  })

export class EmbeddedPostgres extends Context.Tag("infra/EmbeddedPostgres")<EmbeddedPostgres, Server>() {}

export const layer = (options: Options): Layer.Layer<EmbeddedPostgres, StartupError> =>
  Layer.scoped(EmbeddedPostgres, start(options))
