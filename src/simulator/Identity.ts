import { FileSystem, Path } from "@effect/platform"
import { Context, Effect, Layer, Option, Redacted, Schema } from "effect"
import { randomBytes } from "node:crypto"
import { type Certificates, makeCertificates } from "./Certificates.ts"
import { cannotUse, forEveryone, ownerOnly, replaceFile } from "./Files.ts"

/** Twelve small hexadecimal digits, as a device's Wi-Fi address without separators. */
export const Serial = Schema.String.pipe(
  Schema.pattern(/^[0-9a-f]{12}$/, { message: () => "expected 12 hexadecimal digits in small letters" }),
)

/** 32 hexadecimal digits in capitals. */
export const DeviceToken = Schema.String.pipe(
  Schema.pattern(/^[0-9A-F]{32}$/, { message: () => "expected 32 hexadecimal digits in capitals" }),
)

/** Who the meter is: what a client has to know to trust it and to be let in. */
export class MeterIdentity extends Context.Tag("simulator/MeterIdentity")<
  MeterIdentity,
  Certificates & { readonly serial: string; readonly token: Redacted.Redacted }
>() {}

const Kept = Schema.parseJson(
  Schema.Struct({
    serial: Serial,
    token: DeviceToken,
    caPem: Schema.String,
    caKeyPem: Schema.String,
    leafPem: Schema.String,
    leafKeyPem: Schema.String,
  }),
)
type Kept = typeof Kept.Type

const fresh = (serial: string): Effect.Effect<Kept> =>
  Effect.sync(() => ({ serial, token: randomBytes(16).toString("hex").toUpperCase(), ...makeCertificates(serial) }))

const kept = Effect.fn("MeterIdentity.kept")(function* (serial: string, folder: string) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const file = path.join(folder, "identity.json")
  const found = yield* fs.readFileString(file).pipe(
    Effect.flatMap(Schema.decode(Kept)),
    Effect.filterOrFail((identity) => identity.serial === serial),
    Effect.option,
  )
  const identity = Option.isSome(found) ? found.value : yield* fresh(serial)
  if (Option.isNone(found)) yield* replaceFile(file, yield* Effect.orDie(Schema.encode(Kept)(identity)), ownerOnly)
  yield* replaceFile(path.join(folder, "ca.pem"), identity.caPem, forEveryone)
  return identity
})

export interface IdentityOptions {
  readonly serial: string
  /** Used instead of a generated one. */
  readonly token: Option.Option<Redacted.Redacted>
  /** Where certificates and token stay the same from run to run; `ca.pem` there is what clients may trust. */
  readonly folder: Option.Option<string>
}

export const layer = ({ serial, token, folder }: IdentityOptions) =>
  Layer.effect(
    MeterIdentity,
    Option.match(folder, {
      onNone: () => fresh(serial),
      onSome: (path) => Effect.catchAll(kept(serial, path), (error) => cannotUse(path, error)),
    }).pipe(
      Effect.map((identity) => ({
        ...identity,
        token: Option.getOrElse(token, () => Redacted.make(identity.token)),
      })),
    ),
  )
