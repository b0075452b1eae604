import { FileSystem } from "@effect/platform"
import { describe, expect, it } from "@effect/vitest"
import { DateTime, Effect, Layer, Option, Ref, TestClock } from "effect"
import { EdgeState, Spool } from "../../src/domain/ports/index.ts"
import { EdgeClock, EdgeStatus } from "../../src/edge/index.ts"
import * as StatusFile from "../../src/edge/StatusFile.ts"
import { readReport, type StatusReport } from "../../src/edge/StatusReport.ts"
import { lasting, statusText } from "../../src/edge/StatusText.ts"
import { makeUploadProgress } from "../../src/edge/UploadProgress.ts"
import { MemoryEdgeState } from "../../src/infra/memory/index.ts"
import { edgeInMemory, recordLogs, spoolSamples, steppingClock } from "./support/edge.ts"

const now = DateTime.unsafeMake("2026-07-15T10:00:00Z")
const report: StatusReport = {
  at: now,
  started_at: DateTime.subtract(now, { hours: 26 }),
  pid: 42,
  meter: "192.168.1.20",
  meter_identity: { serial: "5c2faf0a1b2c", key: "0a1b" },
  server: "https://p1.example.org",
  taken: 93_600,
  missed: 2,
  bad_readings: 0,
  uploaded: 1_300_000,
  last_sample_ts: DateTime.add(now, { seconds: 90, millis: -500 }),
  meter_error: null,
  upload_error: null,
  spool: {
    waiting: 1_200_000,
    oldest_ts: DateTime.subtract(now, { days: 14, seconds: -90 }),
    quarantined: 3,
    thinned: 0,
    salvaged: 0,
    lost: 0,
    bytes: 310_000_000,
    commit_p99_ms: 8,
  },
  upload: { samples_per_second: 10_000, backlog_of: 2_500_000 },
  clock_offset_ms: -90_500,
}

describe("what a person is shown", () => {
  it("is all of it, with the backlog's progress", () => {
    expect(statusText(report, now).split("\n")).toEqual([
      "p1-edge runs since 1 d 2 h (process 42)",
      "  meter       192.168.1.20, last sample 1 s ago",
      "  samples     93,600 taken since the start, 2 missed",
      "  spool       1,200,000 samples wait, the oldest taken 14 d ago; 310 MB on the disk",
      "  disk        99 of 100 commits within 8 ms",
      "  upload      to https://p1.example.org",
      "              1,300,000 samples since the start; 10,000 a second, 2 min to go",
      "              ████████████████░░░░░░░░░░░░░░ 52 %",
      "  clock       1 min 31 s behind the server's",
      "  quarantine  3 samples that the server refused: see p1-edge quarantine list",
    ])
  })

  it("is what went wrong, in words", () => {
    const troubled = {
      ...report,
      meter_error: "The meter does not answer.",
      upload_error: "The server refuses the token.",
    }
    expect(statusText(troubled, now)).toContain("last sample 1 s ago\n              The meter does not answer.")
    const damaged = { ...report, spool: { ...report.spool, salvaged: 1_990, lost: 10 } }
    expect(statusText(damaged, now).split("\n").slice(-2)).toEqual([
      "  salvaged    1,990 samples read out of a damaged spool",
      "  lost        10 samples of a damaged spool",
    ])
    expect(statusText({ ...report, bad_readings: 2 }, now)).toContain(
      "93,600 taken since the start, 2 missed, 2 readings unusable\n",
    )
    expect(statusText(troubled, now)).toContain("52 %\n              The server refuses the token.")
  })

  it("are the two largest parts of a time", () => {
    expect([0, 59, 61, 3600, 90_061, 1e6].map(lasting)).toEqual([
      "0 s",
      "59 s",
      "1 min 1 s",
      "1 h",
      "1 d 1 h",
      "11 d 13 h",
    ])
  })
})

describe("the backlog's progress", () => {
  it.effect("is the rate of the last half minute, out of the most that waited", () =>
    Effect.gen(function* () {
      const progress = yield* makeUploadProgress
      const look = (second: number, uploaded: number, waiting: number) =>
        progress({ uploaded, waiting, nowNs: BigInt(second) * 1_000_000_000n })
      expect(yield* look(0, 0, 9_000)).toEqual({ samples_per_second: 0, backlog_of: 9_000 })
      expect(yield* look(5, 2_000, 10_000)).toEqual({ samples_per_second: 400, backlog_of: 10_000 })
      yield* Effect.forEach([10, 15, 20, 25, 30], (second) => look(second, 2_000, 9_000))
      expect(yield* look(35, 2_000, 9_000)).toEqual({ samples_per_second: 0, backlog_of: 10_000 })
      expect(yield* look(40, 10_950, 50)).toMatchObject({ backlog_of: null })
    }),
  )
})

