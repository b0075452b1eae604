import { Effect, Option } from "effect"
import type { WebSocket } from "ws"
import { MeterControls } from "../Controls.ts"
import { badRequest, type Refusal, unauthorized } from "../Refusal.ts"
import { apiVersion } from "../SimulatedMeter.ts"
import { MeterSystem } from "../System.ts"
import { MeterUsers } from "../Users.ts"
import { isTopic, type Topic, topicsNamed, valueOf } from "./Topics.ts"

/** A client of the WebSocket. */
export interface Client {
  readonly socket: WebSocket
  /** Tells the client something, in as far as the network lets it through. */
  readonly say: (type: string, data?: unknown) => Effect.Effect<void>
  /** The next message of the client, as it came. */
  readonly hear: Effect.Effect<string>
  /** What it is told of without asking. */
  readonly subscribed: Set<Topic>
  /** To be run when it has subscribed to something. */
  readonly hasSubscribed: Effect.Effect<void>
}

/** How long a client may take to say who it is. */
const authorizationWithin = "40 seconds"
const policyViolation = 1008

interface Message {
  readonly type: unknown
  readonly data: unknown
}

const parse = (text: string): Effect.Effect<Message, Refusal> =>
  Effect.try({
    try: () => {
      const json = JSON.parse(text) as unknown
      if (typeof json !== "object" || json === null) throw new TypeError()
      return { type: Reflect.get(json, "type"), data: Reflect.get(json, "data") }
    },
    catch: () => badRequest("request:invalid-json"),
  })

const authorize = Effect.fn("Client.authorize")(function* ({ hear, say }: Client) {
  const users = yield* MeterUsers
  const { switches } = yield* MeterControls
  yield* say("authorization_requested", { api_version: apiVersion })
  const { data, type } = yield* Effect.flatMap(hear, parse)
  if (type !== "authorization" || typeof data !== "string") return yield* unauthorized
  if (!(yield* switches).impostor && !(yield* users.knows(data))) return yield* unauthorized
  yield* say("authorized")
  return data
})

const answer = Effect.fn("Client.answer")(function* (
  { hasSubscribed, say, subscribed }: Client,
  token: string,
  message: Message,
) {
  const { data, type } = message
  switch (type) {
    case "subscribe":
    case "unsubscribe": {
      const topics = topicsNamed(data)
      if (topics.length === 0) return yield* badRequest("request:unknown-subscription")
      if (type === "unsubscribe") return topics.forEach((topic) => subscribed.delete(topic))
      topics.forEach((topic) => subscribed.add(topic))
      yield* hasSubscribed
      return yield* Effect.forEach(topics, (topic) =>
        Effect.flatMap(valueOf(topic, token), (value) => say(topic, value)),
      )
    }
    case "identify":
      return
    default: {
      if (!isTopic(type)) return yield* badRequest("request:unknown-type")
      const system = yield* MeterSystem
      const write = type === "system" && data !== undefined
      return yield* say(type, write ? yield* system.write(data) : yield* valueOf(type, token))
    }
  }
})

const refused = ({ say }: Client, { code }: Refusal) => say("error", { message: code })

/** Talks with a client until it leaves: asks for its token, then answers what it asks. `entered` gets its token. */
export const converse = (client: Client, entered: (token: string) => void) =>
  Effect.gen(function* () {
    const outcome = yield* Effect.either(Effect.timeoutOption(authorize(client), authorizationWithin))
    if (outcome._tag === "Left") yield* refused(client, outcome.left)
    if (outcome._tag === "Left" || Option.isNone(outcome.right)) return client.socket.close(policyViolation)
    const token = outcome.right.value
    entered(token)
    return yield* client.hear.pipe(
      Effect.flatMap(parse),
      Effect.flatMap((message) => answer(client, token, message)),
      Effect.catchTag("Refusal", (refusal) => refused(client, refusal)),
      Effect.forever,
    )
  })
