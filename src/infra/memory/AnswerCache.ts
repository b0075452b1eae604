import { Clock, Effect, Layer, Option } from "effect"
import { type Answer, AnswerCache } from "../../domain/ports/index.ts"

const keptMs = 60_000
/** Characters of all bodies together; the oldest are forgotten first. */
const maxLength = 16_000_000

interface Entry {
  readonly answer: Answer
  readonly untilMs: number
}

/** Replies in this process. */
export const layer: Layer.Layer<AnswerCache> = Layer.sync(AnswerCache, () => {
  const entries = new Map<string, Entry>()
  let length = 0
  const forget = (key: string): void => {
    length -= entries.get(key)?.answer.body.length ?? 0
    entries.delete(key)
  }
  return AnswerCache.of({
    get: (key) =>
      Effect.map(Clock.currentTimeMillis, (nowMs) =>
        Option.fromNullable(entries.get(key)).pipe(
          Option.filter(({ untilMs }) => nowMs <= untilMs),
          Option.map(({ answer }) => answer),
        ),
      ),
    put: (key, answer) =>
      Effect.map(Clock.currentTimeMillis, (nowMs) => {
        forget(key)
        entries.set(key, { answer, untilMs: nowMs + keptMs })
        length += answer.body.length
        for (const [oldest, { untilMs }] of entries) {
          if (length <= maxLength && untilMs >= nowMs) break
          forget(oldest)
        }
      }),
  })
})
