import { Context, Effect, Layer, Option, Ref } from "effect"
import type { Instant } from "../domain/index.ts"
import { Spool, type SpoolError } from "../domain/ports/index.ts"

/** What the edge has done since it started, and what it is stuck on. */
export interface EdgeState {
  readonly taken: number
  /** Telegrams that the meter gave in between and nobody took. */
  readonly missed: number
  /** Readings that said nothing usable. */
  readonly badReadings: number
  readonly uploaded: number
  readonly quarantined: number
  /** Samples in the spool. */
  readonly waiting: number
  readonly lastSampleTs: Option.Option<Instant>
  /** Why the last poll gave nothing. */
  readonly meterError: Option.Option<string>
  /** Why the last upload was not accepted. */
  readonly uploadError: Option.Option<string>
}

/** The state of the edge, kept by poller and uploader for whoever wants to show it. */
export class EdgeStatus extends Context.Tag("edge/EdgeStatus")<EdgeStatus, Ref.Ref<EdgeState>>() {
  static readonly layer: Layer.Layer<EdgeStatus, SpoolError, Spool> = Layer.effect(
    EdgeStatus,
    Effect.gen(function* () {
      const spool = yield* Spool
      const { quarantined, waiting } = yield* spool.status
      const last = yield* spool.lastTaken
      return yield* Ref.make<EdgeState>({
        taken: 0,
        missed: 0,
        badReadings: 0,
        uploaded: 0,
        quarantined,
        waiting,
        lastSampleTs: Option.map(last, ({ ts }) => ts),
        meterError: Option.none(),
        uploadError: Option.none(),
      })
    }),
  )
}
