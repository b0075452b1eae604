import { describe, expect, it } from "@effect/vitest"
import {
  type Context,
  DateTime,
  Effect,
  FastCheck as fc,
  Layer,
  Option,
  Redacted,
  Runtime,
  Schema,
  TestClock,
} from "effect"
import { inject } from "vitest"
import { addMonths, Batch, monthOf } from "../../src/domain/index.ts"
import { Store } from "../../src/domain/ports/index.ts"
import { CryptoSecrets } from "../../src/infra/crypto/index.ts"
import { MemoryCaches } from "../../src/infra/memory/index.ts"
import { PostgresStore } from "../../src/infra/postgres/index.ts"
import { RedisCaches } from "../../src/infra/redis/index.ts"
import { Admin } from "../../src/server/index.ts"
import { type AnswerHistory, answerHistory } from "../support/AnswerHistory.ts"
import { freshDatabase } from "../support/Database.ts"
import { times } from "../support/Property.ts"
import { meterAt } from "../support/Samples.ts"
import { call, layerServer, memoryPorts, type Ports, type Running, send } from "./support/server.ts"

/*
 * Every answer is the same whether it is computed from all samples at once, from what PostgreSQL made of them as they
 * came, or taken from a cache.
 */

const brussels = DateTime.zoneUnsafeMakeNamed("Europe/Brussels")
const redisUrl = inject("redisUrl")
const caches = redisUrl === undefined ? MemoryCaches.layer : RedisCaches.layer({ url: Redacted.make(redisUrl) })

type Served = Context.Context<Running | Ports>

/** One that is given all samples at once; two processes on one database, of which the second has cached nothing. */
const servers = Effect.gen(function* () {
  const url = yield* freshDatabase
  const over = (caches: Layer.Layer<Layer.Layer.Success<typeof MemoryCaches.layer>>) =>
    Layer.mergeAll(Layer.orDie(PostgresStore.layer({ url, maxConnections: 4 })), CryptoSecrets.layer, caches)
  return {
    atOnce: yield* Layer.build(layerServer(memoryPorts)),
    warm: yield* Layer.build(layerServer(over(caches))),
    cold: yield* Layer.build(layerServer(over(MemoryCaches.layer))),
  }
})

const dateOf = (ms: number) => DateTime.formatIsoDate(DateTime.unsafeMakeZoned(ms, { timeZone: brussels }))

const pathsOf = (nowMs: number): ReadonlyArray<string> => {
  const month = monthOf(nowMs, brussels)
  const yesterday = dateOf(nowMs - 86_400_000)
  const weekAgo = dateOf(nowMs - 7 * 86_400_000)
  return [
    "/v1/realtime",
    "/v1/capacity",
    `/v1/capacity/month/${month}?top=100`,
    `/v1/capacity/month/${addMonths(month, -1)}`,
    ...["day", "week", "month", "year", "all"].map((frame) => `/v1/series?frame=${frame}`),
    `/v1/series?frame=day&at=${yesterday}`,
    `/v1/series?frame=year&at=${dateOf(nowMs - 365 * 86_400_000)}`,
    ...["15m", "hour", "day", "week", "month"].map((bucket) => `/v1/series?from=${weekAgo}&bucket=${bucket}`),
    `/v1/series?from=${yesterday}&bucket=minute`,
    `/v1/series?frame=week&meter=g`,
    `/v1/quarters?from=${weekAgo}`,
    `/v1/samples?from=${weekAgo}`,
  ]
}
const csv = { accept: "text/csv" }

const wire = (batch: Partial<Batch>) =>
  Schema.encodeSync(Batch)({ samples: [], deviceId: null, meter: null, meteredPeaks: null, ...batch })

const answersOf = (served: Served, token: string, nowMs: number) =>
  Effect.forEach(
    [...pathsOf(nowMs).map((path) => ({ path, headers: {} })), { path: "/v1/series?frame=all", headers: csv }],
    ({ headers, path }) =>
      Effect.map(call(path, { token, headers }), ({ status, text }) => [path, status, text] as const),
    { concurrency: 4 },
  ).pipe(Effect.provide(served))

