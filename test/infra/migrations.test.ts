import { expect, it } from "@effect/vitest"
import { Config, Effect, Layer, Redacted } from "effect"
import { Store } from "../../src/domain/ports/index.ts"
import { PostgresStore } from "../../src/infra/postgres/index.ts"
import { freshDatabase } from "../support/Database.ts"
import { freePort } from "../support/FreePort.ts"
import { runSql } from "../support/PostgresServer.ts"

const start = (url: Redacted.Redacted) =>
  Effect.flatMap(Store, ({ check }) => check).pipe(Effect.provide(PostgresStore.layer({ url, maxConnections: 2 })))

const rounds = Effect.runSync(Config.withDefault(Config.integer("P1_STARTS"), 2))

it.live(
  `several programs may start at once on an empty database (${rounds} times)`,
  () =>
    Effect.replicateEffect(
      Effect.gen(function* () {
        const url = yield* freshDatabase
        yield* Effect.all(
          Array.from({ length: 6 }, () => start(url)),
          { concurrency: "unbounded" },
        )
        const ids = yield* runSql(url, "select migration_id from p1_migrations order by 1")
        expect(ids.slice(0, 2)).toEqual([{ migration_id: 1 }, { migration_id: 2 }])
        expect(new Set(ids.map(({ migration_id }) => migration_id)).size).toBe(ids.length)
      }).pipe(Effect.scoped),
      rounds,
      { discard: true },
    ),
  60_000 + rounds * 10_000,
)

it.scopedLive("a schema of a newer program is refused, with what to do", () =>
  Effect.gen(function* () {
    const url = yield* freshDatabase
    yield* start(url)
    yield* runSql(url, "insert into p1_migrations (migration_id, name) values (999, 'from the future')")
    const error = yield* Effect.flip(start(url))
    expect(error._tag).toBe("StartupError")
    expect(error.message).toMatch(/newer version.*999.*start the newer version/)
  }),
)

it.scopedLive("a user that may not create tables gets a sentence", () =>
  Effect.gen(function* () {
    const url = yield* freshDatabase
    const role = `p1_test_${crypto.randomUUID().replaceAll("-", "")}`
    yield* Effect.acquireRelease(runSql(url, `create role ${role} login password 'x'`), () =>
      runSql(url, `drop role ${role}`),
    )
    yield* runSql(url, "revoke create on schema public from public")
    const address = new URL(Redacted.value(url))
    address.username = role
    address.password = "x"
    expect((yield* Effect.flip(start(Redacted.make(address.href)))).message).toMatch(/permission denied.*CREATE/)
    address.password = "wrong"
    const refused = yield* Effect.flip(start(Redacted.make(address.href)))
    expect(refused.message).toMatch(/password authentication failed/)
    expect(refused.message).not.toContain("wrong")
  }),
)

it.scopedLive("a server that is not there gets a sentence, after some patience", () =>
  Effect.gen(function* () {
    const port = yield* Effect.promise(freePort)
    const url = Redacted.make(`postgres://u:secret@127.0.0.1:${port}/p1`)
    const begun = performance.now()
    const error = yield* Effect.flip(Layer.launch(PostgresStore.layer({ url, patience: "1 second" })))
    expect(error.message).toMatch(new RegExp(`^PostgreSQL at 127.0.0.1:${port}/p1 cannot be used .*ECONNREFUSED`))
    expect(error.message).not.toContain("secret")
    expect(performance.now() - begun).toBeGreaterThan(900)
    const nonsense = yield* Effect.flip(Layer.launch(PostgresStore.layer({ url: Redacted.make("nonsense") })))
    expect(nonsense.message).toMatch(/not of the form postgres:/)
  }),
)
