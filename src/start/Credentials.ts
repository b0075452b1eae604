import { FileSystem, Path } from "@effect/platform"
import { Effect, Option, Schema } from "effect"
import { defaultZone, DeviceId, parseToken } from "../domain/index.ts"
import { Registry } from "../domain/ports/index.ts"
import { Admin } from "../server/index.ts"

/** What a start needs to go on with the same data: its device and its two tokens. */
const Credentials = Schema.Struct({
  deviceId: DeviceId,
  deviceToken: Schema.Redacted(Schema.String),
  readToken: Schema.Redacted(Schema.String),
})
export type Credentials = typeof Credentials.Type

const CredentialsFile = Schema.parseJson(Credentials)

/** Whether the server at hand knows both tokens: it does not when the database is another one. */
const areKnown = ({ deviceToken, readToken }: Credentials) =>
  Effect.gen(function* () {
    const { findToken } = yield* Registry
    const found = yield* Effect.forEach([deviceToken, readToken], (token) =>
      Option.match(parseToken(token), {
        onNone: () => Effect.succeedNone,
        onSome: ({ tokenId }) => findToken(tokenId),
      }),
    )
    return found.every(Option.isSome)
  })

const makeNew = Effect.gen(function* () {
  const { deviceId, token: deviceToken } = yield* Admin.addDevice("Home", defaultZone)
  const readToken = yield* Effect.orDie(Admin.addReadToken([deviceId]))
  return { deviceId, deviceToken, readToken }
})

/** The credentials that an earlier start left in a folder, or new ones, kept there readable by this user only. */
export const loadOrMake = (dataDir: string) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const file = (yield* Path.Path).join(dataDir, "start.json")
    const kept = yield* fs.readFileString(file).pipe(Effect.flatMap(Schema.decode(CredentialsFile)), Effect.option)
    if (Option.isSome(kept) && (yield* areKnown(kept.value))) return kept.value
    const made = yield* makeNew
    yield* fs.writeFileString(file, yield* Effect.orDie(Schema.encode(CredentialsFile)(made)), { mode: 0o600 })
    return made
  })
