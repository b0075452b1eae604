import { expect, layer } from "@effect/vitest"
import { Clock, Effect } from "effect"
import { Registry } from "../../src/domain/ports/index.ts"
import { call, layerServer, memoryPorts, Running, send } from "./support/server.ts"

const at = (ms: number): string => new Date(ms).toISOString()

layer(layerServer(memoryPorts), { excludeTestServices: true })("a batch", (it) => {
  it.effect("is stored, but for the rows that are refused one by one", () =>
    Effect.gen(function* () {
      const { home } = yield* Running
      const now = yield* Clock.currentTimeMillis
      const good = { ts: "2024-01-15T10:00:00+01:00", power_w: 99.6 }
      const samples = [
        good,
        { ts: "2024-01-15T10:00:01Z" },
        { ts: "2024-01-15T10:00:02", power_w: 1 },
        { ts: "2024-01-15T10:00:03Z", power_w: 20_000_000 },
        { ts: "2024-01-15T10:00:04Z", power_w: 1, energy_import_kwh: -1 },
        { ts: at(now + 11 * 60_000), power_w: 1 },
        { ts: "2019-12-31T23:59:59Z", power_w: 1 },
        null,
        good,
        { ts: "2024-01-15T10:00:09Z", power_w: -3, import_power_w: 7, unknown: [], tariff: null },
      ]
      const reply = yield* send(home, { samples })
      expect(reply.status).toBe(200)
      expect(reply.json).toMatchObject({
        received: 10,
        inserted: 2,
        duplicates: 1,
        conflicts: 0,
        rejected: [
          { index: 1, code: "invalid", message: expect.stringContaining("power_w: ") },
          { index: 2, code: "invalid", message: expect.stringContaining("ts: ") },
          { index: 3, code: "invalid", message: expect.stringContaining("power_w: ") },
          { index: 4, code: "invalid", message: expect.stringContaining("energy_import_kwh: ") },
          { index: 5, code: "future", message: expect.stringContaining("ts: ") },
          { index: 6, code: "before_2020", message: expect.stringContaining("ts: ") },
          { index: 7, code: "invalid" },
        ],
      })
    }),
  )

  it.effect("that is repeated changes nothing, and other values for a key are conflicts", () =>
    Effect.gen(function* () {
      const { barn } = yield* Running
      const samples = [1, 2, 3].map((second) => ({ ts: `2024-01-15T10:00:0${second}Z`, power_w: second }))
      expect((yield* send(barn, { samples })).json).toMatchObject({ inserted: 3, duplicates: 0 })
      expect((yield* send(barn, { samples })).json).toMatchObject({ inserted: 0, duplicates: 3, conflicts: 0 })
      const changed = samples.map((sample) => ({ ...sample, power_w: 9 }))
      expect((yield* send(barn, { samples: changed })).json).toMatchObject({ duplicates: 3, conflicts: 3 })
    }),
  )

  it.effect("that is long has its bad rows named by their place in it", () =>
    Effect.gen(function* () {
      const { barn } = yield* Running
      const samples = Array.from({ length: 5_000 }, (_, i) => ({ ts: at(1_700_000_000_000 + i), power_w: i }))
      const reply = yield* send(barn, { samples: samples.map((row, i) => (i % 1_001 === 700 ? {} : row)) })
      expect(reply.json).toMatchObject({ received: 5_000, inserted: 4_995, duplicates: 0 })
      const { rejected } = reply.json as { rejected: ReadonlyArray<{ index: number }> }
      expect(rejected.map(({ index }) => index)).toEqual([700, 1_701, 2_702, 3_703, 4_704])
    }),
  )

  it.effect("of nothing but bad rows is answered in full", () =>
    Effect.gen(function* () {
      const { home } = yield* Running
      expect((yield* send(home, { samples: [{}, "x"] })).json).toMatchObject({
        received: 2,
        inserted: 0,
        duplicates: 0,
        conflicts: 0,
        rejected: [{ index: 0 }, { index: 1 }],
      })
    }),
  )

  it.effect("may hold a value that is nested without end; it costs only its row", () =>
    Effect.gen(function* () {
      const { home } = yield* Running
      const deep = "[".repeat(100_000) + "]".repeat(100_000)
      const reply = yield* send(home, `{"samples":[{"ts":"2024-01-15T10:00:00Z","power_w":${deep}}],"x":${deep}}`)
      expect(reply.json).toMatchObject({ rejected: [{ index: 0, code: "invalid" }] })
    }),
  )

  it.effect("is seen in the realtime document as soon as it is answered", () =>
    Effect.gen(function* () {
      const { bothReader, home } = yield* Running
      const now = yield* Clock.currentTimeMillis
      const realtime = call("/v1/realtime?device_id=home", { token: bothReader })
      for (const [i, power_w] of [111, 222, 333].entries()) {
        yield* send(home, { samples: [{ ts: at(now + i), power_w: power_w + 0.4 }] })
        expect((yield* realtime).json).toMatchObject({ power_w, ts: at(now + i), stale: false })
      }
    }),
  )
})

layer(layerServer(memoryPorts), { excludeTestServices: true })("a device that was removed", (it) => {
  it.effect("is refused while its token is still remembered, and keeps its samples for another token", () =>
    Effect.gen(function* () {
      const { barn } = yield* Running
      const samples = [{ ts: "2024-01-15T10:00:00Z", power_w: 1 }]
      expect((yield* send(barn, { samples })).status).toBe(200)
      yield* Effect.flatMap(Registry, (registry) => registry.removeDevice("barn"))
      const refused = yield* send(barn, { samples })
      expect(refused.status).toBe(401)
      expect(refused.json).toMatchObject({ detail: "The device of this token was removed." })
    }),
  )
})
