import type { ClientBase } from "pg"

export interface Table {
  readonly name: string
  readonly columns: ReadonlyArray<string>
}

/** What each database keeps of itself and what is made anew. */
const own = ["p1_migrations", "p1_routines", "p1_restore", "p1_day_sums"]

/** The tables with what can be written of their columns; a table comes after those that it refers to. */
const statement = `
with recursive tables as (
  select c.oid, c.relname::text as name,
    (select array_agg(quote_ident(a.attname) order by a.attnum) from pg_attribute a
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '') as columns
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname = current_schema() and c.relkind in ('r', 'p') and c.relname like 'p1\\_%' and c.relname <> all ($1)
), depths(oid, depth) as (
  select oid, 0 from tables
  union
  select k.conrelid, depth + 1 from depths join pg_constraint k on k.confrelid = depths.oid and k.contype = 'f'
)
select name, columns from tables join depths using (oid) group by name, columns order by max(depth), name`

export const tables = async (client: ClientBase): Promise<ReadonlyArray<Table>> =>
  (await client.query<Table>(statement, [own])).rows

/** Sets what numbers rows behind the highest number that there is. */
export const resumeNumbering = async (client: ClientBase, { columns, name }: Table): Promise<void> => {
  const { rows } = await client.query<{ column: string; sequence: string }>(
    `select col as column, pg_get_serial_sequence($1, col) as sequence
     from unnest($2::text[]) as col where pg_get_serial_sequence($1, col) is not null`,
    [name, columns],
  )
  for (const { column, sequence } of rows) {
    await client.query(`select setval('${sequence}', greatest(max(${column}), 1)) from ${name}`)
  }
}
