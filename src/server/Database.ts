import { FileSystem, Path } from "@effect/platform"
import { Effect, type Redacted, Schema } from "effect"
import { EmbeddedPostgres } from "../infra/embedded-postgres/index.ts"
import { StartupError } from "../infra/process/index.ts"

const Address = Schema.parseJson(Schema.Struct({ databaseUrl: Schema.Redacted(Schema.String) }))

const addressFile = (dataDir: string) => Effect.map(Path.Path, (path) => path.join(dataDir, "p1-api.json"))

/** Leaves the database's address for commands that are run beside this server, readable by its user only. */
const announce = (dataDir: string, databaseUrl: Redacted.Redacted) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const file = yield* addressFile(dataDir)
    const text = yield* Schema.encode(Address)({ databaseUrl })
    yield* Effect.acquireRelease(
      fs
        .makeDirectory(dataDir, { recursive: true })
        .pipe(
          Effect.zipRight(fs.remove(file, { force: true })),
          Effect.zipRight(fs.writeFileString(file, text, { mode: 0o600 })),
        ),
      () => Effect.ignore(fs.remove(file, { force: true })),
    )
  }).pipe(Effect.mapError(({ message }) => new StartupError({ message: `Cannot write in ${dataDir}: ${message}` })))

const announced = (dataDir: string) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const text = yield* fs.readFileString(yield* addressFile(dataDir))
    const { databaseUrl } = yield* Schema.decode(Address)(text)
    return databaseUrl
  })

/** Runs PostgreSQL in a folder until the scope ends, and gives its address. */
export const run = (dataDir: string) =>
  Effect.gen(function* () {
    const { url } = yield* EmbeddedPostgres.start({ dataDir: `${dataDir}/postgres` })
    yield* announce(dataDir, url)
    return url
  })

/** The same for a command beside the server: one that another process runs is used, and left running. */
export const reach = (dataDir: string) =>
  EmbeddedPostgres.start({ dataDir: `${dataDir}/postgres` }).pipe(
    Effect.map(({ url }) => url),
    Effect.catchTag("StartupError", (error) => Effect.mapError(announced(dataDir), () => error)),
  )
