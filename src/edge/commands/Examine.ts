import { Command } from "@effect/cli"
import { Chunk, Console, type DateTime, Effect, Stream } from "effect"
import { StartupError } from "../../infra/process/index.ts"
import { conformance, type NamedFinding } from "../conformance/index.ts"
import { json } from "./Arguments.ts"

const mark = { ok: "ok     ", warning: "warning", failed: "FAILED " } as const

const line = ({ name, said, verdict }: NamedFinding): string => `${mark[verdict]}  ${name.padEnd(13)}${said}`

/** `examine`: asks the meter everything that the edge relies on, and says what is not as it should be. */
export const examine = <E>(zone: Effect.Effect<DateTime.TimeZone, E>) =>
  Command.make("examine", { json }, (options) =>
    Effect.gen(function* () {
      const findings = yield* conformance({ zone: yield* zone }).pipe(
        Stream.tap((finding) => Effect.unless(Console.log(line(finding)), () => options.json)),
        Stream.runCollect,
      )
      if (options.json) yield* Console.log(JSON.stringify(Chunk.toReadonlyArray(findings)))
      const failed = Chunk.filter(findings, ({ verdict }) => verdict === "failed").length
      if (failed > 0) return yield* new StartupError({ message: `${failed} of ${findings.length} checks failed.` })
    }),
  ).pipe(Command.withDescription("Examine the meter: certificate, answers, telegram, push, clock; half a minute"))