/** A device with what was typed and imported of it; its samples as they are sent, `between` when half of them are. */
const deliver = (
  served: Served,
  name: string,
  history: AnswerHistory,
  batches: ReadonlyArray<ReadonlyArray<number>>,
  nowMs: number,
  between: (token: string) => Effect.Effect<unknown>,
) =>
  Effect.gen(function* () {
    const { deviceId, token } = yield* Admin.addDevice(name, "Europe/Brussels")
    const reader = Redacted.value(yield* Admin.addReadToken([deviceId]))
    const store = yield* Store
    const month = monthOf(nowMs, brussels)
    const samplesAt = (places: ReadonlyArray<number>) => places.flatMap((place) => history.samples[place] ?? [])
    const post = (batch: Partial<Batch>) =>
      Effect.map(send(Redacted.value(token), wire(batch)), ({ json, status }) => {
        expect([status, json]).toEqual([200, expect.objectContaining({ rejected: [] })])
      })
    const first = samplesAt([0])
    const meter = (place: number, uniqueId: string) =>
      meterAt(history.samples[place]?.ts.epochMillis ?? 0, { uniqueId })
    const meteredPeaks = history.reported.map(([ago, peakW]) => ({
      month: addMonths(month, -ago),
      peakW,
      peakTs: null,
    }))
    const half = Math.floor(batches.length / 2)
    yield* Effect.forEach(batches.slice(0, half), (places) => post({ samples: samplesAt(places) }))
    yield* between(reader)
    yield* store.setPlace(deviceId, { country: "BE", gridZone: "kempen" })
    yield* store.importQuarters(deviceId, history.imported)
    for (const [ago, watts] of history.typed) {
      yield* store.setManualPeak(deviceId, addMonths(month, -ago), Option.some(watts))
    }
    yield* post({ samples: first, meteredPeaks, meter: meter(0, "4E471") })
    yield* Effect.forEach(batches.slice(half), (places) => post({ samples: samplesAt(places) }))
    if (Option.isSome(history.replacedAt)) {
      yield* post({ samples: first, meter: meter(history.replacedAt.value, "4E472") })
    }
    return reader
  }).pipe(Effect.provide(served))

describe.each([
  ["in the night in which summer time begins", "2026-03-29T03:40:00Z"],
  ["in the night in which it ends", "2026-10-25T02:10:00Z"],
  ["in the first hour of a year", "2026-12-31T23:40:00Z"],
])("all answers, %s", (_, now) => {
  const nowMs = Date.parse(now)
  it.scoped(
    "are the same from all samples at once, from what the database made of them, and from a cache",
    () =>
      Effect.gen(function* () {
        yield* TestClock.setTime(nowMs)
        const { atOnce, cold, warm } = yield* servers
        const run = Runtime.runPromise(yield* Effect.runtime())
        const same = (history: AnswerHistory) =>
          Effect.gen(function* () {
            const name = crypto.randomUUID()
            const everything = [history.samples.map((_, place) => place)]
            const scratchReader = yield* deliver(atOnce, name, history, everything, nowMs, () => Effect.void)
            const reader = yield* deliver(warm, name, history, history.batches, nowMs, (token) =>
              answersOf(warm, token, nowMs),
            )
            const expected = yield* answersOf(atOnce, scratchReader, nowMs)
            expect(expected.filter(([, status]) => status === 200).length).toBeGreaterThan(10)
            for (const served of [warm, warm, cold]) {
              const answers = yield* answersOf(served, reader, nowMs)
              for (const [i, answer] of answers.entries()) expect(answer).toEqual(expected[i])
            }
          })
        yield* Effect.promise(() =>
          fc.assert(
            fc.asyncProperty(answerHistory(nowMs), (history) => run(same(history))),
            { numRuns: times(4) },
          ),
        )
      }),
    120_000 * times(1),
  )
})
