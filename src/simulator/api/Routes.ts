import { HttpRouter, HttpServerResponse } from "@effect/platform"
import { Effect, Option, PubSub } from "effect"
import { badRequest } from "../Refusal.ts"
import { SimulatedMeter } from "../SimulatedMeter.ts"
import { MeterSystem } from "../System.ts"
import { MeterUsers } from "../Users.ts"
import { body, caller } from "./Requests.ts"

const json = HttpServerResponse.unsafeJson
const noContent = HttpServerResponse.empty()
const notFound = HttpServerResponse.empty({ status: 404 })

const device = Effect.map(
  Effect.flatMap(SimulatedMeter, (meter) => meter.device),
  (document) => json(document),
)

const measurement = Effect.gen(function* () {
  const meter = yield* SimulatedMeter
  const document = yield* meter.measurement
  yield* PubSub.publish(meter.given, document)
  return json(document)
})

/** The one failure that is not JSON. */
export const telegram = Effect.map(
  Effect.flatMap(SimulatedMeter, (meter) => meter.telegram),
  Option.match({
    onNone: () => HttpServerResponse.text("telegram:no-telegram-received", { status: 503 }),
    onSome: (text) => HttpServerResponse.text(text),
  }),
)

const createUser = Effect.gen(function* () {
  const users = yield* MeterUsers
  const { name } = yield* Effect.map(
    body,
    Option.getOrElse((): Record<string, unknown> => ({})),
  )
  if (name === undefined) return yield* badRequest("json:parameter-missing:name")
  const user = yield* users.create(name)
  return json({ token: user.token, name: user.name })
})

const listUsers = Effect.gen(function* () {
  const users = yield* MeterUsers
  return json(yield* users.list(yield* caller))
})

const removeUser = Effect.gen(function* () {
  const users = yield* MeterUsers
  const given = Option.getOrElse(yield* body, (): Record<string, unknown> => ({}))
  yield* users.remove(yield* caller, given["name"])
  return noContent
})

const readSystem = Effect.map(
  Effect.flatMap(MeterSystem, (system) => system.read),
  (document) => json(document),
)

const writeSystem = Effect.gen(function* () {
  const system = yield* MeterSystem
  return json(yield* system.write(Option.getOrNull(yield* body)))
})

const restart = Effect.gen(function* () {
  const system = yield* MeterSystem
  yield* system.restart
  return noContent
})

/** The routes of Local API v2 that a P1 without batteries has. */
export const routes = HttpRouter.empty.pipe(
  HttpRouter.get("/api", device),
  HttpRouter.get("/api/measurement", measurement),
  HttpRouter.get("/api/telegram", telegram),
  HttpRouter.post("/api/user", createUser),
  HttpRouter.get("/api/user", listUsers),
  HttpRouter.del("/api/user", removeUser),
  HttpRouter.get("/api/system", readSystem),
  HttpRouter.put("/api/system", writeSystem),
  HttpRouter.put("/api/system/identify", Effect.succeed(noContent)),
  HttpRouter.put("/api/system/reboot", restart),
  Effect.catchTag("RouteNotFound", () => Effect.succeed(notFound)),
)
