import { HttpApiBuilder } from "@effect/platform"
import { Array as Arr, Effect, Option, Order } from "effect"
import { CurrentReader, P1Api } from "../domain/api/index.ts"
import type { DeviceId, Devices } from "../domain/index.ts"
import { Store } from "../domain/ports/index.ts"
import { Lookups } from "./Lookups.ts"
import { orUnavailable } from "./Problems.ts"

const deviceView = (deviceId: DeviceId) =>
  Effect.gen(function* () {
    const found = yield* (yield* Lookups).device(deviceId)
    if (Option.isNone(found)) return Option.none<Devices["devices"][number]>()
    const { name, zone } = found.value
    return Option.some({ deviceId, name, timezone: zone, ...(yield* (yield* Store).place(deviceId)) })
  })

const devices = Effect.gen(function* () {
  const { deviceIds } = yield* CurrentReader
  const found = yield* orUnavailable(
    Effect.forEach(Arr.sort(deviceIds, Order.string), deviceView, { concurrency: "unbounded" }),
  )
  const reply: Devices = { devices: Arr.getSomes(found) }
  return reply
})

/** `GET /v1/devices`. */
export const layer = HttpApiBuilder.group(P1Api, "devices", (handlers) => handlers.handle("list", () => devices))
