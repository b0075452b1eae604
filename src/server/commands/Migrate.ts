import { Command } from "@effect/cli"
import { Console, Effect } from "effect"
import { StoreAdmin } from "../../domain/ports/index.ts"
import { json } from "./Arguments.ts"

export const migrate = Command.make("migrate", { json }, ({ json }) =>
  Effect.gen(function* () {
    const admin = yield* StoreAdmin
    const store = yield* admin.migrate
    yield* Console.log(json ? JSON.stringify({ store }) : `The database is up to date: ${store}.`)
  }),
).pipe(
  Command.withDescription(
    "Bring the database up to date, and move one that has gained TimescaleDB since; with the server stopped",
  ),
)
