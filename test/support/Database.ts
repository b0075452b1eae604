import { Context, Effect, Layer, Redacted } from "effect"
import { inject } from "vitest"
import { PostgresStore } from "../../src/infra/postgres/index.ts"
import { runSql } from "./PostgresServer.ts"
import "./Provided.ts"
import { noteDatabase } from "./RanOn.ts"

const named = (url: string, database: string): Redacted.Redacted => {
  const address = new URL(url)
  address.pathname = `/${database}`
  return Redacted.make(address.href)
}

const freshName = (): string => `p1_test_${crypto.randomUUID().replaceAll("-", "")}`

/** Has the summary say what a database was that a store used. */
const noteUse = (url: Redacted.Redacted) =>
  Effect.map(
    runSql(
      url,
      `select concat_ws(' with TimescaleDB ', 'PostgreSQL ' || split_part(current_setting('server_version'), ' ', 1),
         (select extversion from pg_extension where extname = 'timescaledb')) as description
       where to_regclass('p1_samples') is not null`,
    ),
    ([row]) => (row === undefined ? undefined : noteDatabase(String(row["description"]))),
  )

/** An empty database of its own on a server, dropped when the scope ends. */
export const freshDatabaseOn = (server: Redacted.Redacted) =>
  Effect.suspend(() => {
    const name = freshName()
    const url = named(Redacted.value(server), name)
    return Effect.acquireRelease(Effect.as(runSql(server, `create database ${name}`), url), () =>
      Effect.zipRight(noteUse(url), runSql(server, `drop database if exists ${name} with (force)`)),
    )
  })

/** The same on the server that tests share. */
export const freshDatabase = Effect.suspend(() => freshDatabaseOn(Redacted.make(inject("databaseUrl"))))

/** The address of an empty database. */
export class Database extends Context.Tag("test/Database")<Database, { readonly url: Redacted.Redacted }>() {}

export const layerFreshDatabase: Layer.Layer<Database> = Layer.scoped(
  Database,
  Effect.map(freshDatabase, (url) => ({ url })),
)

/** Store and registry in an empty database of their own. */
export const layerFreshStore = Layer.unwrapEffect(Effect.map(Database, ({ url }) => PostgresStore.layer({ url }))).pipe(
  Layer.provideMerge(layerFreshDatabase),
)
