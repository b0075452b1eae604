import { Args, Command, Options, Prompt } from "@effect/cli"
import { Terminal } from "@effect/platform"
import { Effect } from "effect"
import { DeviceId } from "../../domain/index.ts"
import { Registry } from "../../domain/ports/index.ts"
import { StartupError } from "../../infra/process/index.ts"
import * as Admin from "../Admin.ts"
import { checked, json } from "./Arguments.ts"
import { print } from "./Printed.ts"

/** `1,200 samples, 4 quarter hours`. */
const inWords = (contents: Readonly<Record<string, number>>): string => {
  const parts = Object.entries(contents).map(
    ([what, count]) => `${count.toLocaleString("en")} ${what.replaceAll("_", " ")}`,
  )
  return parts.length === 0 ? "nothing stored yet" : parts.join(", ")
}

const kept = (deviceId: DeviceId) =>
  new StartupError({ message: `Device ${deviceId} was left as it is: say --yes to delete it.` })

/** Asks a person; where nobody can be asked the answer is no. */
const confirmed = (message: string) =>
  Effect.gen(function* () {
    const terminal = yield* Terminal.Terminal
    return (yield* terminal.isTTY) && (yield* Prompt.run(Prompt.confirm({ message, initial: false })))
  }).pipe(Effect.catchTag("QuitException", () => Effect.succeed(false)))

export const remove = Command.make(
  "remove",
  {
    device: Args.text({ name: "DEVICE" }),
    yes: Options.boolean("yes").pipe(Options.withDescription("Delete without asking")),
    json,
  },
  ({ device, json, yes }) =>
    Effect.gen(function* () {
      const registry = yield* Registry
      const { deviceId, name } = yield* Admin.findDevice(yield* checked("DEVICE", DeviceId, device))
      const contents = yield* registry.contents(deviceId)
      const what = `device ${deviceId} (${name}) with ${inWords(contents)}, and its tokens`
      const go = yes || (yield* confirmed(`Delete ${what}? There is no way back.`))
      if (!go) return yield* kept(deviceId)
      yield* registry.removeDevice(deviceId)
      yield* print(json, { device_id: deviceId, deleted: contents }, `Deleted ${what}.`)
    }),
).pipe(Command.withDescription("Delete a device with everything that is stored of it"))
