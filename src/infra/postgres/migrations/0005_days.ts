import { SqlClient } from "@effect/sql"
import { Effect } from "effect"

const statements = [
  `create table p1_day_sums (
     device_id text not null,
     start timestamptz not null,
     quarter_hours bigint not null,
     eligible boolean not null,
     import_wh bigint not null,
     export_wh bigint not null,
     span_ms bigint not null,
     covered_ms bigint not null,
     max_power_w integer not null,
     highest bigint,
     primary key (device_id, start)
   )`,
  `comment on table p1_day_sums is
     'What the quarter-hours of a UTC day add up to, of days that have all of them; kept by a trigger of theirs'`,
  `comment on column p1_day_sums.eligible is 'Whether each of them may set the monthly peak'`,
  `comment on column p1_day_sums.highest is
     'The highest that may set a peak, of equals the first: 2^32 times its Wh less its start in s since 1970'`,
]

/** Sums of whole days, so that a year need not be added up from its quarter-hours each time it is asked for. */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* Effect.forEach(statements, (statement) => sql.unsafe(statement), { discard: true })
})
