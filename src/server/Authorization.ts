import { HttpServerRequest } from "@effect/platform"
import { Clock, Effect, Layer, Option, Redacted } from "effect"
import { DeviceAuthorization, Forbidden, ReadAuthorization, Unauthorized } from "../domain/api/index.ts"
import { type DeviceId, parseToken, type TokenKind, type TokenRecord } from "../domain/index.ts"
import { Secrets } from "../domain/ports/index.ts"
import { Guard } from "./Guard.ts"
import { Lookups } from "./Lookups.ts"
import { orUnavailable } from "./Problems.ts"
import { Remembered } from "./Remembered.ts"
import { TokenUse } from "./TokenUse.ts"

/** One answer for tokens that are missing, malformed, unknown, revoked or wrong. */
const unauthorized = new Unauthorized({ detail: "A valid token is needed: Authorization: Bearer …" })

const wrongKind: Record<TokenKind, string> = {
  device: "This needs a device token (p1d_…); a read token only reads.",
  read: "This needs a read token (p1r_…); a device token only sends samples.",
}

/** What an unknown token is compared with, so that it costs what a wrong one costs. */
const nobody: TokenRecord = { tokenId: "", kind: "device", sha256: "0".repeat(64), deviceIds: [] }

/** The library takes any scheme for a bearer's: what is no bearer has no token. */
const bearer = Effect.map(HttpServerRequest.HttpServerRequest, ({ headers }) =>
  Option.fromNullable(/^bearer +(\S+)$/i.exec(headers["authorization"] ?? "")?.[1]).pipe(Option.map(Redacted.make)),
)

/**
 * Asked again later: whether the token that came with the request still reads the device. Of a store that is away
 * nothing is known, and nothing is taken away.
 */
export const stillReads = (deviceId: DeviceId) =>
  Effect.gen(function* () {
    const lookups = yield* Lookups
    const tokenId = Option.map(Option.flatMap(yield* bearer, parseToken), (parsed) => parsed.tokenId)
    return Option.match(tokenId, {
      onNone: () => Effect.succeed(false),
      onSome: (id) =>
        lookups.token(id).pipe(
          Effect.map(Option.exists(({ deviceIds }) => deviceIds.includes(deviceId))),
          Effect.orElseSucceed(() => true),
        ),
    })
  })

const make = Effect.gen(function* () {
  const secrets = yield* Secrets
  const lookups = yield* Lookups
  const guard = yield* Guard
  const tokenUse = yield* TokenUse
  const remembered = yield* Remembered

  const recordOf = (token: Redacted.Redacted) =>
    Effect.gen(function* () {
      const parsed = parseToken(token)
      if (Option.isNone(parsed)) return yield* guard.refuse(unauthorized, Option.none())
      const { tokenId } = parsed.value
      yield* guard.admit(tokenId)
      const found = yield* orUnavailable(lookups.token(tokenId))
      const digest = yield* secrets.sha256(token)
      const same = yield* secrets.equal(digest, Option.getOrElse(found, () => nobody).sha256)
      if (Option.isNone(found) || !same) return yield* guard.refuse(unauthorized, Option.some(tokenId))
      return found.value
    })

  return (kind: TokenKind) =>
    Effect.gen(function* () {
      const token = yield* Effect.flatMap(
        bearer,
        Effect.mapError(() => unauthorized),
      )
      const { headers } = yield* HttpServerRequest.HttpServerRequest
      const header = headers["authorization"] ?? ""
      const record = yield* Effect.tapErrorTag(recordOf(token), "Unauthorized", () =>
        Effect.sync(() => remembered.forget(header)),
      )
      yield* guard.accept(record.tokenId)
      yield* tokenUse.note(record.tokenId)
      if (record.kind !== kind) return yield* new Forbidden({ detail: wrongKind[kind] })
      if (kind === "read") remembered.note(header, record, yield* Clock.currentTimeMillis)
      return record.deviceIds
    })
})

/** The two ways in: device tokens write, read tokens read. */
export const layer: Layer.Layer<
  DeviceAuthorization | ReadAuthorization,
  never,
  Secrets | Lookups | Guard | TokenUse | Remembered
> = Layer.unwrapEffect(
  Effect.map(make, (devicesOf) =>
    Layer.merge(
      Layer.succeed(DeviceAuthorization, {
        deviceToken: () =>
          Effect.flatMap(devicesOf("device"), ([deviceId]) =>
            deviceId === undefined ? Effect.fail(unauthorized) : Effect.succeed(deviceId),
          ),
      }),
      Layer.succeed(ReadAuthorization, {
        readToken: () => Effect.map(devicesOf("read"), (deviceIds) => ({ deviceIds })),
      }),
    ),
  ),
)
