import type { SqlClient } from "@effect/sql"

/** Whether a row's id is one of these. */
export const among = (sql: SqlClient.SqlClient, ids: ReadonlyArray<number>) =>
  sql`id IN (SELECT value FROM json_each(${JSON.stringify(ids)}))`
