import { Args, Command, Options } from "@effect/cli"
import { Console, DateTime, Effect, Option } from "effect"
import { DeviceId, type Device, LocalDate, rangeOfFrame, zoneNamed } from "../../domain/index.ts"
import { Registry, Store, StoreAdmin } from "../../domain/ports/index.ts"
import { UnknownDevice } from "../Admin.ts"
import { checked, json } from "./Arguments.ts"

const day = (name: string, description: string) =>
  Options.text(name).pipe(Options.optional, Options.withDescription(`${description}, YYYY-MM-DD in the device's zone`))

const edge = (argument: string, text: string, device: Device, side: "fromMs" | "toMs") =>
  Effect.gen(function* () {
    const date = yield* checked(argument, LocalDate, text)
    const zone = yield* Effect.orDie(zoneNamed(device.zone))
    return rangeOfFrame("day", date, zone)[side]
  })

/** What is not said is everything that is there, up to now. */
const rangeFor = (device: Device, from: Option.Option<string>, to: Option.Option<string>) =>
  Effect.gen(function* () {
    const { extent } = yield* Store
    const known = yield* extent(device.deviceId)
    const nowMs = (yield* DateTime.now).epochMillis
    const whole = Option.getOrElse(known, () => ({ fromMs: nowMs, toMs: nowMs }))
    return {
      fromMs: yield* Option.match(from, {
        onNone: () => Effect.succeed(whole.fromMs),
        onSome: (text) => edge("--from", text, device, "fromMs"),
      }),
      toMs: yield* Option.match(to, {
        onNone: () => Effect.succeed(whole.toMs),
        onSome: (text) => edge("--to", text, device, "toMs"),
      }),
    }
  })

export const recompute = Command.make(
  "recompute",
  {
    device: Args.text({ name: "DEVICE" }),
    from: day("from", "The first day; without it all days"),
    to: day("to", "The last day"),
    json,
  },
  ({ device: name, from, json, to }) =>
    Effect.gen(function* () {
      const deviceId = yield* checked("DEVICE", DeviceId, name)
      const { findDevice } = yield* Registry
      const device = yield* Effect.flatMap(
        findDevice(deviceId),
        Effect.mapError(() => new UnknownDevice({ deviceId })),
      )
      const admin = yield* StoreAdmin
      const { changed, quarterHours } = yield* admin.recompute(deviceId, yield* rangeFor(device, from, to))
      yield* Console.log(
        json
          ? JSON.stringify({ device_id: deviceId, quarter_hours: quarterHours, changed })
          : `${quarterHours} quarter-hours of ${deviceId} were decided again from its samples; ${changed} were otherwise.`,
      )
    }),
).pipe(Command.withDescription("Decide a device's quarter-hours again from its raw samples"))
