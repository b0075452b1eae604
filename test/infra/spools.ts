import { Effect, type Layer } from "effect"
import { Spool, type SpooledSample, type SpoolStatus } from "../../src/domain/ports/index.ts"
import type { StartupError } from "../../src/infra/process/index.ts"
import { sampleAt } from "./samples.ts"

type AnySpool = typeof Spool.Service

/** Later than all samples of the tests. */
export const now = sampleAt(1_000_000).ts

export const use = <A, E>(layer: Layer.Layer<Spool, StartupError>, program: (spool: AnySpool) => Effect.Effect<A, E>) =>
  Effect.runPromise(Effect.provide(Effect.flatMap(Spool, program), layer))

export const appendAll = (spool: AnySpool, ns: ReadonlyArray<number>) =>
  Effect.forEach(ns, (n) => spool.append(sampleAt(n), null), { discard: true })

export const numbersOf = (rows: ReadonlyArray<SpooledSample>) => rows.map(({ sample }) => sample.powerW - 1000)

/** The numbers of the oldest samples, without holding on to them. */
export const powers = (spool: AnySpool, limit = 100) => Effect.map(Effect.scoped(spool.oldest(limit, now)), numbersOf)

export const ids = (spool: AnySpool) =>
  Effect.map(Effect.scoped(spool.oldest(100, now)), (rows) => rows.map(({ id }) => id))

type Counts = Omit<SpoolStatus, "bytes" | "commitP99Ms">

/** What both adapters say in the same way. */
export const counts = (spool: AnySpool) =>
  Effect.map(spool.status, ({ bytes: _, commitP99Ms: __, ...rest }): Counts => rest)

export const countsOf = (known: Partial<Counts>) => ({
  thinned: { toTenSeconds: 0, toOneMinute: 0, withoutRegisters: 0 },
  quarantined: 0,
  salvaged: 0,
  lost: 0,
  salvaging: false,
  ...known,
})
