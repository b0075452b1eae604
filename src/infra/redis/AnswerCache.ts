import { Effect, Layer, Option } from "effect"
import { type Answer, AnswerCache } from "../../domain/ports/index.ts"
import { RedisConnection } from "./Connection.ts"

const keptMs = 60_000
/** A longer body is computed by each process that is asked for it. */
const maxLength = 512_000

const keyOf = (key: string): string => `p1:answer:1:${key}`
const format = ({ body, contentType, etag }: Answer): string => `${etag}\n${contentType}\n${body}`

/** What cannot be read is as if it were not there. */
const parse = (text: string | null): Option.Option<Answer> =>
  Option.map(
    Option.fromNullable(/^("[^"\n]+")\n([^\n]+)\n/.exec(text ?? "")),
    ([head, etag = "", contentType = ""]) => ({ etag, contentType, body: (text ?? "").slice(head.length) }),
  )

/** Replies in Redis, shared by every server process. */
export const layer: Layer.Layer<AnswerCache, never, RedisConnection> = Layer.effect(
  AnswerCache,
  Effect.map(RedisConnection, ({ use }) =>
    AnswerCache.of({
      get: (key) =>
        Effect.map(
          use((redis) => redis.get(keyOf(key))),
          Option.flatMap(parse),
        ),
      put: (key, answer) =>
        answer.body.length > maxLength
          ? Effect.void
          : Effect.asVoid(use((redis) => redis.set(keyOf(key), format(answer), "PX", keptMs))),
    }),
  ),
)
