import { Readable } from "node:stream"
import { pipeline } from "node:stream/promises"
import { Either, type Schema } from "effect"
import type { Client } from "pg"
import { from as copyFrom } from "pg-copy-streams"
import { ArchiveError, type RestoreProgress, type RowCounts } from "../../../domain/ports/index.ts"
import { countRows, End, Manifest, parseLine, Section, withoutRows } from "./Format.ts"
import type { Reader } from "./Reader.ts"
import { resumeNumbering, type Table, tables } from "./Tables.ts"

const blockBytes = 1_000_000

const refuse = (message: string): never => {
  throw new ArchiveError({ message })
}

const parsed = <A, I>(schema: Schema.Schema<A, I>, line: Buffer): A =>
  Either.getOrElse(parseLine(schema, line), () => refuse("This is no backup of p1-energy, or it is damaged."))

const inTransaction = async (client: Client, work: () => Promise<unknown>): Promise<void> => {
  await client.query("begin")
  try {
    await work()
    await client.query("commit")
  } catch (cause) {
    await client.query("rollback")
    throw cause
  }
}

/** Notes that this backup is being restored, in a database that is fresh or was left half-way by the same backup. */
const begin = async (client: Client, { id, migrations }: typeof Manifest.Type): Promise<void> => {
  const { rows: unknown } = await client.query<{ id: number }>(
    "select id from unnest($1::int[]) as id where id not in (select migration_id from p1_migrations) limit 1",
    [migrations],
  )
  if (unknown.length > 0) refuse("The backup was made by a newer version of this program: restore it with that one.")
  await client.query(
    `create table if not exists p1_restore
       (backup_id text, table_name text, rows bigint not null, primary key (backup_id, table_name))`,
  )
  const { rows: begun } = await client.query<{ backup_id: string }>("select distinct backup_id from p1_restore")
  if (begun.some(({ backup_id }) => backup_id !== id)) {
    refuse("Another backup was restored here half-way: finish that one, or take a fresh database.")
  }
  const { rows: devices } = await client.query("select from p1_devices limit 1")
  if (begun.length === 0 && devices.length > 0) {
    refuse("The database already holds devices: restore into a fresh one, nothing was changed.")
  }
  await client.query("insert into p1_restore values ($1, '', 0) on conflict do nothing", [id])
}

const rowsDone = async (client: Client, backupId: string, table: string): Promise<number | undefined> => {
  const { rows } = await client.query<{ rows: string }>(
    "select rows from p1_restore where backup_id = $1 and table_name = $2",
    [backupId, table],
  )
  return rows[0] && Number(rows[0].rows)
}

const section = async (
  client: Client,
  reader: Reader,
  backupId: string,
  { columns, table }: Section,
  progress: (now: RestoreProgress) => Promise<void>,
): Promise<void> => {
  let done = await rowsDone(client, backupId, table)
  if (done === undefined) {
    await inTransaction(client, async () => {
      await client.query(`delete from ${table}`)
      await client.query("insert into p1_restore values ($1, $2, 0)", [backupId, table])
    })
    done = 0
  }
  let seen = 0
  for (;;) {
    const block = await reader.rows(blockBytes)
    if (block.length === 0) break
    const rows = countRows(block)
    const known = Math.min(rows, Math.max(0, done - seen))
    seen += rows
    if (known === rows) continue
    const fresh = withoutRows(block, known)
    await inTransaction(client, async () => {
      await pipeline(Readable.from([fresh]), client.query(copyFrom(`copy ${table} (${columns.join(", ")}) from stdin`)))
      await client.query("update p1_restore set rows = $3 where backup_id = $1 and table_name = $2", [
        backupId,
        table,
        seen,
      ])
    })
    await progress({ table, rows: seen })
  }
}

const checkSection = ({ columns, table }: Section, known: ReadonlyArray<Table>): void => {
  const target = known.find(({ name }) => name === table)
  const strange = columns.find((column) => target?.columns.includes(column) !== true)
  if (target === undefined || strange !== undefined) {
    refuse(
      `The backup holds ${table}${strange ? `.${strange}` : ""}, which this version does not know: use a newer one.`,
    )
  }
}

const counted = async (client: Client, names: ReadonlyArray<string>): Promise<RowCounts> => {
  const counts: Record<string, number> = {}
  for (const name of names) {
    const { rows } = await client.query<{ count: string }>(`select count(*) from ${name}`)
    counts[name] = Number(rows[0]?.count)
  }
  return counts
}

/** Goes through a backup; what is restored of a table is noted in the transaction that restores it. */
export const restore = async (
  client: Client,
  reader: Reader,
  progress: (now: RestoreProgress) => Promise<void>,
): Promise<RowCounts> => {
  const manifest = parsed(Manifest, await reader.line())
  await begin(client, manifest)
  const known = await tables(client)
  for (;;) {
    const line = await reader.line()
    const next = parseLine(Section, line)
    if (Either.isRight(next)) {
      checkSection(next.right, known)
      await section(client, reader, manifest.id, next.right, progress)
      continue
    }
    const { rows } = parsed(End, line)
    const counts = await counted(client, Object.keys(rows))
    const wrong = Object.keys(rows).find((name) => rows[name] !== counts[name])
    if (wrong)
      refuse(`${wrong} has ${counts[wrong]} rows, the backup ${rows[wrong]}: take a fresh database and restore again.`)
    for (const table of known) await resumeNumbering(client, table)
    await client.query("drop table p1_restore")
    return counts
  }
}
