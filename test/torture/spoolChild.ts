import { writeSync } from "node:fs"
import { DateTime, Effect, Layer, Ref, Schedule } from "effect"
import { Spool, type SpooledSample, type Verdict } from "../../src/domain/ports/index.ts"
import * as Database from "../../src/infra/sqlite/Database.ts"
import { layerOn } from "../../src/infra/sqlite/Spool.ts"
import { sampleAt } from "../infra/samples.ts"

/**
 * An edge and its server in one process that is made to die: says `T n` once sample n counts as taken, `S n…` once the
 * server has stored samples, and only then lets them leave. Ends by itself after a number of samples.
 *
 * Controls: `normal` does not sync each commit, `early` lets samples leave before the server has stored them, `deaf`
 * takes samples for kept whatever the disk says.
 */
const [filename = "", first = "0", count = "0", control = "none"] = process.argv.slice(2)

const say = (line: string) => Effect.sync(() => writeSync(1, `${line}\n`))
const numberOf = ({ sample }: SpooledSample): number => sample.powerW - 1000
const later = DateTime.unsafeMake("2100-01-01")

/** A verdict that is carried out at once, on no sample. */
const atOnce: Verdict = { _tag: "Postponed", id: 0, until: later }

/** What the server stored last, where it says so only when it is asked the next time. */
const late = Effect.runSync(Ref.make(Effect.void))

const upload = (n: number) =>
  Effect.gen(function* () {
    const spool = yield* Spool
    const rows = yield* n % 10 === 0 ? spool.newest(3, later) : spool.oldest(6, later)
    const stored = say(`S ${rows.map(numberOf).join(" ")}`)
    const leaving = rows.map(({ id }): Verdict => ({ _tag: "Stored", id }))
    if (control === "early") yield* Effect.flatten(Ref.getAndSet(late, stored))
    else yield* stored
    yield* spool.settle(n % 3 === 0 ? [...leaving, atOnce] : leaving)
  }).pipe(Effect.scoped)

/** A disk that is full is asked again. */
const patiently = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  effect.pipe(
    Effect.tapError(() => say("refused")),
    Effect.retry({ schedule: Schedule.spaced("2 millis"), times: 2_000 }),
  )

const take = (n: number) =>
  Effect.flatMap(Spool, (spool) => {
    const appended = spool.append(sampleAt(n), null)
    return control === "deaf" ? Effect.ignore(appended) : patiently(appended)
  })

const program = Effect.gen(function* () {
  if (control === "normal") yield* (yield* Database.Database).sql`PRAGMA synchronous = NORMAL`
  yield* say("ready")
  for (let n = Number(first); n < Number(first) + Number(count); n++) {
    yield* take(n)
    yield* say(`T ${n}`)
    if (n % 5 === 0) yield* control === "deaf" ? Effect.ignore(upload(n)) : patiently(upload(n))
  }
}).pipe(Effect.raceFirst(Effect.flatMap(Spool, ({ broken }) => (control === "deaf" ? Effect.never : broken))))

const live = layerOn({ filename }).pipe(Layer.provideMerge(Database.layer({ filename })))

Effect.runPromise(Effect.provide(program, live)).then(
  () => undefined,
  (error: unknown) => {
    writeSync(2, `${String(error)}\n`)
    process.exit(1)
  },
)
