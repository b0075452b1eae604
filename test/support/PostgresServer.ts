import { existsSync } from "node:fs"
import { readdir } from "node:fs/promises"
import { join } from "node:path"
import { Effect, Redacted, type Scope } from "effect"
import pg from "pg"
import { EmbeddedPostgres } from "../../src/infra/embedded-postgres/index.ts"
import type { StartupError } from "../../src/infra/process/index.ts"

const installedUnder = "/usr/lib/postgresql"

/** The folder of the newest PostgreSQL that is installed, if any. */
export const installedBinDir = async (): Promise<string | undefined> => {
  const versions = await readdir(installedUnder).catch((): ReadonlyArray<string> => [])
  const newest = versions
    .map(Number)
    .filter(Number.isInteger)
    .sort((a, b) => b - a)[0]
  return newest === undefined ? undefined : join(installedUnder, String(newest), "bin")
}

/** Its own jobs would only get in the way: the program does by itself what they do. */
const withTimescale = {
  shared_preload_libraries: "timescaledb",
  "timescaledb.telemetry_level": "off",
  "timescaledb.max_background_workers": "0",
}

/** Where PostgreSQL keeps its extensions, beside its programs: Debian's, and one that was installed as it comes. */
const extensionDirs = ["../lib", "../lib/postgresql"]

/** Whether the TimescaleDB extension was installed beside programs of PostgreSQL. */
export const hasTimescale = (binDir: string | undefined): boolean =>
  binDir !== undefined && extensionDirs.some((dir) => existsSync(join(binDir, dir, "timescaledb.so")))

/** A server that keeps nothing through a power cut, and is quick for it. */
export const startPostgres = (
  dataDir: string,
  binDir: string | undefined,
  port?: number,
): Effect.Effect<EmbeddedPostgres.Server, StartupError, Scope.Scope> =>
  EmbeddedPostgres.start({
    dataDir,
    binDir,
    port,
    sharedDir: join(dataDir, "shared"),
    settings: {
      fsync: "off",
      max_connections: "100",
      shared_buffers: "64MB",
      ...(hasTimescale(binDir) ? withTimescale : {}),
    },
  })

/** Runs statements on one connection of its own. */
export const runSql = (url: Redacted.Redacted, ...statements: ReadonlyArray<string>) =>
  Effect.promise(async (): Promise<ReadonlyArray<Record<string, unknown>>> => {
    const client = new pg.Client({ connectionString: Redacted.value(url) })
    await client.connect()
    try {
      let rows: ReadonlyArray<Record<string, unknown>> = []
      for (const statement of statements) rows = (await client.query<Record<string, unknown>>(statement)).rows
      return rows
    } finally {
      await client.end()
    }
  })

/** `PostgreSQL 18.4, without TimescaleDB` */
export const describePostgres = (url: Redacted.Redacted, from: string): Effect.Effect<string> =>
  runSql(
    url,
    `select split_part(current_setting('server_version'), ' ', 1) as version,
            current_setting('timescaledb.disable_load', true) is not null as preloaded,
            (select default_version from pg_available_extensions where name = 'timescaledb') as timescaledb`,
  ).pipe(
    Effect.map(([row]) => {
      const timescale =
        row?.["preloaded"] === true ? `with TimescaleDB ${String(row["timescaledb"])}` : "without TimescaleDB"
      return `PostgreSQL ${String(row?.["version"])} (${from}), ${timescale}`
    }),
  )
