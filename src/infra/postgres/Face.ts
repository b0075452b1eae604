import type { SqlClient, SqlError } from "@effect/sql"
import { Effect } from "effect"
import { plainCurves } from "./PlainCurves.ts"
import { curveColumns } from "./PowerCurves.ts"
import { type Routine, upToDate } from "./Routines.ts"

const reader = (name: string, body: string): Routine => ({
  name,
  statements: [
    `create or replace function ${name} (of_device text, from_ts timestamptz, to_ts timestamptz)
     returns table (${curveColumns}) language sql stable as $$ ${body} $$`,
  ],
})

const plain: ReadonlyArray<Routine> = [
  {
    name: "p1_power_curves",
    statements: ["drop view if exists p1_power_hours, p1_power_minutes", ...plainCurves.views],
  },
  reader("p1_power_minutes_of", plainCurves.minutes),
  reader("p1_power_hours_of", plainCurves.hours),
]

/** Gives the tables their views and functions. */
export const put: Effect.Effect<void, SqlError.SqlError, SqlClient.SqlClient> = Effect.forEach(plain, upToDate, {
  discard: true,
})
