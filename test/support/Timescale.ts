import { Effect, type Redacted } from "effect"
import { inject } from "vitest"
import { runSql } from "./PostgresServer.ts"
import "./Provided.ts"

/** Whether the server that tests share has TimescaleDB. */
export const isThere = /with TimescaleDB/.test(inject("ranOn"))

/** The table that keeps the minutes of the power curves. */
export const keptMinutes = (url: Redacted.Redacted) =>
  Effect.map(
    runSql(
      url,
      `select format('%I.%I', materialization_hypertable_schema, materialization_hypertable_name) as name
       from timescaledb_information.continuous_aggregates where view_name = 'p1_power_minutes'`,
    ),
    ([kept]) => String(kept?.["name"]),
  )
