import { Effect, Option, PubSub, Stream } from "effect"
import type { Redis } from "ioredis"

/** Messages kept for a reader that is slower than they come; it misses the oldest. */
const bufferSize = 64

/** Reads channels over one connection: a channel is subscribed to while somebody reads it. */
export const makeChannels = (subscriber: Redis) =>
  Effect.gen(function* () {
    const readers = new Map<string, number>()
    const messages = yield* PubSub.sliding<readonly [channel: string, text: string]>(bufferSize)
    const onMessage = (channel: string, text: string) => void messages.unsafeOffer([channel, text])
    subscriber.on("message", onMessage)
    yield* Effect.addFinalizer(() => Effect.sync(() => subscriber.off("message", onMessage)))

    const change = (channel: string, by: 1 | -1) =>
      Effect.sync(() => {
        const count = (readers.get(channel) ?? 0) + by
        if (count > 0) readers.set(channel, count)
        else readers.delete(channel)
        const command = by === 1 && count === 1 ? "subscribe" : count === 0 ? "unsubscribe" : undefined
        if (command !== undefined) subscriber[command](channel).catch(() => undefined)
      })

    return (channel: string): Stream.Stream<string> =>
      Stream.unwrapScoped(
        Effect.acquireRelease(change(channel, 1), () => change(channel, -1)).pipe(
          Effect.zipRight(PubSub.subscribe(messages)),
          Effect.map((queue) =>
            Stream.filterMap(Stream.fromQueue(queue), ([from, text]) =>
              from === channel ? Option.some(text) : Option.none(),
            ),
          ),
        ),
      )
  })
