import { HttpClientRequest } from "@effect/platform"
import { Effect, Layer, Option, type Redacted, Schema } from "effect"
import { Measurement } from "../../domain/index.ts"
import {
  type EdgeState,
  type MeterDiscovery,
  MeterError,
  MeterPairing,
  type SpoolError,
} from "../../domain/ports/index.ts"
import { type DialOptions, makeDialer, timeoutOf } from "./Dialer.ts"
import { decodeReply, makeExchange, refused, type Reply, unexpectedStatus } from "./Exchange.ts"
import { formatAddress } from "./Locator.ts"
import { authorized } from "./Meter.ts"

const NewUser = Schema.Struct({ token: Schema.Redacted(Schema.String) })
const Users = Schema.Array(Schema.Struct({ name: Schema.String, current: Schema.optional(Schema.Boolean) }))
const decodeProblem = Schema.decodeOption(Schema.parseJson(Schema.Struct({ error: Schema.String })))

const isRefusal = ({ status }: Reply): boolean => status === 400 || status === 404 || status === 507

const make = (options: DialOptions) =>
  Effect.gen(function* () {
    const address = formatAddress(options)
    const { dial, pin } = yield* makeDialer(options)
    const exchange = yield* makeExchange({ address, timeout: timeoutOf(options), dial })
    const ask = (token: Redacted.Redacted, request: HttpClientRequest.HttpClientRequest) =>
      Effect.filterOrFail(
        exchange(authorized(address, token)(request)),
        ({ status }) => status !== 401,
        () => refused(address),
      )

    /** What the meter says is wrong, in its own words: the list of codes may grow. */
    const problem = (reply: Reply): MeterError =>
      Option.match(isRefusal(reply) ? decodeProblem(reply.text) : Option.none(), {
        onNone: () => unexpectedStatus(address, reply),
        onSome: ({ error }) =>
          new MeterError({
            reason: "Malformed",
            message:
              error === "user:no-storage"
                ? `The meter at ${address} has no room for another user (${error}): remove one in the HomeWizard app first.`
                : `The meter at ${address} makes no user (${error}).`,
          }),
      })

    return MeterPairing.of({
      requestToken: (userName) =>
        Effect.gen(function* () {
          const request = HttpClientRequest.post(`https://${address}/api/user`).pipe(
            HttpClientRequest.setHeader("X-Api-Version", "2"),
            HttpClientRequest.bodyUnsafeJson({ name: userName }),
          )
          const reply = yield* exchange(request)
          if (reply.status === 403) return Option.none()
          if (reply.status !== 200) return yield* problem(reply)
          return Option.some((yield* decodeReply(address, NewUser, reply)).token)
        }),
      serial: Effect.map(pin.known, (known) => Option.map(known, ({ serial }) => serial)),
      measurement: (token) =>
        Effect.flatMap(ask(token, HttpClientRequest.get("/api/measurement")), (reply) =>
          decodeReply(address, Measurement, reply),
        ),
      pin: pin.keep,
      revoke: (token) =>
        Effect.gen(function* () {
          const users = yield* decodeReply(address, Users, yield* ask(token, HttpClientRequest.get("/api/user")))
          const own = users.find(({ current }) => current === true)
          if (own === undefined) return
          const request = HttpClientRequest.del("/api/user").pipe(HttpClientRequest.bodyUnsafeJson({ name: own.name }))
          const reply = yield* ask(token, request)
          if (reply.status !== 204 && reply.status !== 200) return yield* problem(reply)
        }),
    })
  })

/** Pairing with a P1 meter, Local API v2; for it, the meter that was paired before does not count. */
export const layer = (options: DialOptions): Layer.Layer<MeterPairing, SpoolError, EdgeState | MeterDiscovery> =>
  Layer.scoped(MeterPairing, make(options))
