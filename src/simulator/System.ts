import { Clock, Context, Effect, Either, Layer, PubSub, Ref, Schema } from "effect"
import { badRequest, type Refusal } from "./Refusal.ts"

const writable = {
  cloud_enabled: Schema.Boolean,
  status_led_brightness_pct: Schema.Int.pipe(Schema.between(0, 100)),
  api_v1_enabled: Schema.Boolean,
}
type Settings = Schema.Struct.Type<typeof writable>

/** The JSON of `GET /api/system`. */
export interface SystemJson extends Settings {
  readonly wifi_ssid: string
  readonly wifi_rssi_db: number
  readonly uptime_s: number
}

/** How long a restart takes, milliseconds. */
const restartMs = 3_000

/** The dongle itself: its settings, its uptime, its restarts. */
export class MeterSystem extends Context.Tag("simulator/MeterSystem")<
  MeterSystem,
  {
    readonly read: Effect.Effect<SystemJson>
    readonly write: (json: unknown) => Effect.Effect<SystemJson, Refusal>
    readonly restart: Effect.Effect<void>
    readonly restarting: Effect.Effect<boolean>
    readonly restarts: PubSub.PubSub<"restart">
    readonly changes: PubSub.PubSub<"system">
  }
>() {}

/** The settings that a document changes. Fields that cannot be written are none. */
const changesOf = (json: unknown): Either.Either<Partial<Settings>, Refusal> => {
  const given = Object.entries(writable).flatMap(([name, schema]) => {
    const value = typeof json === "object" && json !== null ? Reflect.get(json, name) : undefined
    return value === undefined ? [] : [{ name, schema: schema as Schema.Schema<boolean | number>, value }]
  })
  if (given.length === 0) return Either.left(badRequest("json:no-parameters-recognized"))
  const wrong = given.find(({ schema, value }) => !Schema.is(schema)(value))
  if (wrong !== undefined) return Either.left(badRequest(`json:parameter-invalid-type:${wrong.name}`))
  return Either.right(Object.fromEntries(given.map(({ name, value }) => [name, value])))
}

export const layer = ({ v1Enabled }: { readonly v1Enabled: boolean }): Layer.Layer<MeterSystem> =>
  Layer.effect(
    MeterSystem,
    Effect.gen(function* () {
      const startedAtMs = yield* Ref.make(yield* Clock.currentTimeMillis)
      const changes = yield* PubSub.unbounded<"system">()
      const restarts = yield* PubSub.unbounded<"restart">()
      const settings = yield* Ref.make<Settings>({
        cloud_enabled: true,
        status_led_brightness_pct: 100,
        api_v1_enabled: v1Enabled,
      })
      const read = Effect.gen(function* () {
        const uptimeMs = (yield* Clock.currentTimeMillis) - (yield* Ref.get(startedAtMs))
        return {
          wifi_ssid: "Home",
          wifi_rssi_db: -58,
          uptime_s: Math.max(0, Math.floor(uptimeMs / 1000)),
          ...(yield* Ref.get(settings)),
        }
      })
      return MeterSystem.of({
        read,
        write: (json) =>
          Effect.gen(function* () {
            const change = yield* changesOf(json)
            yield* Ref.update(settings, (all) => ({ ...all, ...change }))
            yield* PubSub.publish(changes, "system")
            return yield* read
          }),
        restart: Effect.flatMap(Clock.currentTimeMillis, (nowMs) => Ref.set(startedAtMs, nowMs + restartMs)).pipe(
          Effect.zipRight(PubSub.publish(restarts, "restart")),
          Effect.asVoid,
        ),
        restarts,
        restarting: Effect.zipWith(Clock.currentTimeMillis, Ref.get(startedAtMs), (nowMs, atMs) => nowMs < atMs),
        changes,
      })
    }),
  )
