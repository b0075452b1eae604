import { Args, Command, Options } from "@effect/cli"
import { Console, Effect, Redacted } from "effect"
import { defaultZone, Device, ZoneName } from "../../domain/index.ts"
import * as Admin from "../Admin.ts"
import { checked, json } from "./Arguments.ts"

const add = Command.make(
  "add",
  {
    name: Args.text({ name: "NAME" }),
    zone: Options.text("zone").pipe(
      Options.withDefault(defaultZone),
      Options.withDescription("The IANA zone of its days and months"),
    ),
    json,
  },
  ({ json, name, zone }) =>
    Effect.gen(function* () {
      const device = {
        name: yield* checked("NAME", Device.fields.name, name),
        zone: yield* checked("--zone", ZoneName, zone),
      }
      const { deviceId, token } = yield* Admin.addDevice(device.name, device.zone)
      yield* Console.log(
        json
          ? JSON.stringify({ device_id: deviceId, token: Redacted.value(token) })
          : `Device ${deviceId}. Its token, shown only now:\n${Redacted.value(token)}`,
      )
    }),
).pipe(Command.withDescription("Add a device and print the token that writes its samples"))

export const devices = Command.make("devices").pipe(Command.withSubcommands([add]))
