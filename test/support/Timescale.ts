import { Effect, type Redacted } from "effect"
import { inject } from "vitest"
import { runSql } from "./PostgresServer.ts"
import "./Provided.ts"

/** Whether the server that tests share has TimescaleDB. */
export const isThere = /with TimescaleDB/.test(inject("ranOn"))

/** The table that keeps the minutes or hours of the power curves. */
export const keptIn = (url: Redacted.Redacted, curve: "p1_power_minutes" | "p1_power_hours") =>
  Effect.map(
    runSql(
      url,
      `select format('%I.%I', materialization_hypertable_schema, materialization_hypertable_name) as name
       from timescaledb_information.continuous_aggregates where view_name = '${curve}'`,
    ),
    ([kept]) => String(kept?.["name"]),
  )
