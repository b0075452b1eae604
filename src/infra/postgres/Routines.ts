import { createHash } from "node:crypto"
import { SqlClient } from "@effect/sql"
import { Effect } from "effect"

/** What is made from the program's text rather than by a numbered migration: made anew when the text has changed. */
export interface Routine {
  readonly name: string
  readonly statements: ReadonlyArray<string>
}

const fingerprint = (statements: ReadonlyArray<string>): string =>
  createHash("sha256").update(JSON.stringify(statements)).digest("hex")

/** Makes a routine unless it was made from the same text; several programs do so one after another. */
export const upToDate = ({ name, statements }: Routine) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const definition = fingerprint(statements)
    const same = yield* sql`select 1 from p1_routines where name = ${name} and definition = ${definition}`
    if (same.length > 0) return
    yield* Effect.forEach(statements, (statement) => sql.unsafe(statement), { discard: true })
    yield* sql`insert into p1_routines (name, definition) values (${name}, ${definition})
               on conflict (name) do update set definition = excluded.definition`
  })
