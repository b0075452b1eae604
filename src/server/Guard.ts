import { HttpServerRequest } from "@effect/platform"
import { Context, Effect, Layer, Option } from "effect"
import { TooManyRequests, type Unauthorized } from "../domain/api/index.ts"
import { RateLimits } from "../domain/ports/index.ts"
import { clientAddress, clientNetwork, type TrustedProxies } from "../infra/http-server/index.ts"
import type { Limits } from "./Limits.ts"

/** Bounds what one token and one address may do. */
export class Guard extends Context.Tag("server/Guard")<
  Guard,
  {
    /**
     * Fails where the request's address has brought too many tokens that were refused, unless it is one that worked
     * here before: nobody is locked out of his own server by others behind the same address.
     */
    readonly admit: (tokenId: string) => Effect.Effect<void, TooManyRequests, HttpServerRequest.HttpServerRequest>
    /** Counts a refused token; fails with the refusal, or with the wait where there were too many. */
    readonly refuse: (
      refusal: Unauthorized,
      tokenId: Option.Option<string>,
    ) => Effect.Effect<never, Unauthorized | TooManyRequests, HttpServerRequest.HttpServerRequest>
    /** Counts a request of a token that works. */
    readonly accept: (tokenId: string) => Effect.Effect<void, TooManyRequests>
  }
>() {}

export interface Options {
  readonly limits: Limits
  readonly trustedProxies: TrustedProxies
}

const tokensKept = 10_000

const orWait =
  (detail: string) =>
  (wait: Option.Option<number>): Effect.Effect<void, TooManyRequests> =>
    Option.match(wait, {
      onNone: () => Effect.void,
      onSome: (retryAfterS) => new TooManyRequests({ detail, retryAfterS }),
    })

const tooManyRefusals = orWait("Too many tokens from this address were refused; ask again later.")
const tooManyRequests = orWait("This token asks too often; ask again later.")

export const layer = ({ limits, trustedProxies }: Options): Layer.Layer<Guard, never, RateLimits> =>
  Layer.effect(
    Guard,
    Effect.map(RateLimits, ({ take, waitOf }) => {
      const worked = new Set<string>()
      const network = Effect.map(HttpServerRequest.HttpServerRequest, (request) =>
        clientNetwork(clientAddress(request, trustedProxies)),
      )
      return Guard.of({
        admit: (tokenId) =>
          worked.has(tokenId)
            ? Effect.void
            : Effect.flatMap(network, (key) => waitOf(limits.refusalsPerAddress, key)).pipe(
                Effect.flatMap(tooManyRefusals),
              ),
        refuse: (refusal, tokenId) =>
          Effect.gen(function* () {
            Option.map(tokenId, (id) => worked.delete(id))
            yield* tooManyRefusals(yield* take(limits.refusalsPerAddress, yield* network))
            return yield* refusal
          }),
        accept: (tokenId) =>
          Effect.suspend(() => {
            if (worked.size >= tokensKept) worked.clear()
            worked.add(tokenId)
            return Effect.flatMap(take(limits.requestsPerToken, tokenId), tooManyRequests)
          }),
      })
    }),
  )
