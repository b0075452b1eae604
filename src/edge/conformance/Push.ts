import { Effect, Either, Schema } from "effect"
import { Measurement } from "../../domain/index.ts"
import { type Conversation, type MeterError, MeterProbe } from "../../domain/ports/index.ts"
import { failed, type MeterCheck, ok, warning } from "./Finding.ts"

const Message = Schema.parseJson(Schema.Struct({ type: Schema.String, data: Schema.optional(Schema.Unknown) }))
type Message = typeof Message.Type
const decodeMessage = Schema.decodeEither(Message)
const decodeMeasurement = Schema.decodeUnknownEither(Measurement)

const noMessage: Message = { type: "something that is no message" }
const heard = ({ hear }: Conversation): Effect.Effect<Message, MeterError> =>
  Effect.map(hear, (text) => Either.getOrElse(decodeMessage(text), () => noMessage))

const polls = "the edge falls back to polling (HW_P1_SOURCE=poll makes it stay there)"
const requests = ["authorization_requested", "authentication_requested"]

/** Whether the WebSocket lets the owner of the token in and pushes telegrams, each a whole measurement. */
export const push: MeterCheck = {
  name: "push",
  run: Effect.gen(function* () {
    const conversation = yield* Effect.flatMap(MeterProbe, ({ converse }) => converse)
    const { type: request } = yield* heard(conversation)
    if (!requests.includes(request))
      return failed(`it begins with ${request} instead of asking for the token: ${polls}.`)
    yield* conversation.authorize("owner")
    const { type: outcome } = yield* heard(conversation)
    if (outcome !== "authorized") return failed(`it answers the token with ${outcome}: pair again (p1-edge pair).`)
    yield* conversation.subscribe("measurement")
    const stamps: Array<string | null> = []
    while (stamps.length < 2 || stamps.at(-1) === stamps[0]) {
      const { data, type } = yield* heard(conversation)
      const measurement = decodeMeasurement(data)
      if (type !== "measurement" || Either.isLeft(measurement)) {
        return failed(`it pushes ${type === "measurement" ? "something that is no measurement" : type}: ${polls}.`)
      }
      stamps.push(measurement.right.timestamp)
      if (stamps.length > 2) return warning("it pushes, but its reading time does not move: check the cable.")
    }
    return ok("lets the token's owner in and pushes telegrams")
  }).pipe(Effect.scoped),
}

/** Whether the WebSocket refuses a token that no meter gave. */
export const pushRefused: MeterCheck = {
  name: "push refused",
  run: Effect.gen(function* () {
    const conversation = yield* Effect.flatMap(MeterProbe, ({ converse }) => converse)
    yield* conversation.hear
    yield* conversation.authorize("stranger")
    const outcome = yield* Effect.either(heard(conversation))
    if (Either.isLeft(outcome)) return warning("refused without a word")
    return outcome.right.type === "error"
      ? ok("refused with an error")
      : failed(`it answers a wrong token with ${outcome.right.type}: this is no P1 meter.`)
  }).pipe(Effect.scoped),
}
