import { SqlClient } from "@effect/sql"
import { Effect } from "effect"
import { Store } from "../../src/domain/ports/index.ts"
import { line, section } from "../support/Report.ts"
import * as Bare from "./Bare.ts"
import { addDevice, beganMs } from "./Devices.ts"
import { batch, samplesFrom } from "./Household.ts"
import { rate } from "./Measure.ts"

/** Many devices send one sample each, over and over, on four connections. */
export const fleet = Effect.gen(function* () {
  const store = yield* Store
  const sql = yield* SqlClient.SqlClient
  const devices = 1_000
  yield* section("A fleet")
  yield* Bare.makeTable(sql)
  yield* Effect.forEach(Array.from({ length: devices }), (_, i) => addDevice(`fleet-${i}`), { concurrency: 4 })
  const at = (round: number) => beganMs + round * 1000
  const clients = 16
  const bare = yield* rate(clients, (worker, round) =>
    Bare.unnest(
      sql,
      `bare-fleet-${(round * clients + worker) % devices}`,
      samplesFrom(at(Math.floor((round * clients) / devices)), 1, 1000),
    ),
  )
  const send = (worker: number, round: number) =>
    Effect.as(store.ingest(`fleet-${worker}`, batch(at(round), 1, 1000)), 1)
  yield* Effect.forEach(
    Array.from({ length: devices }, (_, i) => i),
    (worker) => send(worker, 0),
    { concurrency: 8 },
  )
  const ours = yield* rate(devices, (worker, round) => send(worker, round + 1))
  yield* line({
    name: "1,000 devices interleaved, batches of 1",
    value: ours,
    unit: "rows/s",
    limit: { value: bare, of: "bare unnest … on conflict" },
  })
})
