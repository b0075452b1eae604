import { expect, it } from "@effect/vitest"
import { SqlClient } from "@effect/sql"
import { Context, Effect, Fiber, Layer, type Redacted, TestClock } from "effect"
import { PostgresClient, PostgresUpkeep } from "../../src/infra/postgres/index.ts"
import { freshDatabase } from "../support/Database.ts"
import { runSql } from "../support/PostgresServer.ts"

const moment = Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 20)))
/** Lets time pass, and the database answer in between. */
const pass = Effect.repeatN(Effect.zipRight(TestClock.adjust("5 seconds"), moment), 9)

/** Processes on one database, and who of them is at work. */
const setUp = Effect.gen(function* () {
  const url = yield* freshDatabase
  const atWork = new Set<string>()
  const start = (name: string) =>
    Effect.gen(function* () {
      const client = yield* Layer.build(Layer.fresh(PostgresClient.layer({ url, maxConnections: 1 })))
      const work = Effect.acquireUseRelease(
        Effect.sync(() => void atWork.add(name)),
        () => Effect.never,
        () => Effect.sync(() => void atWork.delete(name)),
      )
      return yield* PostgresUpkeep.whileAlone(work).pipe(
        Effect.provideService(SqlClient.SqlClient, Context.get(client, SqlClient.SqlClient)),
        Effect.forkScoped,
      )
    })
  return { url, start, atWork }
})

it.scoped("of several processes one is at work, and the next takes over when that one ends", () =>
  Effect.gen(function* () {
    const { atWork, start } = yield* setUp
    const one = yield* start("one")
    yield* pass
    yield* start("two")
    yield* start("three")
    yield* pass
    expect([...atWork]).toEqual(["one"])
    yield* Fiber.interrupt(one)
    yield* pass
    expect(atWork.size).toBe(1)
    expect(atWork.has("one")).toBe(false)
  }),
)

const loseConnection = (url: Redacted.Redacted) =>
  runSql(
    url,
    `select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted
     and database = (select oid from pg_database where datname = current_database())`,
  )

it.scoped("who loses the connection is no longer at work, and has a turn again after the others", () =>
  Effect.gen(function* () {
    const { atWork, start, url } = yield* setUp
    yield* start("one")
    yield* pass
    const two = yield* start("two")
    yield* pass
    yield* loseConnection(url)
    yield* pass
    expect(atWork.size).toBe(1)
    yield* Fiber.interrupt(two)
    yield* pass
    expect([...atWork]).toEqual(["one"])
  }),
)
