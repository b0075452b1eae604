import { Effect, Option, Schema } from "effect"
import { EdgeState } from "../../domain/ports/index.ts"
import { Database } from "./Database.ts"
import { unread, unwritten } from "./Failure.ts"

const decodeValues = Schema.decodeUnknown(Schema.Array(Schema.Struct({ value: Schema.String })))

export const make = Effect.map(Database, ({ read, sql, write }) =>
  EdgeState.of({
    get: (key) =>
      sql`SELECT value FROM edge_state WHERE key = ${key}`.pipe(
        Effect.flatMap(decodeValues),
        read,
        Effect.map(([row]) => Option.map(Option.fromNullable(row), ({ value }) => value)),
        unread,
      ),
    set: (key, value) =>
      sql`INSERT INTO edge_state ${sql.insert({ key, value })} ON CONFLICT (key) DO UPDATE SET value = excluded.value`.pipe(
        write,
        Effect.asVoid,
        unwritten,
      ),
  }),
)
