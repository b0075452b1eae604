import { Context, Effect, Layer, Redacted } from "effect"
import { inject } from "vitest"
import { PostgresStore } from "../../src/infra/postgres/index.ts"
import { runSql } from "./PostgresServer.ts"
import "./Provided.ts"

const named = (url: string, database: string): Redacted.Redacted => {
  const address = new URL(url)
  address.pathname = `/${database}`
  return Redacted.make(address.href)
}

const freshName = (): string => `p1_test_${crypto.randomUUID().replaceAll("-", "")}`

/** An empty database of its own on a server, dropped when the scope ends. */
export const freshDatabaseOn = (server: Redacted.Redacted) =>
  Effect.suspend(() => {
    const name = freshName()
    return Effect.acquireRelease(
      Effect.as(runSql(server, `create database ${name}`), named(Redacted.value(server), name)),
      () => runSql(server, `drop database if exists ${name} with (force)`),
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
