import type { HttpApiEndpoint, HttpApiGroup } from "@effect/platform"
import { FetchHttpClient } from "@effect/platform"
import { Cause, Effect, Exit, Record } from "effect"
import type { P1Api } from "../domain/api/index.ts"
import { make, type Options } from "./Client.ts"

type Groups = (typeof P1Api)["groups"][string]
type EndpointOf<G extends Groups> = HttpApiGroup.HttpApiGroup.Endpoints<G>

type Part<A> = [A] extends [never] ? unknown : A
type ParametersOf<E extends HttpApiEndpoint.HttpApiEndpoint.Any> = Part<HttpApiEndpoint.HttpApiEndpoint.PathParsed<E>> &
  Part<HttpApiEndpoint.HttpApiEndpoint.UrlParams<E>> &
  Part<HttpApiEndpoint.HttpApiEndpoint.Payload<E>>
type Simplify<A> = { readonly [K in keyof A]: A[K] }

type Call<E extends HttpApiEndpoint.HttpApiEndpoint.Any> =
  Partial<ParametersOf<E>> extends ParametersOf<E>
    ? (parameters?: Simplify<ParametersOf<E>>) => Promise<HttpApiEndpoint.HttpApiEndpoint.Success<E>>
    : (parameters: Simplify<ParametersOf<E>>) => Promise<HttpApiEndpoint.HttpApiEndpoint.Success<E>>

/** Replies of any length are read with fetch; a promise would wait for their end. */
type Streamed = "stream" | "export"

/** Every route as a function: `p1.capacity.month({ month: "2026-11" })`. */
export type PromiseClient = {
  readonly [G in Groups as HttpApiGroup.HttpApiGroup.Name<G>]: {
    readonly [E in EndpointOf<G> as Exclude<HttpApiEndpoint.HttpApiEndpoint.Name<E>, Streamed>]: Call<E>
  }
}

type Method = (request: unknown) => Effect.Effect<unknown, unknown>

/** A promise that is rejected with the failure itself, not with what Effect wraps it in. */
const promised = async (effect: Effect.Effect<unknown, unknown>): Promise<unknown> =>
  Exit.match(await Effect.runPromiseExit(effect), {
    onSuccess: (reply) => reply,
    onFailure: (cause) => {
      throw Cause.squash(cause)
    },
  })

/** A client whose functions give promises, over `fetch`. Parameters go by their names, wherever they stand in a request. */
export const connect = (options: Options): PromiseClient => {
  const client = Effect.runSync(Effect.provide(make(options), FetchHttpClient.layer))
  const groups: Record<string, Record<string, Method>> = client as never
  return Record.map(groups, (methods) =>
    Record.map(
      methods,
      (method) =>
        (parameters: object = {}) =>
          promised(method({ path: parameters, urlParams: parameters, payload: parameters })),
    ),
  ) as never
}
