import { Options } from "@effect/cli"

/** For scripts. */
export const json = Options.boolean("json").pipe(Options.withDescription("Print JSON"))
