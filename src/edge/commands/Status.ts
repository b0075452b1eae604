import { Command, Options } from "@effect/cli"
import { type Config, Console, DateTime, Effect, Schema } from "effect"
import { readReport, StatusReportText } from "../StatusReport.ts"
import { statusText } from "../StatusText.ts"
import { json } from "./Arguments.ts"

const check = Options.boolean("check").pipe(
  Options.withDescription("Only say whether an edge runs, by the exit code too: for health checks"),
)

/** `status`: reads the file that a running edge keeps at `path`. */
export const status = (path: Config.Config<string>) =>
  Command.make("status", { check, json }, (options) =>
    Effect.gen(function* () {
      const report = yield* readReport(yield* path)
      if (options.check) return yield* Console.log("The edge runs.")
      if (options.json) return yield* Effect.flatMap(Schema.encode(StatusReportText)(report), Console.log)
      yield* Console.log(statusText(report, yield* DateTime.now))
    }),
  ).pipe(Command.withDescription("Show what the edge that runs here is doing"))
