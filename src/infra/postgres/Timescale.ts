import { SqlClient } from "@effect/sql"
import { Effect, Schema } from "effect"

/** Whether TimescaleDB is used: it must be, it must not, or it is where a new database can have it. */
export const TimescaleUse = Schema.Literal("required", "off", "auto")
export type TimescaleUse = typeof TimescaleUse.Type

/** The first version that tests have run on: 2.20 cannot refresh in one batch, and unpacks what a late row meets. */
const oldest = [2, 28] as const

const Probe = Schema.Tuple(
  Schema.Struct({
    postgres: Schema.String,
    preloaded: Schema.Boolean,
    installed: Schema.NullOr(Schema.String),
    available: Schema.NullOr(Schema.String),
    licence: Schema.NullOr(Schema.String),
  }),
)

export interface Probed {
  readonly postgres: string
  /** The version of the extension in this database. */
  readonly installed: string | null
  /** Whether p1_samples is a hypertable. */
  readonly used: boolean
  /** Why the extension cannot be used; null where it can. */
  readonly hindrance: string | null
}

const isOld = (version: string): boolean => {
  const [major = 0, minor = 0] = version.split(".").map(Number)
  return major < oldest[0] || (major === oldest[0] && minor < oldest[1])
}

/** Why TimescaleDB cannot be used where a server is like this; null where it can. */
export const hindranceOf = ({ available, installed, licence, preloaded }: (typeof Probe.Type)[0]): string | null => {
  const version = installed ?? available
  if (version === null) return "the server does not have it"
  if (!preloaded) return "the server does not preload it (shared_preload_libraries = 'timescaledb')"
  if (isOld(version)) return `its version ${version} is older than ${oldest.join(".")}`
  if (licence === "apache") return "the server runs it under the Apache licence, without compression and aggregates"
  return null
}

/**
 * What can be known without harm: where the library is not preloaded, making the extension would kill the
 * connection. `timescaledb.disable_load` is a setting only of a server that preloads it.
 */
export const probe = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql`
    select split_part(current_setting('server_version'), ' ', 1) as postgres,
      current_setting('timescaledb.disable_load', true) is not null as preloaded,
      current_setting('timescaledb.license', true) as licence,
      (select extversion from pg_extension where extname = 'timescaledb') as installed,
      (select default_version from pg_available_extensions where name = 'timescaledb') as available`
  const [found] = yield* Effect.orDie(Schema.decodeUnknown(Probe)(rows))
  const hypertables =
    found.installed !== null && found.preloaded
      ? yield* sql`select 1 from timescaledb_information.hypertables where hypertable_name = 'p1_samples'`
      : []
  return {
    postgres: found.postgres,
    installed: found.installed,
    used: hypertables.length > 0,
    hindrance: hindranceOf(found),
  } satisfies Probed
})

/** `PostgreSQL 18.4, without TimescaleDB` */
export const describe = Effect.map(probe, ({ hindrance, installed, postgres, used }) =>
  used
    ? `PostgreSQL ${postgres}, with TimescaleDB ${installed}`
    : hindrance === null
      ? `PostgreSQL ${postgres}, TimescaleDB not used`
      : `PostgreSQL ${postgres}, without TimescaleDB`,
)
