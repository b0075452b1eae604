import { type Config, Effect, Layer, Option, type Redacted } from "effect"
import { CryptoSecrets } from "../infra/crypto/index.ts"
import { MemoryCaches } from "../infra/memory/index.ts"
import { PostgresAdmin, PostgresArchive, PostgresMaintenance, PostgresStore } from "../infra/postgres/index.ts"
import { layerQuietLogs } from "../infra/process/index.ts"
import { RedisCaches } from "../infra/redis/index.ts"
import * as TariffFile from "../infra/tariff-file/index.ts"
import * as Database from "./Database.ts"
import * as Environment from "./Environment.ts"

type DatabaseSettings = Config.Config.Success<typeof Environment.database>

const options = ({ dataDir, timescale, url }: DatabaseSettings, embedded: typeof Database.run) =>
  Effect.map(
    Option.match(url, { onNone: () => embedded(dataDir), onSome: (given) => Effect.succeed(given) }),
    (address) => ({ url: address, timescale }),
  )

/** The store, and beside it what keeps its database in order, unless another process does that. */
export const store = (settings: DatabaseSettings) =>
  Layer.unwrapScoped(
    Effect.map(options(settings, Database.run), (given) => {
      const maintenance = PostgresMaintenance.layer({ ...given, retention: Option.getOrUndefined(settings.retention) })
      return Layer.provideMerge(settings.maintenance ? maintenance : Layer.empty, PostgresStore.layer(given))
    }),
  )

export const caches = Option.match({
  onNone: () => MemoryCaches.layer,
  onSome: (url: Redacted.Redacted) => RedisCaches.layer({ url }),
})

export const tariffs = Option.match({ onNone: () => Layer.empty, onSome: TariffFile.layer })

/** What commands work with, for as long as a command runs, on a database that they reach. */
const reach = <A, E>(ports: (options: PostgresStore.Options) => Layer.Layer<A, E>) =>
  Layer.unwrapScoped(
    Effect.flatMap(Environment.database, (settings) => Effect.map(options(settings, Database.reach), ports)),
  ).pipe(Layer.provideMerge(layerQuietLogs))

export const reached = reach((options) =>
  Layer.mergeAll(PostgresStore.layer(options), PostgresArchive.layer(options), CryptoSecrets.layer),
)

export const reachedToRepair = reach((options) =>
  Layer.merge(PostgresStore.layer(options), PostgresAdmin.layer(options)),
)

/** A database as it is: none of its tables are made or changed before the command does so. */
export const reachedAsItIs = reach(PostgresAdmin.layer)
