import { Args, Command, Options } from "@effect/cli"
import { Console, Effect, Redacted } from "effect"
import { DeviceId } from "../../domain/index.ts"
import * as Admin from "../Admin.ts"
import { checked, json } from "./Arguments.ts"

const add = Command.make(
  "add",
  {
    first: Options.text("read").pipe(Options.withDescription("A device that it may read; more may follow")),
    others: Args.text({ name: "DEVICE" }).pipe(Args.repeated),
    json,
  },
  ({ first, json, others }) =>
    Effect.gen(function* () {
      const devices = yield* Effect.forEach([first, ...others], (name) => checked("DEVICE", DeviceId, name))
      const token = yield* Admin.addReadToken(devices)
      yield* Console.log(
        json
          ? JSON.stringify({ device_ids: devices, token: Redacted.value(token) })
          : `A read token for ${devices.join(", ")}, shown only now:\n${Redacted.value(token)}`,
      )
    }),
).pipe(Command.withDescription("Add a token that reads devices and print it"))

export const tokens = Command.make("tokens").pipe(Command.withSubcommands([add]))
