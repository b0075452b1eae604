import { Clock, Effect, Redacted, Schema } from "effect"
import { Batch } from "../../src/domain/index.ts"
import { CryptoSecrets } from "../../src/infra/crypto/index.ts"
import { PostgresStore } from "../../src/infra/postgres/index.ts"
import { Admin } from "../../src/server/index.ts"
import { quantile, timed } from "../../test/support/Load.ts"
import { sample } from "../store/Household.ts"
import { usageOf } from "./Process.ts"
import * as Report from "./Report.ts"

const houses = 40
const warm = 30
const samples = 60

const encode = Schema.encodeSync(Schema.parseJson(Batch))
const bodyAt = (tsMs: number): string =>
  encode({ samples: [sample(tsMs)], deviceId: null, meter: null, meteredPeaks: null })

const addHouse = (i: number) =>
  Effect.map(Admin.addDevice(`House ${i}`, "Europe/Brussels"), ({ token }) => Redacted.value(token))

/** Houses that send sample after sample, each in a request of its own: what one takes of the API's processor. */
export const measureIngest = (databaseUrl: Redacted.Redacted, apiUrl: string, pid: number) =>
  Effect.gen(function* () {
    const tokens = yield* Effect.forEach(Array.from({ length: houses }), (_, i) => addHouse(i)).pipe(
      Effect.provide([PostgresStore.layer({ url: databaseUrl, maxConnections: 1 }), CryptoSecrets.layer]),
    )
    const firstMs = (yield* Clock.currentTimeMillis) - (warm + samples) * 1000
    const sendFrom = (token: string, from: number, count: number) =>
      Effect.forEach(Array.from({ length: count }), (_, i) =>
        timed(`${apiUrl}/v1/ingest`, {
          method: "POST",
          headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
          body: bodyAt(firstMs + (from + i) * 1000),
        }),
      )
    const send = (from: number, count: number) =>
      Effect.map(
        Effect.forEach(tokens, (token) => sendFrom(token, from, count), { concurrency: "unbounded" }),
        (replies) => replies.flat(),
      )
    yield* send(0, warm)
    const before = yield* usageOf(pid)
    const beganMs = yield* Clock.currentTimeMillis
    const replies = yield* send(warm, samples)
    const tookMs = (yield* Clock.currentTimeMillis) - beganMs
    const after = yield* usageOf(pid)
    yield* Report.section(`API: ${houses} houses at once, a request a sample, one after another`)
    yield* Report.line({
      name: "processor time of the API, a request",
      value: ((after.cpuS - before.cpuS) * 1000) / replies.length,
      unit: "ms",
      target: "≤ 1.5 ms",
    })
    yield* Report.line({ name: "requests a second", value: (replies.length * 1000) / tookMs, unit: "1/s" })
    const times = replies.map(({ ms }) => ms)
    yield* Report.line({ name: "p50 of a reply, stored and shown", value: quantile(times, 0.5), unit: "ms" })
    yield* Report.line({ name: "p99", value: quantile(times, 0.99), unit: "ms" })
    yield* Report.line({
      name: "failed",
      value: replies.filter(({ status }) => status !== 200).length,
      unit: "",
      target: "0",
    })
  })
