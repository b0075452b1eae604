import { Args, Command } from "@effect/cli"
import { Console, DateTime, Effect, Schema, Stream } from "effect"
import { Sample } from "../../domain/index.ts"
import { type QuarantinedSample, Spool } from "../../domain/ports/index.ts"
import { StartupError } from "../../infra/process/index.ts"
import { json } from "./Arguments.ts"

const encodeSample = Schema.encodeSync(Sample)

const asJson = ({ at, code, id, message, sample }: QuarantinedSample): string =>
  JSON.stringify({ id, at: DateTime.formatIso(at), code, message, sample: encodeSample(sample) })

const asText = ({ at, code, id, message, sample }: QuarantinedSample): string =>
  `${String(id).padStart(8)}  ${DateTime.formatIso(sample.ts)}  ${code}: ${message} (${DateTime.formatIso(at)})`

const list = Command.make("list", { json }, (options) =>
  Effect.gen(function* () {
    const { quarantine } = yield* Spool
    const count = yield* quarantine.pipe(
      Stream.tap((sample) => Console.log(options.json ? asJson(sample) : asText(sample))),
      Stream.runCount,
    )
    if (!options.json) yield* Console.log(count === 0 ? "Nothing is in quarantine." : `${count} in quarantine.`)
  }),
).pipe(Command.withDescription("List the samples that the server refused, and why: one line each"))

const id = Args.integer({ name: "ID" }).pipe(Args.repeated, Args.withDescription("Only these; all of them otherwise"))

const retry = Command.make("retry", { id }, ({ id: ids }) =>
  Effect.gen(function* () {
    const spool = yield* Spool
    const count = yield* spool.retry(ids.length === 0 ? "all" : ids)
    if (count === 0) return yield* new StartupError({ message: "Nothing is in quarantine by these numbers." })
    yield* Console.log(`${count} will be uploaded again.`)
  }),
).pipe(Command.withDescription("Let refused samples be uploaded again, when the reason is gone"))

export const quarantine = Command.make("quarantine").pipe(
  Command.withDescription("What the server refused"),
  Command.withSubcommands([list, retry]),
)
