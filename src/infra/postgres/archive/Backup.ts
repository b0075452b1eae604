import { randomUUID } from "node:crypto"
import type { Client } from "pg"
import { to as copyTo } from "pg-copy-streams"
import { countRows, endOfRows, lineOf, type Manifest } from "./Format.ts"
import { tables } from "./Tables.ts"

/** Every table in one transaction that sees one moment. */
export const backup = async function* (client: Client): AsyncGenerator<Uint8Array> {
  await client.query("begin isolation level repeatable read read only")
  const { rows: applied } = await client.query<{ id: number; now: Date }>(
    "select migration_id as id, now() from p1_migrations order by 1",
  )
  yield lineOf({
    p1_backup: 1,
    id: randomUUID(),
    created_at: applied[0]?.now.toISOString() ?? "",
    migrations: applied.map(({ id }) => id),
  } satisfies typeof Manifest.Encoded)
  const rows: Record<string, number> = {}
  for (const { columns, name } of await tables(client)) {
    yield lineOf({ table: name, columns })
    let count = 0
    const copied: AsyncIterable<Buffer> = client.query(
      copyTo(`copy (select ${columns.join(", ")} from ${name}) to stdout`),
    )
    for await (const bytes of copied) {
      count += countRows(bytes)
      yield bytes
    }
    yield endOfRows
    rows[name] = count
  }
  yield lineOf({ rows })
  await client.query("commit")
}
