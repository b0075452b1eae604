import { Context, type Effect, type Option } from "effect"

/** A reply that was computed once, as it goes over the wire. */
export interface Answer {
  readonly contentType: string
  /** As in the header of that name, quotes included. */
  readonly etag: string
  readonly body: string
}

/**
 * Replies by a key that says all they depend on, cheap to lose and forgotten after a minute. A cache that is slow,
 * full or away answers with nothing; it never fails and never delays by more than 100 ms.
 */
export class AnswerCache extends Context.Tag("domain/AnswerCache")<
  AnswerCache,
  {
    readonly get: (key: string) => Effect.Effect<Option.Option<Answer>>
    readonly put: (key: string, answer: Answer) => Effect.Effect<void>
  }
>() {}
