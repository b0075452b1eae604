import { SqlClient } from "@effect/sql"
import { Effect } from "effect"

const statements = [
  `create table p1_routines (
     name text primary key,
     definition text not null
   )`,
  `comment on table p1_routines is 'SHA-256 of what each function and view was made from'`,

  `create table p1_horizon (
     singleton boolean primary key default true check (singleton),
     ts timestamptz not null
   )`,
  `insert into p1_horizon (ts) values ('-infinity')`,
  `comment on table p1_horizon is 'Raw samples before this may be gone: none are taken, quarter-hours stay as they are'`,

  `create table p1_late_ranges (
     id bigint generated always as identity primary key,
     from_ts timestamptz not null,
     to_ts timestamptz not null
   )`,
  `comment on table p1_late_ranges is 'Times that late samples touched and whose power curves are to be made anew'`,
]

/** What the store keeps of itself. */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* Effect.forEach(statements, (statement) => sql.unsafe(statement), { discard: true })
})
