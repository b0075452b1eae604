import { describe, expect, it } from "@effect/vitest"
import { Clock, DateTime, Effect, Layer, Option, Redacted, TestClock } from "effect"
import { defaultZone } from "../../src/domain/index.ts"
import { MeterError } from "../../src/domain/ports/index.ts"
import { Edge, MeteredPeaks } from "../../src/edge/index.ts"
import * as TelegramReader from "../../src/edge/TelegramReader.ts"
import { MemoryEdgeState, MemoryMeter, MemorySpool } from "../../src/infra/memory/index.ts"
import { batchOf, recordLogs, stamp, stubServer, telegram } from "./support/edge.ts"

const january = "(230201000000W)(230117224500W)(04.329*kW)"
const february = "(230301000000W)(230205181500W)(03.100*kW)"
const history = (...rows: ReadonlyArray<string>) =>
  Option.some(`/FLU5\r\n\r\n0-0:98.1.0(${rows.length})(1-0:1.6.0)(1-0:1.6.0)${rows.join("")}\r\n!\r\n`)

/** The months that the edge sends with its batches while the meter gives these telegrams. */
const monthsSent = (
  read: Effect.Effect<Option.Option<string>, MeterError>,
  minutes: number,
  answers: (n: number) => boolean = () => true,
) =>
  Effect.gen(function* () {
    const sent: Array<ReadonlyArray<string>> = []
    const stub = stubServer((request, n) => {
      const { meteredPeaks, samples } = batchOf(request)
      if (meteredPeaks !== null) sent.push(meteredPeaks.map(({ month }) => month))
      if (!answers(n)) return new Response(null, { status: 500 })
      return Response.json({
        received: samples.length,
        inserted: samples.length,
        duplicates: 0,
        conflicts: 0,
        rejected: [],
      })
    })
    const logs = yield* recordLogs
    const measurement = Effect.map(Clock.currentTimeMillis, (ms) => telegram(stamp(Math.floor(ms / 1000))))
    const edge = Edge.layer({
      poll: { zone: DateTime.zoneUnsafeMakeNamed(defaultZone), interval: "30 seconds" },
      upload: {
        server: { url: "https://p1.example.org", token: Effect.succeed(Redacted.make("p1d_x")) },
        interval: "1 minute",
      },
    })
    yield* Layer.build(edge).pipe(
      Effect.zipRight(TestClock.adjust(`${minutes} minutes`)),
      Effect.scoped,
      Effect.provide([
        MemoryMeter.layer(measurement, { telegram: read }),
        MemorySpool.layer,
        MemoryEdgeState.layer,
        stub.layer,
        logs.layer,
      ]),
    )
    return { sent, logs: logs.lines }
  })

describe("the peaks of closed months", () => {
  it.effect("go with a batch once, and again when the meter says something else", () =>
    Effect.gen(function* () {
      const later = Effect.map(Clock.currentTimeMillis, (ms) =>
        ms < 90 * 60_000 ? history(january) : history(january, february),
      )
      expect((yield* monthsSent(Effect.succeed(history(january)), 59)).sent).toEqual([["2023-01"]])
      expect((yield* monthsSent(later, 150)).sent).toEqual([["2023-01"], ["2023-01", "2023-02"]])
    }),
  )

  it.effect("are sent again until the server has taken them", () =>
    Effect.gen(function* () {
      const { sent } = yield* monthsSent(Effect.succeed(history(january)), 10, (n) => n > 2)
      expect(sent.length).toBeGreaterThan(1)
      expect(new Set(sent.flat())).toEqual(new Set(["2023-01"]))
    }),
  )

  it.effect("are not believed without the checksum, and not missed by a meter that has none", () =>
    Effect.gen(function* () {
      const broken = yield* monthsSent(Effect.succeedSome(`/FLU5\r\n0-0:98.1.0(1)()()${january}\r\n!0000\r\n`), 5)
      expect(broken.sent).toEqual([])
      expect(broken.logs).toContainEqual(expect.objectContaining({ reason: "its checksum is wrong" }))
      const without = yield* monthsSent(Effect.succeedNone, 5)
      expect(without).toEqual({ sent: [], logs: [] })
    }),
  )

  it.scoped("are read a minute after a month has ended, and every hour otherwise", () =>
    Effect.gen(function* () {
      const readAt: Array<string> = []
      const zone = DateTime.zoneUnsafeMakeNamed(defaultZone)
      const read = Effect.map(DateTime.now, (now) => {
        readAt.push(DateTime.formatIso(now).slice(5, 16))
        return history(january)
      })
      yield* TestClock.setTime(DateTime.unsafeMake("2023-01-31T21:30:00Z").epochMillis)
      yield* Layer.build(
        TelegramReader.layer({ zone }).pipe(
          Layer.provide([MemoryMeter.layer(Effect.die("not asked"), { telegram: read }), MeteredPeaks.layer]),
        ),
      )
      yield* TestClock.adjust("3 hours")
      expect(readAt).toEqual(["01-31T21:30", "01-31T22:30", "01-31T23:01", "02-01T00:01"])
    }),
  )

  it.effect("are asked for again a minute after the meter could not be reached", () =>
    Effect.gen(function* () {
      const gone = new MeterError({ reason: "Unreachable", message: "gone" })
      const comesBack = Effect.flatMap(Clock.currentTimeMillis, (ms) =>
        ms % (60 * 60_000) < 90_000 ? gone : Effect.succeed(history(february)),
      )
      expect((yield* monthsSent(comesBack, 10)).sent).toEqual([["2023-02"]])
    }),
  )
})
