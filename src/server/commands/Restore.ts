import { createGunzip } from "node:zlib"
import { Args, Command } from "@effect/cli"
import { FileSystem } from "@effect/platform"
import { NodeStream } from "@effect/platform-node"
import { Console, Effect, Stream } from "effect"
import { Archive, ArchiveError, type RestoreProgress } from "../../domain/ports/index.ts"
import { json } from "./Arguments.ts"

const unreadable = (file: string) => (cause: unknown) =>
  new ArchiveError({
    message: `${file} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}.`,
    cause,
  })

const bytesOf = (file: string) =>
  file === "-"
    ? NodeStream.fromReadable<ArchiveError, Uint8Array>(() => process.stdin, unreadable("The standard input"))
    : Stream.unwrap(Effect.map(FileSystem.FileSystem, (fs) => Stream.mapError(fs.stream(file), unreadable(file))))

const show = ({ rows, table }: RestoreProgress) =>
  process.stderr.isTTY ? Effect.sync(() => process.stderr.write(`\r\u001b[K${table}: ${rows} rows`)) : Effect.void

export const restore = Command.make(
  "restore",
  {
    file: Args.text({ name: "FILE" }).pipe(Args.withDescription("What backup wrote; - is the standard input")),
    json,
  },
  ({ file, json }) =>
    Effect.gen(function* () {
      const archive = yield* Archive
      const fs = yield* FileSystem.FileSystem
      const text = bytesOf(file).pipe(
        Stream.provideService(FileSystem.FileSystem, fs),
        NodeStream.pipeThroughDuplex(() => createGunzip(), unreadable(file)),
      )
      const rows = yield* archive.restore(text, show)
      if (process.stderr.isTTY) yield* Effect.sync(() => process.stderr.write("\r\u001b[K"))
      yield* Console.log(
        json
          ? JSON.stringify({ rows })
          : ["Restored, each table as the backup counted it:"]
              .concat(Object.entries(rows).map(([table, count]) => `  ${table.padEnd(24)} ${count} rows`))
              .join("\n"),
      )
    }),
).pipe(Command.withDescription("Fill a fresh database from a backup; again after a break, it goes on where it was"))
