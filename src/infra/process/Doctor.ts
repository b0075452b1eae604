import { Command, Options } from "@effect/cli"
import { Chunk, ConfigError, Console, Effect, type Layer, type Scope, Stream } from "effect"
import { describeConfigError } from "./RunProgram.ts"
import { StartupError } from "./StartupError.ts"

/** One thing that must be right: gives what was found, or fails with what is wrong and the remedy. */
export interface Check<R> {
  readonly name: string
  readonly run: Effect.Effect<string, { readonly message: string }, R>
}

/** What was found: fine; something to know; something that must be put right, and how. */
export interface Finding {
  readonly name: string
  readonly verdict: "ok" | "warning" | "failed"
  readonly said: string
}

/** A check on parts of its own: that they cannot be had is what it finds. */
export const provideCheck = <R, E extends { readonly message: string }, RIn>(
  { name, run }: Check<R>,
  layer: Layer.Layer<R, E, RIn>,
): Check<RIn> => ({ name, run: Effect.provide(run, layer) })

/** An expected error of any kind in a sentence. */
export const sentence = (error: { readonly message: string }): string =>
  ConfigError.isConfigError(error) ? describeConfigError(error) : error.message

/** Runs every check, whatever the others find. */
export const findingsOf = <R>(checks: ReadonlyArray<Check<R>>): Stream.Stream<Finding, never, R> =>
  Stream.mapEffect(Stream.fromIterable(checks), ({ name, run }) =>
    Effect.match(run, {
      onFailure: (error): Finding => ({ name, verdict: "failed", said: sentence(error) }),
      onSuccess: (said): Finding => ({ name, verdict: "ok", said }),
    }),
  )

const mark = { ok: "ok", warning: "warning", failed: "FAILED" } as const
const line = ({ name, said, verdict }: Finding): string => `${mark[verdict].padEnd(9)}${name.padEnd(14)}${said}`

/** Prints each finding when it is there, or all as JSON, and fails if something must be put right. */
export const report = <E, R>(findings: Stream.Stream<Finding, E, R>, options: { readonly json: boolean }) =>
  Effect.gen(function* () {
    const all = yield* findings.pipe(
      Stream.tap((finding) => Effect.unless(Console.log(line(finding)), () => options.json)),
      Stream.runCollect,
      Effect.map(Chunk.toReadonlyArray),
    )
    if (options.json) {
      yield* Console.log(JSON.stringify(all.map((finding) => ({ ...finding, ok: finding.verdict !== "failed" }))))
    }
    const failed = all.filter(({ verdict }) => verdict === "failed").length
    if (failed > 0) return yield* new StartupError({ message: `${failed} of ${all.length} checks failed.` })
  })

const json = Options.boolean("json").pipe(Options.withDescription("Print JSON"))

/** `doctor`: runs every check, whatever the others find, says what was found, and fails if any failed. */
export const doctor = <E, R>(description: string, checks: Effect.Effect<ReadonlyArray<Check<R>>, E, R | Scope.Scope>) =>
  Command.make("doctor", { json }, (options) =>
    Effect.flatMap(checks, (all) => report(findingsOf(all), options)).pipe(Effect.scoped),
  ).pipe(Command.withDescription(description))
