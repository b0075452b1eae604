import { Args, Command, Options } from "@effect/cli"
import { Effect, Option } from "effect"
import { Country, DeviceId, GridZone, type Place, regionOf, withoutPeakTariff } from "../../domain/index.ts"
import { Store } from "../../domain/ports/index.ts"
import * as Admin from "../Admin.ts"
import { checked, json } from "./Arguments.ts"
import { print } from "./Printed.ts"

/** Where a device is, for its bill. */
export const placeOptions = {
  country: Options.text("country").pipe(
    Options.optional,
    Options.withDescription("The country whose rules its bill follows, such as BE or NL; BE unless told"),
  ),
  gridZone: Options.choice("grid-zone", GridZone.literals).pipe(
    Options.optional,
    Options.withDescription("In Belgium, whose network it is on"),
  ),
}

interface Told {
  readonly country: Option.Option<string>
  readonly gridZone: Option.Option<GridZone>
}

/** What was told of a place, or one line that says what is wrong with it. */
export const checkedPlace = ({ country, gridZone }: Told) =>
  Effect.map(
    Effect.transposeMapOption(country, (text) => checked("--country", Country, text.toUpperCase())),
    (country) => ({ country, gridZone }),
  )

/** Keeps what was told of a device's place, and what was not told as it is. */
export const setPlace = (deviceId: DeviceId, told: Told) =>
  Effect.gen(function* () {
    const store = yield* Store
    const { country, gridZone } = yield* checkedPlace(told)
    const before = yield* store.place(deviceId)
    const place: Place = {
      country: Option.getOrElse(country, () => before.country),
      gridZone: Option.getOrElse(gridZone, () => before.gridZone),
    }
    if (Option.isSome(country) || Option.isSome(gridZone)) yield* store.setPlace(deviceId, place)
    return place
  })

/** `p1-api devices edit DEVICE --country BE --grid-zone west`. */
export const edit = Command.make(
  "edit",
  { device: Args.text({ name: "DEVICE" }), ...placeOptions, json },
  ({ device, json, ...told }) =>
    Effect.gen(function* () {
      const { deviceId } = yield* Admin.findDevice(yield* checked("DEVICE", DeviceId, device))
      const place = yield* setPlace(deviceId, told)
      const region = regionOf(place)
      yield* print(
        json,
        { device_id: deviceId, country: place.country, grid_zone: place.gridZone, region },
        `Device ${deviceId} is in ${place.country}, grid zone ${place.gridZone ?? "not set"}. ` +
          (withoutPeakTariff(region) ?? "Its costs are told by the capacity tariff of that zone."),
      )
    }),
).pipe(Command.withDescription("Say whose network tariff a device pays"))
