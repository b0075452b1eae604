import { Options } from "@effect/cli"

/** For scripts: what a command prints, as JSON. */
export const json = Options.boolean("json").pipe(Options.withDescription("Print one JSON object"))

export const host = Options.text("host").pipe(
  Options.withDescription("The meter's address, host or host:port; HW_P1_HOST or the only meter found where left out"),
  Options.optional,
)
