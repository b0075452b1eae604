import { FileSystem, Path } from "@effect/platform"
import { Context, Effect, Layer, Option, PubSub, Redacted, Ref, Schema } from "effect"
import { randomBytes } from "node:crypto"
import { MeterControls } from "./Controls.ts"
import { ownerOnly, replaceFile } from "./Files.ts"
import { DeviceToken, MeterIdentity } from "./Identity.ts"
import { badRequest, Refusal } from "./Refusal.ts"
import { userName } from "./UserNames.ts"

/** How many users the device has room for; the true number is not documented. */
export const roomForUsers = 16

const User = Schema.Struct({ name: Schema.String, token: DeviceToken })
type User = typeof User.Type
const Kept = Schema.parseJson(Schema.Array(User))

/** The name that the simulated meter's first token belongs to. */
export const firstUser = "local/simulator"

/** What the user list says: `current` only on the caller's own entry. */
export interface UserJson {
  readonly name: string
  readonly current?: true
}

/** Who may ask the meter: names and their tokens. */
export class MeterUsers extends Context.Tag("simulator/MeterUsers")<
  MeterUsers,
  {
    readonly knows: (token: string) => Effect.Effect<boolean>
    readonly list: (caller: string) => Effect.Effect<ReadonlyArray<UserJson>>
    /** Makes a user after a press of the button; a name that exists gets a new token, and its old one is dead. */
    readonly create: (name: unknown) => Effect.Effect<User, Refusal>
    /** Removes a user; the caller himself where no name is given. */
    readonly remove: (caller: string, name: unknown) => Effect.Effect<void, Refusal>
    readonly changes: PubSub.PubSub<"user">
  }
>() {}

const freshToken = Effect.sync(() => randomBytes(16).toString("hex").toUpperCase())

const make = Effect.fn("MeterUsers.make")(function* (folder: Option.Option<string>) {
  const controls = yield* MeterControls
  const { token } = yield* MeterIdentity
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const context = yield* Effect.context<FileSystem.FileSystem | Path.Path>()
  const file = Option.map(folder, (name) => path.join(name, "users.json"))
  const found = yield* Effect.transposeMapOption(file, (name) =>
    fs.readFileString(name).pipe(Effect.flatMap(Schema.decode(Kept)), Effect.option),
  )
  const others = Option.getOrElse(Option.flatten(found), (): ReadonlyArray<User> => [])
  const users = yield* Ref.make<ReadonlyArray<User>>([
    { name: firstUser, token: Redacted.value(token) },
    ...others.filter(({ name }) => name !== firstUser),
  ])
  const changes = yield* PubSub.unbounded<"user">()

  const save = Effect.gen(function* () {
    if (Option.isNone(file)) return
    const text = yield* Effect.orDie(Schema.encode(Kept)(yield* Ref.get(users)))
    yield* replaceFile(file.value, text, ownerOnly)
  }).pipe(
    Effect.provide(context),
    Effect.catchAll((error) =>
      Effect.annotateLogs(Effect.logWarning("The meter's users could not be saved"), { cause: error.message }),
    ),
  )
  const keep = (all: ReadonlyArray<User>) =>
    Ref.set(users, all).pipe(Effect.zipRight(save), Effect.zipRight(PubSub.publish(changes, "user")), Effect.asVoid)

  const create = Effect.fn("MeterUsers.create")(function* (json: unknown) {
    const name = yield* userName(json)
    if (!(yield* controls.buttonHolds)) return yield* new Refusal({ status: 403, code: "user:creation-not-enabled" })
    const kept = (yield* Ref.get(users)).filter((user) => user.name !== name)
    if (kept.length >= roomForUsers) return yield* badRequest("user:no-storage")
    const user = { name, token: yield* freshToken }
    yield* controls.releaseButton
    yield* keep([...kept, user])
    return user
  })

  const remove = Effect.fn("MeterUsers.remove")(function* (caller: string, name: unknown) {
    const all = yield* Ref.get(users)
    const gone = all.find((user) => (name === undefined ? user.token === caller : user.name === name))
    if (gone === undefined) return yield* new Refusal({ status: 404, code: "user:not-found" })
    yield* keep(all.filter((user) => user !== gone))
  })

  const oneAtATime = (yield* Effect.makeSemaphore(1)).withPermits(1)
  return MeterUsers.of({
    knows: (caller) => Effect.map(Ref.get(users), (all) => all.some(({ token }) => token === caller)),
    list: (caller) =>
      Effect.map(Ref.get(users), (all) =>
        all.map(({ name, token }) => (token === caller ? { name, current: true as const } : { name })),
      ),
    create: (name) => oneAtATime(create(name)),
    remove: (caller, name) => oneAtATime(remove(caller, name)),
    changes,
  })
})

export const layer = ({ folder }: { readonly folder: Option.Option<string> }) => Layer.effect(MeterUsers, make(folder))
