import { Effect, Layer, Option } from "effect"
import type { Device, DeviceId, TokenRecord } from "../../domain/index.ts"
import { DeviceExists, Registry } from "../../domain/ports/index.ts"

/** Devices and tokens of one process, gone with it. */
export const layer: Layer.Layer<Registry> = Layer.sync(Registry, () => {
  const devices = new Map<DeviceId, Device>()
  const tokens = new Map<string, TokenRecord>()
  return Registry.of({
    addDevice: (device) =>
      Effect.suspend(() => {
        if (devices.has(device.deviceId)) return new DeviceExists({ deviceId: device.deviceId })
        devices.set(device.deviceId, device)
        return Effect.void
      }),
    findDevice: (deviceId) => Effect.sync(() => Option.fromNullable(devices.get(deviceId))),
    devices: Effect.sync(() => [...devices.values()].sort((a, b) => (a.deviceId < b.deviceId ? -1 : 1))),
    addToken: (token) => Effect.sync(() => tokens.set(token.tokenId, token)).pipe(Effect.asVoid),
    findToken: (tokenId) => Effect.sync(() => Option.fromNullable(tokens.get(tokenId))),
  })
})
