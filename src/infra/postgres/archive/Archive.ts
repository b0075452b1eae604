import { Effect, Layer, Predicate, Redacted, Runtime, Stream } from "effect"
import pg from "pg"
import { Archive, ArchiveError } from "../../../domain/ports/index.ts"
import { backup } from "./Backup.ts"
import { CutOff, Reader } from "./Reader.ts"
import { restore } from "./Restore.ts"

const archiveError = (cause: unknown): ArchiveError => {
  if (cause instanceof ArchiveError) return cause
  const message =
    cause instanceof CutOff
      ? "The backup ends too early: it was cut off. What came is restored; the whole backup goes on from there."
      : `PostgreSQL: ${Predicate.hasProperty(cause, "message") ? String(cause.message) : String(cause)}`
  return new ArchiveError({ message, cause })
}

const connect = (url: Redacted.Redacted) =>
  Effect.acquireRelease(
    Effect.tryPromise({
      try: async () => {
        const client = new pg.Client({ connectionString: Redacted.value(url), application_name: "p1-energy backup" })
        client.on("error", () => undefined)
        await client.connect()
        return client
      },
      catch: archiveError,
    }),
    (client) => Effect.promise(() => client.end().catch(() => undefined)),
  )

/** Backups of the database at an address whose schema is up to date. */
export const layer = ({ url }: { readonly url: Redacted.Redacted }): Layer.Layer<Archive> =>
  Layer.succeed(
    Archive,
    Archive.of({
      backup: Stream.unwrapScoped(
        Effect.map(connect(url), (client) => Stream.fromAsyncIterable(backup(client), archiveError)),
      ),
      restore: (bytes, progress) =>
        Effect.gen(function* () {
          const client = yield* connect(url)
          const runtime = yield* Effect.runtime<never>()
          const reader = new Reader(Stream.toAsyncIterableRuntime(bytes, runtime))
          return yield* Effect.tryPromise({
            try: () => restore(client, reader, (now) => Runtime.runPromise(runtime)(progress(now))),
            catch: archiveError,
          })
        }).pipe(Effect.scoped),
    }),
  )
