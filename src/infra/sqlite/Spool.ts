import { Effect, Layer, Option, Schedule, Schema } from "effect"
import { makeLending } from "../../domain/index.ts"
import { EdgeState, Spool, type Verdict } from "../../domain/ports/index.ts"
import type { StartupError } from "../process/index.ts"
import { type Commit, makeAppend } from "./Append.ts"
import { type Bounds, defaultBounds, makeBounds } from "./Bounds.ts"
import * as Database from "./Database.ts"
import * as State from "./EdgeState.ts"
import { unread, unwritten } from "./Failure.ts"
import { makeLeaving } from "./Leaving.ts"
import { makePages } from "./Pages.ts"
import { StateRow } from "./Rows.ts"
import * as Salvage from "./Salvage.ts"
import { retime, retry, settle } from "./Settle.ts"
import { makeStatus } from "./Status.ts"
import { makeTidy } from "./Tidy.ts"

export interface SpoolOptions extends Partial<Bounds> {
  readonly filename: string
  /** By default each sample is on the disk before it counts as taken. */
  readonly commit?: Commit
}

/** How often it is seen to that nothing stays for lack of company, and that the file is no longer than it need be. */
const lookEvery = "10 seconds"

const decodeState = Schema.decodeUnknown(Schema.Tuple(StateRow))

const make = ({ commit = "each", filename: _, ...bounds }: SpoolOptions) =>
  Effect.gen(function* () {
    const { broken, read, sql, write } = yield* Database.Database
    const leaving = yield* makeLeaving
    const lend = yield* makeLending
    const { newestDue, oldestDue, quarantine, samples } = yield* makePages(leaving.ids)
    const { refused } = yield* makeBounds({ ...defaultBounds, ...bounds })
    const { append, pending, writeTogether } = yield* makeAppend(commit, leaving, refused)
    const tidy = yield* makeTidy
    const state = sql`SELECT * FROM standing`.pipe(
      Effect.flatMap(decodeState),
      Effect.map(([row]) => row),
      read,
      unread,
    )

    /** Where there is no room for the samples that wait, verdicts alone may make some. */
    const carryOut = (verdicts: ReadonlyArray<Verdict>) =>
      Effect.orElse(writeTogether(settle(sql, verdicts)), () => leaving.commit(settle(sql, verdicts)))

    yield* leaving.leaveDue.pipe(
      Effect.zipRight(tidy),
      Effect.ignore,
      Effect.repeat(Schedule.spaced(lookEvery)),
      Effect.forkScoped,
    )

    return Spool.of({
      append,
      oldest: (limit, now) => lend((lent) => oldestDue(limit, now, lent)),
      newest: (limit, now) => lend((lent) => newestDue(limit, now, lent)),
      settle: (verdicts) =>
        Effect.flatMap(leaving.takes(verdicts), (taken) => (taken ? Effect.void : unwritten(carryOut(verdicts)))),
      samples,
      quarantine,
      retry: (ids) => retry(sql, ids).pipe(write, unwritten),
      retime: (after, before, byMs) =>
        leaving.ids.pipe(
          Effect.flatMap((ids) => retime(sql, ids, after, before, byMs)),
          writeTogether,
          unwritten,
        ),
      lastTaken: Effect.map(state, ({ lastMeterStamp, lastTs }) =>
        Option.map(Option.fromNullable(lastTs), (ts) => ({ ts, meterStamp: lastMeterStamp })),
      ),
      lastMeter: Effect.map(state, ({ lastMeter }) => Option.fromNullable(lastMeter)),
      status: yield* makeStatus(pending, leaving.ids),
      check: sql`UPDATE state SET waiting = waiting`.pipe(write, Effect.asVoid, unwritten),
      broken,
    })
  })

/** The spool of a file that is open. */
export const layerOn = (options: SpoolOptions): Layer.Layer<Spool | EdgeState, never, Database.Database> =>
  Layer.mergeAll(Layer.scoped(Spool, make(options)), Layer.effect(EdgeState, State.make), Salvage.layer)

/**
 * A spool in a file that this process alone may open, and in the same file what the edge remembers; `append` returns
 * when the sample is on the disk. A damaged file is set aside and read out meanwhile.
 */
export const layer = (options: SpoolOptions): Layer.Layer<Spool | EdgeState, StartupError> =>
  Layer.provide(layerOn(options), Database.layer(options))
