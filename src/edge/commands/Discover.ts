import { Command } from "@effect/cli"
import { Console, Effect, Option } from "effect"
import { type FoundMeter, MeterDiscovery } from "../../domain/ports/index.ts"
import { json } from "./Options.ts"

const searchFor = "5 seconds"

const none =
  "No P1 meter answers. Multicast does not cross from one network to another: a fixed address in HW_P1_HOST always works."

const line = ({ host, name, port, problem, serial }: FoundMeter): string =>
  Option.match(problem, {
    onNone: () => `${host}  ${name}, serial ${serial}`,
    onSome: (why) => `${host}:${port}  claims to be a P1 meter with serial ${serial}, but ${why}`,
  })

/** Lists the P1 meters that announce themselves on the local network, and what only claims to be one. */
export const discover = Command.make("discover", { json }, ({ json }) =>
  Effect.gen(function* () {
    const { find } = yield* MeterDiscovery
    const found = yield* find(searchFor)
    yield* Console.log(
      json
        ? JSON.stringify(found.map((meter) => ({ ...meter, problem: Option.getOrNull(meter.problem) })))
        : found.length === 0
          ? none
          : found.map(line).join("\n"),
    )
  }),
).pipe(Command.withDescription("List the P1 meters on the local network"))
