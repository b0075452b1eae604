import { Command, Options } from "@effect/cli"
import { FileSystem } from "@effect/platform"
import { type Config, Console, DateTime, Duration, Effect, Option, Schema } from "effect"
import { StartupError } from "../../infra/process/index.ts"
import { statusEvery, StatusFileText, type StatusReport } from "../StatusFile.ts"
import { lasting, statusText } from "../StatusText.ts"
import { json } from "./Arguments.ts"

/** A report that is older is the last word of an edge that no longer runs. */
const staleAfter = Duration.times(statusEvery, 6)

const ageOf = ({ at }: StatusReport) => Effect.map(DateTime.now, (now) => DateTime.distanceDuration(at, now))

/** What the running edge last said of itself; fails when none runs. */
const readReport = (path: string) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const report = yield* Effect.option(Effect.flatMap(fs.readFileString(path), Schema.decode(StatusFileText)))
    if (Option.isNone(report)) {
      return yield* new StartupError({ message: `No edge runs here (there is no ${path}): start it with p1-edge run.` })
    }
    const age = yield* ageOf(report.value)
    if (Duration.greaterThan(age, staleAfter)) {
      return yield* new StartupError({
        message: `The edge has said nothing for ${lasting(Duration.toSeconds(age))}: see whether it still runs.`,
      })
    }
    return report.value
  })

const check = Options.boolean("check").pipe(
  Options.withDescription("Only say whether an edge runs, by the exit code too: for health checks"),
)

/** `status`: reads the file that a running edge keeps at `path`. */
export const status = (path: Config.Config<string>) =>
  Command.make("status", { check, json }, (options) =>
    Effect.gen(function* () {
      const report = yield* readReport(yield* path)
      if (options.check) return yield* Console.log("The edge runs.")
      if (options.json) return yield* Effect.flatMap(Schema.encode(StatusFileText)(report), Console.log)
      yield* Console.log(statusText(report, yield* DateTime.now))
    }),
  ).pipe(Command.withDescription("Show what the edge that runs here is doing"))
