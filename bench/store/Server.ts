import { join } from "node:path"
import { Effect, Redacted } from "effect"
import { EmbeddedPostgres } from "../../src/infra/embedded-postgres/index.ts"
import { describePostgres, hasTimescale, installedBinDir, runSql } from "../../test/support/PostgresServer.ts"
import { temporaryFolder } from "../../test/support/TemporaryFolder.ts"

const settings = {
  shared_buffers: "512MB",
  max_wal_size: "4GB",
  max_connections: "50",
  work_mem: "32MB",
}

/**
 * A server that keeps what it acknowledges, in a folder of its own, or in BENCH_DATA_DIR, whose data stay; the one of
 * P1_TEST_POSTGRES_BIN if that is set.
 */
export const server = Effect.gen(function* () {
  const binDir = process.env["P1_TEST_POSTGRES_BIN"] ?? (yield* Effect.promise(installedBinDir))
  const folder = process.env["BENCH_DATA_DIR"] ?? (yield* temporaryFolder)
  const timescale = {
    shared_preload_libraries: "timescaledb",
    "timescaledb.telemetry_level": "off",
    "timescaledb.max_background_workers": "0",
  }
  const { url } = yield* EmbeddedPostgres.start({
    dataDir: join(folder, "postgres"),
    binDir,
    sharedDir: join(folder, "shared"),
    settings: { ...settings, ...(hasTimescale(binDir) ? timescale : {}) },
  })
  return {
    url,
    description: yield* describePostgres(url, binDir ?? "embedded-postgres"),
    timescale: hasTimescale(binDir),
  }
})

/** A database on it, empty unless its data stay. */
export const database = (url: Redacted.Redacted, name: string) =>
  Effect.gen(function* () {
    const there = yield* runSql(url, `select 1 from pg_database where datname = '${name}'`)
    if (there.length === 0) yield* runSql(url, `create database ${name}`)
    return Redacted.make(Object.assign(new URL(Redacted.value(url)), { pathname: `/${name}` }).href)
  })
