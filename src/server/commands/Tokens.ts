import { Args, Command, Options } from "@effect/cli"
import { DateTime, Effect, Option, Redacted } from "effect"
import { DeviceId, type Instant } from "../../domain/index.ts"
import { Registry, type TokenSummary } from "../../domain/ports/index.ts"
import * as Admin from "../Admin.ts"
import { checked, json } from "./Arguments.ts"
import { minute, print, table } from "./Printed.ts"

const tokenId = Args.text({ name: "TOKEN" }).pipe(
  Args.withDescription("Its public id, as `tokens list` shows it: the ten letters after p1d_ or p1r_"),
)

const add = Command.make(
  "add",
  {
    first: Options.text("read").pipe(Options.withDescription("A device that it may read; more may follow")),
    others: Args.text({ name: "DEVICE" }).pipe(Args.repeated),
    json,
  },
  ({ first, json, others }) =>
    Effect.gen(function* () {
      const devices = yield* Effect.forEach([first, ...others], (name) => checked("DEVICE", DeviceId, name))
      const token = yield* Admin.addReadToken(devices)
      yield* print(
        json,
        { device_ids: devices, token: Redacted.value(token) },
        `A read token for ${devices.join(", ")}, shown only now:\n${Redacted.value(token)}`,
      )
    }),
).pipe(Command.withDescription("Add a token that reads devices and print it"))

const iso = (instant: Instant | null) => Option.map(Option.fromNullable(instant), DateTime.formatIso)

const line = ({ createdAt, deviceIds, kind, lastUsedAt, revokedAt, tokenId }: TokenSummary): ReadonlyArray<string> => [
  tokenId,
  kind,
  deviceIds.join(", "),
  minute(iso(createdAt), ""),
  minute(iso(lastUsedAt), "never"),
  minute(iso(revokedAt), ""),
]

const asJson = ({ createdAt, deviceIds, kind, lastUsedAt, revokedAt, tokenId }: TokenSummary) => ({
  token_id: tokenId,
  kind,
  device_ids: deviceIds,
  created_at: DateTime.formatIso(createdAt),
  last_used_at: Option.getOrNull(iso(lastUsedAt)),
  revoked_at: Option.getOrNull(iso(revokedAt)),
})

const list = Command.make("list", { json }, ({ json }) =>
  Effect.gen(function* () {
    const registry = yield* Registry
    const all = yield* registry.tokens
    yield* print(
      json,
      { tokens: all.map(asJson) },
      all.length === 0
        ? "There are no tokens yet: `p1-api devices add NAME` makes a device and its token."
        : table([["TOKEN", "KIND", "DEVICES", "MADE", "LAST USED", "REVOKED"], ...all.map(line)]),
    )
  }),
).pipe(Command.withDescription("List the tokens and when each was last used"))

const revoke = Command.make("revoke", { tokenId, json }, ({ json, tokenId }) =>
  Effect.gen(function* () {
    yield* Admin.revokeToken(tokenId)
    yield* print(json, { token_id: tokenId }, `Token ${tokenId} is revoked; within 5 seconds no server takes it.`)
  }),
).pipe(Command.withDescription("End a token"))

const rotate = Command.make("rotate", { tokenId, json }, ({ json, tokenId }) =>
  Effect.gen(function* () {
    const { deviceIds, kind, token } = yield* Admin.rotateToken(tokenId)
    yield* print(
      json,
      { kind, device_ids: deviceIds, token: Redacted.value(token), replaces: tokenId },
      `A new ${kind} token for ${deviceIds.join(", ")}, shown only now:\n${Redacted.value(token)}\n` +
        `The old one works until \`p1-api tokens revoke ${tokenId}\`.`,
    )
  }),
).pipe(Command.withDescription("Make a new token for the same, beside the old one"))

export const tokens = Command.make("tokens").pipe(
  Command.withDescription("What may send and what may read"),
  Command.withSubcommands([add, list, revoke, rotate]),
)
