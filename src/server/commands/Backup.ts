import { createGzip } from "node:zlib"
import { Args, Command } from "@effect/cli"
import { FileSystem } from "@effect/platform"
import { NodeSink, NodeStream } from "@effect/platform-node"
import { Console, Effect, Stream } from "effect"
import { Archive, ArchiveError } from "../../domain/ports/index.ts"

const failed = (what: string) => (cause: unknown) =>
  new ArchiveError({ message: `${what}: ${cause instanceof Error ? cause.message : String(cause)}.`, cause })

const compressed = Stream.unwrap(Effect.map(Archive, (archive) => archive.backup)).pipe(
  NodeStream.pipeThroughDuplex(() => createGzip(), failed("Cannot compress")),
)

const toStandardOutput = Stream.run(
  compressed,
  NodeSink.fromWritable(() => process.stdout, failed("Cannot write"), { endOnDone: false }),
)

/** Complete or not there at all: a backup gets its name when its last byte is written. */
const toFile = (path: string) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const partial = `${path}.part`
    yield* Stream.run(compressed, fs.sink(partial, { mode: 0o600 })).pipe(
      Effect.zipRight(fs.rename(partial, path)),
      Effect.onError(() => Effect.ignore(fs.remove(partial, { force: true }))),
      Effect.catchTags({
        SystemError: (cause) => failed(`Cannot write ${path}`)(cause),
        BadArgument: (cause) => failed(`Cannot write ${path}`)(cause),
      }),
    )
    const { size } = yield* Effect.orDie(fs.stat(path))
    yield* Console.error(`Backup of ${(Number(size) / 1e6).toFixed(1)} MB in ${path}.`)
  })

export const backup = Command.make(
  "backup",
  {
    file: Args.text({ name: "FILE" }).pipe(
      Args.withDescription("Where to write it; - is the standard output"),
      Args.withDefault("-"),
    ),
  },
  ({ file }) => (file === "-" ? toStandardOutput : toFile(file)),
).pipe(Command.withDescription("Write everything that is stored into one file, while the server runs"))
