import { Readable } from "node:stream"
import { pipeline } from "node:stream/promises"
import type { SqlClient } from "@effect/sql"
import { Effect } from "effect"
import type { Pool } from "pg"
import { from as copyFrom } from "pg-copy-streams"
import type { Sample } from "../../src/domain/index.ts"
import { arraysOf, namesOf } from "../../src/infra/postgres/Columns.ts"
import { sampleColumns } from "../../src/infra/postgres/SampleRows.ts"

const arrayType = { instant: "timestamptz", millis: "timestamptz" } as const
const names = namesOf(sampleColumns)
const arrays = sampleColumns.map(({ kind }, i) => `$${i + 2}::${kind in arrayType ? "timestamptz" : kind}[]`).join(", ")

const insertInto = (table: string): string =>
  `insert into ${table} (device_id, ${names}) select $1, * from unnest(${arrays}) on conflict do nothing`

/** A table like the one of the samples, with the same key and nothing derived. */
export const makeTable = (sql: SqlClient.SqlClient) =>
  sql.unsafe("create table bare_samples (like p1_samples including all)")

/** What any idempotent store has to do: one statement, the same rows, the same client library. */
export const unnest = (
  sql: SqlClient.SqlClient,
  deviceId: string,
  samples: ReadonlyArray<Sample>,
  table = "bare_samples",
) => Effect.as(sql.unsafe(insertInto(table), [deviceId, ...arraysOf(sampleColumns, samples)]), samples.length)

const text = (value: unknown): string => (value === null || value === undefined ? "\\N" : String(value))

/** The fastest way in, which stops at the first row that is there already. */
export const copy = (pool: Pool, deviceId: string, samples: ReadonlyArray<Sample>) =>
  Effect.promise(async () => {
    const columns = arraysOf(sampleColumns, samples)
    const lines = samples.map((_, row) => [deviceId, ...columns.map((column) => text(column?.[row]))].join("\t"))
    const client = await pool.connect()
    try {
      await pipeline(
        Readable.from([`${lines.join("\n")}\n`]),
        client.query(copyFrom(`copy bare_samples (device_id, ${names}) from stdin`)),
      )
    } finally {
      client.release()
    }
    return samples.length
  })
