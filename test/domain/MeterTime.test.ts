import { DateTime, Option } from "effect"
import { describe, expect, it } from "vitest"
import {
  instantsOfStamp,
  latestInstantOfStamp,
  noRecentReadings,
  resolveTs,
  stampMovesOn,
  type TimeEvidence,
  withReading,
} from "../../src/domain/index.ts"
import { telegram } from "../edge/support/edge.ts"

const brussels = DateTime.zoneUnsafeMakeNamed("Europe/Brussels")
const utc = (iso: string) => DateTime.unsafeMake(iso)
const iso = (instants: ReadonlyArray<DateTime.Utc>) => instants.map(DateTime.formatIso)

describe("what a stamp without a zone can stand for", () => {
  it.each([
    ["2026-01-15T12:00:00", ["2026-01-15T11:00:00.000Z"]],
    ["2026-07-15T12:00:00", ["2026-07-15T10:00:00.000Z"]],
    ["2026-07-15T12:00:00.250", ["2026-07-15T10:00:00.250Z"]],
    ["2026-10-25T01:59:59", ["2026-10-24T23:59:59.000Z"]],
    ["2026-10-25T02:00:00", ["2026-10-25T00:00:00.000Z", "2026-10-25T01:00:00.000Z"]],
    ["2026-10-25T02:59:59", ["2026-10-25T00:59:59.000Z", "2026-10-25T01:59:59.000Z"]],
    ["2026-10-25T03:00:00", ["2026-10-25T02:00:00.000Z"]],
    ["2026-03-29T01:59:59", ["2026-03-29T00:59:59.000Z"]],
    ["2026-03-29T02:30:00", []],
    ["2026-03-29T03:00:00", ["2026-03-29T01:00:00.000Z"]],
    ["2026-07-15T12:00:00+01:00", ["2026-07-15T11:00:00.000Z"]],
    ["2026-07-15T12:00:00Z", ["2026-07-15T12:00:00.000Z"]],
    ["2027-01-01T00:59:60", ["2026-12-31T23:59:59.999Z"]],
    ["2027-01-01T00:59:60.5+01:00", ["2026-12-31T23:59:59.999Z"]],
    ["2026-02-30T12:00:00", []],
    ["2026-02-28T23:60:00", []],
    ["2026-02-28T23:59:61", []],
    ["2026-13-01T12:00:00", []],
    ["yesterday", []],
    ["", []],
  ])("%s", (stamp, expected) => {
    expect(iso(instantsOfStamp(stamp, brussels))).toEqual(expected)
  })

  it("reads the stamp of a peak as late as it can have been", () => {
    const at = (limit: string) =>
      Option.map(latestInstantOfStamp("2026-10-25T02:15:00", brussels, utc(limit)), DateTime.formatIso)
    expect(at("2026-10-25T00:30:00Z")).toEqual(Option.some("2026-10-25T00:15:00.000Z"))
    expect(at("2026-10-25T01:30:00Z")).toEqual(Option.some("2026-10-25T01:15:00.000Z"))
    expect(at("2026-10-24T01:30:00Z")).toEqual(Option.none())
  })
})