describe("the file beside the spool", () => {
  const files = Effect.map(Ref.make<Readonly<Record<string, string>>>({}), (state) => ({
    all: Ref.get(state),
    layer: FileSystem.layerNoop({
      writeFileString: (path, text) => Ref.update(state, (all) => ({ ...all, [path]: text })),
      rename: (from, to) => Ref.update(state, ({ [from]: moved = "", ...all }) => ({ ...all, [to]: moved })),
      remove: (path) => Ref.update(state, ({ [path]: _, ...all }) => all),
      readFileString: (path) => Effect.map(Ref.get(state), (all) => all[path] ?? ""),
    }),
  }))
  const path = "/data/status.json"

  it.effect("has each count of the spool under its name", () =>
    Effect.gen(function* () {
      const { layer } = yield* files
      yield* Effect.gen(function* () {
        const spool = yield* Spool
        const counted = Layer.succeed(Spool, {
          ...spool,
          status: Effect.succeed({
            waiting: 9,
            oldestTs: Option.some(now),
            quarantined: 1,
            thinned: { toTenSeconds: 20, toOneMinute: 300, withoutRegisters: 4_000 },
            salvaged: 5,
            lost: 6,
            salvaging: false,
            bytes: 7,
            commitP99Ms: Option.some(7.2),
          }),
        })
        const file = StatusFile.layer({ path, meter: "meter", server: "https://p1.example.org", pid: 42 })
        yield* Effect.fork(Layer.launch(Layer.provide(file, counted)))
        yield* TestClock.adjust("1 second")
        expect((yield* readReport(path)).spool).toEqual({
          waiting: 9,
          oldest_ts: now,
          quarantined: 1,
          thinned: 4_320,
          salvaged: 5,
          lost: 6,
          bytes: 7,
          commit_p99_ms: 8,
        })
      }).pipe(Effect.provide([layer, edgeInMemory, MemoryEdgeState.layer, (yield* recordLogs).layer]))
    }),
  )

  it.effect("says how long the edge has run also when the clock was right only later", () =>
    Effect.gen(function* () {
      const { layer } = yield* files
      const { clock, wall } = yield* steppingClock
      yield* TestClock.setTime(now.epochMillis)
      wall.offsetMs = -now.epochMillis
      yield* Effect.gen(function* () {
        const edge = Layer.launch(StatusFile.layer({ path, meter: "meter", server: "https://p1.example.org", pid: 42 }))
        yield* Effect.fork(Effect.withClock(edge, clock))
        yield* TestClock.adjust("20 seconds")
        wall.offsetMs = 0
        yield* TestClock.adjust("10 seconds")
        expect((yield* readReport(path)).started_at).toEqual(now)
      }).pipe(Effect.provide([layer, edgeInMemory, MemoryEdgeState.layer, (yield* recordLogs).layer]))
    }),
  )

  it.effect("says every 10 s what the edge does, is given up by an edge that hangs, and goes with it", () =>
    Effect.gen(function* () {
      const { all, layer } = yield* files
      yield* Effect.gen(function* () {
        yield* TestClock.setTime(now.epochMillis)
        yield* spoolSamples(2)
        yield* (yield* EdgeState).set("meter.identity", '{"serial":"5c2faf0a1b2c","key":"0a1b"}')
        yield* Ref.update(yield* EdgeStatus, (state) => ({ ...state, waiting: 2 }))
        const clock = yield* EdgeClock
        yield* clock.compare(DateTime.subtract(now, { seconds: 2 }))
        const edge = yield* Effect.fork(
          Layer.launch(StatusFile.layer({ path, meter: "meter", server: "https://p1.example.org", pid: 42 })),
        )
        yield* TestClock.adjust("1 second")
        expect(yield* readReport(path)).toMatchObject({
          taken: 0,
          bad_readings: 0,
          meter_identity: { serial: "5c2faf0a1b2c", key: "0a1b" },
          spool: { waiting: 2 },
          clock_offset_ms: 2000,
        })
        yield* Ref.update(yield* EdgeStatus, (state) => ({
          ...state,
          uploadError: Option.some("no way"),
          badReadings: 3,
        }))
        yield* TestClock.adjust("10 seconds")
        expect(yield* readReport(path)).toMatchObject({ upload_error: "no way", bad_readings: 3 })
        expect(Object.keys(yield* all)).toEqual([path])
        const last = (yield* all)[path] ?? ""
        yield* edge.interruptAsFork(edge.id())
        yield* TestClock.adjust("1 second")
        expect((yield* Effect.flip(readReport(path))).message).toContain("No edge runs here")
        yield* (yield* FileSystem.FileSystem).writeFileString(path, last)
        yield* readReport(path)
        yield* TestClock.adjust("40 seconds")
        expect((yield* Effect.flip(readReport(path))).message).toContain("has said nothing for")
      }).pipe(Effect.provide([layer, edgeInMemory, MemoryEdgeState.layer, (yield* recordLogs).layer]))
    }),
  )
})
