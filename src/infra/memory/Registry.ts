import { Array as Arr, DateTime, Effect, Layer, Option, Order } from "effect"
import { type Device, type DeviceId, maxDeviceTokens, type TokenRecord, useNotedEveryMs } from "../../domain/index.ts"
import { DeviceExists, Registry, type TokenSummary, TooManyTokens } from "../../domain/ports/index.ts"

type Kept = TokenRecord & TokenSummary

const byId = Order.mapInput(Order.string, ({ deviceId }: Device) => deviceId)
const isActive = ({ revokedAt }: Kept): boolean => revokedAt === null
const summary = ({ sha256: _, ...rest }: Kept): TokenSummary => rest
const record = ({ deviceIds, kind, sha256, tokenId }: Kept): TokenRecord => ({ tokenId, kind, sha256, deviceIds })

/** Devices and tokens of one process, gone with it. */
export const layer: Layer.Layer<Registry> = Layer.sync(Registry, () => {
  const devices = new Map<DeviceId, Device>()
  const tokens = new Map<string, Kept>()
  const change = (tokenId: string, by: (token: Kept) => Kept) =>
    Effect.sync(() => {
      const token = tokens.get(tokenId)
      if (token !== undefined) tokens.set(tokenId, by(token))
    })
  const isFull = (token: TokenRecord): boolean => {
    const rivals = [...tokens.values()].filter((other) => other.kind === "device" && isActive(other))
    return (
      token.kind === "device" && rivals.filter((r) => r.deviceIds[0] === token.deviceIds[0]).length >= maxDeviceTokens
    )
  }
  return Registry.of({
    addDevice: (device) =>
      Effect.suspend(() => {
        if (devices.has(device.deviceId)) return new DeviceExists({ deviceId: device.deviceId })
        devices.set(device.deviceId, device)
        return Effect.void
      }),
    findDevice: (deviceId) => Effect.sync(() => Option.fromNullable(devices.get(deviceId))),
    devices: Effect.sync(() => Arr.sort(devices.values(), byId)),
    renameDevice: (deviceId, name) =>
      Effect.sync(() => {
        const device = devices.get(deviceId)
        if (device !== undefined) devices.set(deviceId, { ...device, name })
      }),
    contents: () => Effect.succeed({}),
    removeDevice: (deviceId) =>
      Effect.sync(() => {
        devices.delete(deviceId)
        for (const token of tokens.values()) {
          const deviceIds = token.deviceIds.filter((id) => id !== deviceId)
          if (deviceIds.length === 0) tokens.delete(token.tokenId)
          else tokens.set(token.tokenId, { ...token, deviceIds })
        }
      }),
    addToken: (token) =>
      Effect.flatMap(DateTime.now, (createdAt) => {
        if (isFull(token)) return new TooManyTokens({ deviceId: token.deviceIds[0] ?? "" })
        tokens.set(token.tokenId, { ...token, createdAt, lastUsedAt: null, revokedAt: null })
        return Effect.void
      }),
    findToken: (tokenId) =>
      Effect.sync(() => Option.map(Option.filter(Option.fromNullable(tokens.get(tokenId)), isActive), record)),
    tokens: Effect.sync(() => [...tokens.values()].map(summary)),
    revokeToken: (tokenId) =>
      Effect.flatMap(DateTime.now, (now) =>
        change(tokenId, (token) => ({ ...token, revokedAt: token.revokedAt ?? now })),
      ),
    noteUse: (tokenId, at) =>
      change(tokenId, (token) =>
        at.epochMillis - (token.lastUsedAt?.epochMillis ?? -Infinity) < useNotedEveryMs
          ? token
          : { ...token, lastUsedAt: at },
      ),
  })
})
