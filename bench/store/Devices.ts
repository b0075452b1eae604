import { DateTime, Effect } from "effect"
import { Registry } from "../../src/domain/ports/index.ts"

const timeZone = "Europe/Brussels"
export const zone = DateTime.zoneUnsafeMakeNamed(timeZone)
export const beganMs = Date.UTC(2026, 8, 1)
export const dayMs = 86_400_000

export const addDevice = (deviceId: string) =>
  Effect.gen(function* () {
    const registry = yield* Registry
    const known = yield* registry.devices
    if (known.some((device) => device.deviceId === deviceId)) return
    yield* registry.addDevice({ deviceId, name: deviceId, zone: timeZone })
  })
