import { HttpApiBuilder } from "@effect/platform"
import { Array as Arr, Effect, Order } from "effect"
import { CurrentReader, P1Api } from "../domain/api/index.ts"
import type { Devices } from "../domain/index.ts"
import { Lookups } from "./Lookups.ts"
import { orUnavailable } from "./Problems.ts"

const devices = Effect.gen(function* () {
  const { deviceIds } = yield* CurrentReader
  const { device } = yield* Lookups
  const found = yield* orUnavailable(
    Effect.forEach(Arr.sort(deviceIds, Order.string), device, { concurrency: "unbounded" }),
  )
  const reply: Devices = {
    devices: Arr.getSomes(found).map(({ deviceId, name, zone }) => ({ deviceId, name, timezone: zone })),
  }
  return reply
})

/** `GET /v1/devices`. */
export const layer = HttpApiBuilder.group(P1Api, "devices", (handlers) => handlers.handle("list", () => devices))