describe("the key of a sample", () => {
  const untrusted = { now: utc("1970-01-01T00:01:00Z"), trusted: false }
  const trusted = (now: string) => ({ now: utc(now), trusted: true })
  const previous = (ts: string, elapsedMs: number) => Option.some({ ts: utc(ts), elapsedMs, thisRun: true })
  const earlierRun = (ts: string) => Option.some({ ts: utc(ts), elapsedMs: 500, thisRun: false })
  const key = (stamp: string | null, evidence: Partial<TimeEvidence>) =>
    Option.match(resolveTs(stamp, brussels, { edge: untrusted, previous: Option.none(), ...evidence }), {
      onNone: () => "held back",
      onSome: ({ ts, tsSource }) => `${DateTime.formatIso(ts)} ${tsSource}`,
    })
  const stamp = "2026-07-15T12:00:00"

  it("is the meter's reading time, whatever an edge without a clock believes", () => {
    expect(key(stamp, {})).toBe("2026-07-15T10:00:00.000Z meter")
    expect(key("2026-07-15T12:00:00.250+02:00", {})).toBe("2026-07-15T10:00:00.250Z meter")
  })

  it("is the edge's clock when that is good and the meter is more than five minutes off, but lives", () => {
    expect(key(stamp, { edge: trusted("2026-07-15T10:04:59Z") })).toBe("2026-07-15T10:00:00.000Z meter")
    const off = { edge: trusted("2026-07-15T10:05:01Z") }
    expect(key(stamp, off)).toBe("held back")
    expect(key(stamp, { ...off, movesOn: true })).toBe("2026-07-15T10:05:01.000Z edge")
  })

  it("is the edge's clock again after a meter that ran an hour ahead, once that clock is known to be good", () => {
    const edge = trusted("2026-07-15T10:00:01Z")
    const ahead = previous("2026-07-15T11:00:00Z", 1000)
    expect(key("2026-07-15T13:00:01", { edge, previous: ahead, movesOn: true })).toBe("2026-07-15T10:00:01.000Z edge")
  })

  it("goes on from the previous one when neither clock can be believed", () => {
    const last = previous("2026-07-15T10:00:00Z", 1004)
    expect(key("2026-07-15T11:00:00", { previous: last })).toBe("held back")
    expect(key("2026-07-15T11:00:00", { previous: last, movesOn: true })).toBe("2026-07-15T10:00:01.004Z elapsed")
    expect(key(null, { previous: previous("2026-07-15T10:00:00Z", 0) })).toBe("2026-07-15T10:00:00.001Z elapsed")
    expect(key("2026-03-29T02:30:00", { previous: previous("2026-03-29T01:00:00Z", 1000) })).toBe(
      "2026-03-29T01:00:01.000Z elapsed",
    )
  })

  it("follows a clock that was set ahead, once it moves on from there", () => {
    const last = previous("2026-07-15T08:00:00Z", 1000)
    expect(key(stamp, { previous: last })).toBe("held back")
    expect(key(stamp, { previous: last, movesOn: true })).toBe("2026-07-15T10:00:00.000Z meter")
  })

  it("waits, at half the speed of time, for a clock that it has run ahead of by less than five minutes", () => {
    const last = previous("2026-07-15T10:00:10Z", 4000)
    const edge = trusted("2026-07-15T10:00:07Z")
    expect(key("2026-07-15T12:00:05", { edge, previous: last, movesOn: true })).toBe("2026-07-15T10:00:12.000Z elapsed")
    expect(key(null, { edge, previous: last })).toBe("2026-07-15T10:00:12.000Z elapsed")
    expect(key(null, { edge: trusted("2026-07-15T10:00:11Z"), previous: last })).toBe("2026-07-15T10:00:11.000Z edge")
    expect(key(null, { edge: trusted("2026-07-15T09:00:00Z"), previous: last })).toBe("2026-07-15T09:00:00.000Z edge")
  })

  it("is the reading time of one that comes late: never taken, and at most a minute older than the newest", () => {
    const recent = [0, 1, 5].reduce(
      (readings, second) =>
        withReading(readings, telegram(null), `2026-07-15T12:01:0${second}`, utc(`2026-07-15T10:01:0${second}Z`)),
      noRecentReadings(utc("2026-07-15T10:00:50Z").epochMillis),
    )
    const evidence = { previous: previous("2026-07-15T10:01:05Z", 1000), recent }
    expect(key("2026-07-15T12:01:03", evidence)).toBe("2026-07-15T10:01:03.000Z meter")
    expect(key("2026-07-15T12:00:51", evidence)).toBe("2026-07-15T10:00:51.000Z meter")
    expect(key("2026-07-15T12:01:01", evidence)).toBe("held back")
    expect(key("2026-07-15T12:00:50", evidence)).toBe("held back")
    const { previous: last } = evidence
    expect(key("2026-07-15T12:00:04", { previous: last, recent: { ...recent, afterMs: -Infinity } })).toBe("held back")
  })

  it("is never that of a reading which is replayed", () => {
    const last = previous("2026-07-15T10:00:10Z", 2000)
    for (const edge of [untrusted, trusted("2026-07-15T10:00:12Z")]) {
      expect(key("2026-07-15T12:00:02", { edge, previous: last })).toBe("held back")
    }
  })

  describe("in the repeated hour of autumn", () => {
    it("takes the first occurrence until the stamp jumps back", () => {
      expect(key("2026-10-25T02:00:00", { previous: previous("2026-10-24T23:59:59Z", 1000) })).toBe(
        "2026-10-25T00:00:00.000Z meter",
      )
      expect(key("2026-10-25T02:00:00", { previous: previous("2026-10-25T00:59:59Z", 1000) })).toBe(
        "2026-10-25T01:00:00.000Z meter",
      )
      expect(key("2026-10-25T02:40:00", { previous: earlierRun("2026-10-25T00:30:00Z") })).toBe(
        "2026-10-25T00:40:00.000Z meter",
      )
      expect(key("2026-10-25T02:10:00", { previous: earlierRun("2026-10-25T00:30:00Z") })).toBe(
        "2026-10-25T01:10:00.000Z meter",
      )
    })

    it("is told by a clock that is good, or by the flag of the telegram, also after a restart", () => {
      const restarted = { previous: earlierRun("2026-10-25T00:30:00Z") }
      const good = { ...restarted, edge: trusted("2026-10-25T01:40:01Z") }
      expect(key("2026-10-25T02:40:00", good)).toBe("2026-10-25T01:40:00.000Z meter")
      const telegram = Option.some({ ts: utc("2026-10-25T01:39:59Z"), elapsedMs: 1000 })
      expect(key("2026-10-25T02:40:00", { ...restarted, telegram })).toBe("2026-10-25T01:40:00.000Z meter")
      expect(key("2026-10-25T02:40:00", { telegram })).toBe("2026-10-25T01:40:00.000Z meter")
    })

    it("is told by the time that has passed: an hour without readings, or a clock set back by a moment", () => {
      expect(key("2026-10-25T02:40:00", { previous: previous("2026-10-25T00:30:00Z", 70 * 60_000) })).toBe(
        "2026-10-25T01:40:00.000Z meter",
      )
      const last = previous("2026-10-25T00:30:00Z", 1000)
      expect(key("2026-10-25T02:29:58", { previous: last })).toBe("held back")
      expect(key("2026-10-25T02:29:59", { previous: last, movesOn: true })).toBe("2026-10-25T00:30:00.500Z elapsed")
    })
  })

  it("a stamp moves on when it goes ahead as time does", () => {
    expect(stampMovesOn("2026-07-15T12:00:00", "2026-07-15T12:00:01", 1000)).toBe(true)
    expect(stampMovesOn("2026-07-15T12:00:00", "2026-07-15T12:00:00", 1000)).toBe(false)
    expect(stampMovesOn("2026-07-15T12:00:01", "2026-07-15T12:00:00", 1000)).toBe(false)
    expect(stampMovesOn("2026-07-15T12:00:00", "2026-07-15T12:02:00", 1000)).toBe(false)
    expect(stampMovesOn("2026-07-15T12:00:00", "yesterday", 1000)).toBe(false)
  })
})
