import { Clock, Duration, Effect, Redacted, Schema } from "effect"
import { Batch } from "../../src/domain/index.ts"
import { CryptoSecrets } from "../../src/infra/crypto/index.ts"
import { PostgresStore } from "../../src/infra/postgres/index.ts"
import { Admin } from "../../src/server/index.ts"
import { quantile, timed } from "../../test/support/Load.ts"
import { sample } from "../store/Household.ts"
import { usageOf } from "./Process.ts"
import * as Report from "./Report.ts"

const houses = 40
const warmS = 5
const seconds = 15

const encode = Schema.encodeSync(Schema.parseJson(Batch))
const bodyAt = (tsMs: number): string =>
  encode({ samples: [sample(tsMs)], deviceId: null, meter: null, meteredPeaks: null })

const addHouse = (i: number) =>
  Effect.map(Admin.addDevice(`House ${i}`, "Europe/Brussels"), ({ token }) => Redacted.value(token))

/** Houses that each send a sample a second, in a request of its own: what one takes of the API's processor. */
export const measureIngest = (databaseUrl: Redacted.Redacted, apiUrl: string, pid: number) =>
  Effect.gen(function* () {
    const tokens = yield* Effect.forEach(Array.from({ length: houses }), (_, i) => addHouse(i)).pipe(
      Effect.provide([PostgresStore.layer({ url: databaseUrl, maxConnections: 1 }), CryptoSecrets.layer]),
    )
    const beganMs = yield* Clock.currentTimeMillis
    const sendFrom = (token: string, offsetMs: number, fromS: number, toS: number) =>
      Effect.forEach(Array.from({ length: toS - fromS }), (_, i) =>
        Effect.gen(function* () {
          const dueMs = beganMs + (fromS + i) * 1000 + offsetMs
          yield* Effect.sleep(Duration.millis(Math.max(0, dueMs - (yield* Clock.currentTimeMillis))))
          const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" }
          return yield* timed(`${apiUrl}/v1/ingest`, { method: "POST", headers, body: bodyAt(dueMs) })
        }),
      )
    const send = (fromS: number, toS: number) =>
      Effect.map(
        Effect.forEach(tokens, (token, i) => sendFrom(token, (i * 1000) / houses, fromS, toS), {
          concurrency: "unbounded",
        }),
        (replies) => replies.flat(),
      )
    yield* send(0, warmS)
    const before = yield* usageOf(pid)
    const replies = yield* send(warmS, warmS + seconds)
    const after = yield* usageOf(pid)
    yield* Report.section(`API: ${houses} houses, a sample a second each, a request a sample`)
    yield* Report.line({
      name: "processor time of the API, a request",
      value: ((after.cpuS - before.cpuS) * 1000) / replies.length,
      unit: "ms",
      target: "≤ 1.5 ms",
    })
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
