import { Command } from "@effect/cli"
import { Console, Effect, Schema, Stream } from "effect"
import { Sample } from "../../domain/index.ts"
import { Spool } from "../../domain/ports/index.ts"

const encodeSample = Schema.encodeSync(Sample)

/** One JSON object a line, as the server would be sent it; a page at a time, so that any number fits. */
const exportSamples = Command.make("export", {}, () =>
  Effect.flatMap(Spool, ({ samples }) =>
    Stream.runForEach(samples, ({ sample }) => Console.log(JSON.stringify(encodeSample(sample)))),
  ),
).pipe(Command.withDescription("Print every sample that waits for upload, as one JSON object a line"))

export const spool = Command.make("spool").pipe(
  Command.withDescription("What has been taken and not uploaded"),
  Command.withSubcommands([exportSamples]),
)
