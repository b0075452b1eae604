import {
  Array as Arr,
  Chunk,
  DateTime,
  Duration,
  Effect,
  Layer,
  Logger,
  LogLevel,
  Random,
  Redacted,
  Schedule,
  Schema,
} from "effect"
import { Measurement } from "../../src/domain/index.ts"
import { backoff } from "../../src/edge/Backoff.ts"
import { Edge } from "../../src/edge/index.ts"
import { InternetClient } from "../../src/infra/http-client/index.ts"
import { MemoryMeter } from "../../src/infra/memory/index.ts"
import { SqliteSpool } from "../../src/infra/sqlite/index.ts"
import { fullBacklog } from "../../test/support/FullBacklog.ts"
import { line } from "./Report.ts"

const zone = DateTime.zoneUnsafeMakeNamed("Europe/Brussels")
const decode = Schema.decodeSync(Measurement)

/** A timer may be a moment early. */
const earlyMs = 100

/** How far from a whole second since the first, ms: 99 of 100 are nearer. */
const late99 = (atMs: ReadonlyArray<number>): number => {
  const [firstMs = 0] = atMs
  const late = atMs.map((ms) => Math.abs(((ms - firstMs + earlyMs) % 1000) - earlyMs)).sort((a, b) => a - b)
  return late[Math.ceil(late.length * 0.99) - 1] ?? NaN
}

/** A timer of Node.js that aims at each whole second, and does nothing. */
const bareTimer = (atMs: Array<number>) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const startMs = performance.now()
      const state: { timer?: NodeJS.Timeout } = {}
      const tick = () => {
        atMs.push(performance.now())
        state.timer = setTimeout(tick, 1000 - ((performance.now() - startMs) % 1000))
      }
      tick()
      return state
    }),
    ({ timer }) => Effect.sync(() => clearTimeout(timer)),
  )

/** The edge asks its meter each second while the server does not answer; a bare timer runs beside it. */
const cadence = (folder: string, seconds: number) =>
  Effect.gen(function* () {
    const asked: Array<number> = []
    const bare: Array<number> = []
    const measurement = Effect.sync(() => {
      asked.push(performance.now())
      return decode({ timestamp: new Date().toISOString().slice(0, 19), power_w: 400, energy_import_kwh: 100 })
    })
    yield* bareTimer(bare)
    yield* Layer.build(
      Edge.layer({
        poll: { zone, interval: "1 second", source: "poll" },
        upload: {
          server: { url: `http://127.0.0.1:${yield* fullBacklog}`, token: Effect.succeed(Redacted.make("p1d_bench")) },
          interval: "1 second",
        },
      }).pipe(
        Layer.provide(SqliteSpool.layer({ filename: `${folder}/spool.sqlite` })),
        Layer.provide([MemoryMeter.layer(measurement), InternetClient.layer, Logger.minimumLogLevel(LogLevel.None)]),
      ),
    )
    yield* Effect.sleep(Duration.seconds(seconds))
    return { asked: late99(asked), bare: late99(bare) }
  }).pipe(Effect.scoped)

const edges = 1_000
const outageMs = 600_000

/** When an edge that has failed for ten minutes comes back after them, s. */
const comesBack = (seed: number) =>
  Schedule.run(Schedule.delays(backoff), 0, Array.from({ length: 60 })).pipe(
    Effect.map((delays) => {
      let atMs = 0
      for (const delay of Chunk.toReadonlyArray(delays)) {
        if (atMs >= outageMs) break
        atMs += Duration.toMillis(delay)
      }
      return Math.floor((atMs - outageMs) / 1000)
    }),
    Effect.withRandom(Random.make(seed)),
  )

/** How evenly the edge asks its meter, and how unevenly many edges ask a server that comes back. */
export const measureJitter = (folder: string, seconds: number) =>
  Effect.gen(function* () {
    const { asked, bare } = yield* cadence(folder, seconds)
    yield* line({
      name: "asked late at 1 Hz, the server silent, p99",
      value: asked,
      unit: "ms",
      limit: { value: bare, of: "a bare timer" },
      target: "≤ 100",
    })
    const back = yield* Effect.forEach(Array.from({ length: edges }), (_, seed) => comesBack(seed))
    const counts = Object.values(Arr.groupBy(back, String)).map(({ length }) => length)
    yield* line({
      name: "1,000 edges after an outage, most in a second",
      value: Math.max(...counts),
      unit: "edges",
      limit: { value: edges / 60, of: "spread evenly over a minute" },
      target: "≤ 3 times as many",
    })
  })
