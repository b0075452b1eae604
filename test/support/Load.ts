import { Clock, Effect, Ref, Schedule } from "effect"
import { breachOf } from "../server/support/Contract.ts"

export interface Reply {
  readonly status: number
  readonly ms: number
  readonly headers: Headers
  readonly text: string
  /** What is wrong with it by the contract. */
  readonly breach: string | undefined
  /** When the reply was there, ms since 1970. */
  readonly atMs: number
}

/** One request, timed; a connection that fails or hangs for 10 s is status 0. */
export const timed = (url: string, init: RequestInit = {}) =>
  Effect.gen(function* () {
    const beganMs = performance.now()
    const reply = yield* Effect.promise(async () => {
      try {
        const response = await fetch(url, { ...init, signal: AbortSignal.timeout(10_000) })
        return { status: response.status, headers: response.headers, text: await response.text() }
      } catch (cause) {
        return {
          status: 0,
          headers: new Headers(),
          text: String(cause instanceof Error ? (cause.cause ?? cause) : cause),
        }
      }
    })
    const { pathname } = new URL(url)
    const contentType = reply.headers.get("content-type")
    const breach = reply.status === 0 ? undefined : breachOf(init.method ?? "GET", pathname, { ...reply, contentType })
    return { ...reply, breach, ms: performance.now() - beganMs, atMs: yield* Clock.currentTimeMillis } satisfies Reply
  })

/** Dies when a reply is not as the contract says. */
export const expectDocumented = (replies: ReadonlyArray<Reply>): ReadonlyArray<Reply> => {
  const breaches = replies.flatMap(({ breach }) => (breach === undefined ? [] : [breach]))
  if (breaches.length > 0)
    throw new Error(`${breaches.length} not as the contract says: ${breaches.slice(0, 3).join("; ")}`)
  return replies
}

/** Sends a request every so often, however long each takes, and keeps what came of it, until the scope ends. */
export const steadily = (everyMs: number, request: Effect.Effect<Reply>) =>
  Effect.gen(function* () {
    const replies = yield* Ref.make<ReadonlyArray<Reply>>([])
    const one = Effect.flatMap(request, (reply) => Ref.update(replies, (all) => [...all, reply]))
    yield* Effect.forkScoped(Effect.schedule(Effect.forkDaemon(one), Schedule.fixed(everyMs)))
    return {
      take: Effect.map(Ref.getAndSet(replies, []), expectDocumented),
      count: Effect.map(Ref.get(replies), (all) => all.length),
    }
  })

/** The value that a share of the values does not pass. */
export const quantile = (values: ReadonlyArray<number>, share: number): number =>
  [...values].sort((a, b) => a - b)[Math.max(0, Math.ceil(values.length * share) - 1)] ?? NaN
