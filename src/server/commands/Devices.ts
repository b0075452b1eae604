import { Args, Command, Options } from "@effect/cli"
import { Effect, Redacted } from "effect"
import { defaultZone, Device, DeviceId, ZoneName } from "../../domain/index.ts"
import { Registry } from "../../domain/ports/index.ts"
import * as Admin from "../Admin.ts"
import { checked, json } from "./Arguments.ts"
import { checkedPlace, edit, placeOptions, setPlace } from "./Place.ts"
import { print, table } from "./Printed.ts"
import { remove } from "./RemoveDevice.ts"

const add = Command.make(
  "add",
  {
    name: Args.text({ name: "NAME" }),
    zone: Options.text("zone").pipe(
      Options.withDefault(defaultZone),
      Options.withDescription("The IANA zone of its days and months"),
    ),
    ...placeOptions,
    json,
  },
  ({ json, name, zone, ...told }) =>
    Effect.gen(function* () {
      const device = {
        name: yield* checked("NAME", Device.fields.name, name),
        zone: yield* checked("--zone", ZoneName, zone),
      }
      yield* checkedPlace(told)
      const { deviceId, token } = yield* Admin.addDevice(device.name, device.zone)
      yield* setPlace(deviceId, told)
      yield* print(
        json,
        { device_id: deviceId, token: Redacted.value(token) },
        `Device ${deviceId}. Its token, shown only now:\n${Redacted.value(token)}`,
      )
    }),
).pipe(Command.withDescription("Add a device and print the token that writes its samples"))

const list = Command.make("list", { json }, ({ json }) =>
  Effect.gen(function* () {
    const registry = yield* Registry
    const devices = yield* registry.devices
    yield* print(
      json,
      { devices: devices.map(({ deviceId, name, zone }) => ({ device_id: deviceId, name, timezone: zone })) },
      devices.length === 0
        ? "There are no devices yet: `p1-api devices add NAME` adds one."
        : table([["DEVICE", "NAME", "ZONE"], ...devices.map(({ deviceId, name, zone }) => [deviceId, name, zone])]),
    )
  }),
).pipe(Command.withDescription("List the devices"))

const rename = Command.make(
  "rename",
  { device: Args.text({ name: "DEVICE" }), name: Args.text({ name: "NAME" }), json },
  ({ device, json, name }) =>
    Effect.gen(function* () {
      const deviceId = yield* checked("DEVICE", DeviceId, device)
      const given = yield* checked("NAME", Device.fields.name, name)
      yield* Admin.renameDevice(deviceId, given)
      yield* print(json, { device_id: deviceId, name: given }, `Device ${deviceId} is called ${given} now.`)
    }),
).pipe(Command.withDescription("Give a device another name; its id stays"))

export const devices = Command.make("devices").pipe(
  Command.withDescription("The meters that may send samples"),
  Command.withSubcommands([add, list, rename, edit, remove]),
)
