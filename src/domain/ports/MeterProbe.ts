import { Context, type Effect, type Scope } from "effect"
import type { MeterError } from "./Meter.ts"

/** An answer as it came. */
export interface ProbeReply {
  readonly status: number
  readonly text: string
}

/** Who asks: the owner of the token, or somebody with a token that no meter gave. */
export type ProbeCaller = "owner" | "stranger"

/** A WebSocket to the meter. */
export interface Conversation {
  /** The next message, as it came; fails when there is none for too long or the meter hangs up. */
  readonly hear: Effect.Effect<string, MeterError>
  readonly authorize: (as: ProbeCaller) => Effect.Effect<void>
  readonly subscribe: (topic: string) => Effect.Effect<void>
}

/** A P1 meter under examination: what it says is not judged here, but who it is has been proved. */
export class MeterProbe extends Context.Tag("domain/MeterProbe")<
  MeterProbe,
  {
    /** Connects, and says which meter it is by its certificate. */
    readonly serial: Effect.Effect<string, MeterError>
    readonly get: (path: string, as: ProbeCaller) => Effect.Effect<ProbeReply, MeterError>
    readonly converse: Effect.Effect<Conversation, MeterError, Scope.Scope>
  }
>() {}
