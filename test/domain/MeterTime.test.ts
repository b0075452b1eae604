import { DateTime, Option } from "effect"
import { describe, expect, it } from "vitest"
import { instantsOfStamp, latestInstantOfStamp, resolveTs } from "../../src/domain/index.ts"

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
    ["2026-02-30T12:00:00", []],
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
  const untrusted = (now: string) => ({ now: utc(now), trusted: false })
  const trusted = (now: string) => ({ now: utc(now), trusted: true })
  const previous = (ts: string, elapsedMs: number) => Option.some({ ts: utc(ts), elapsedMs })
  const key = (...args: Parameters<typeof resolveTs>) => {
    const { ts, tsSource } = resolveTs(...args)
    return `${DateTime.formatIso(ts)} ${tsSource}`
  }
  const stamp = "2026-07-15T12:00:00"

  it("is the meter's reading time, whatever an edge without a clock believes", () => {
    expect(key(stamp, brussels, untrusted("1970-01-01T00:01:00Z"), Option.none())).toBe(
      "2026-07-15T10:00:00.000Z meter",
    )
  })

  it("is the edge's clock when that is good and the meter is more than five minutes off", () => {
    expect(key(stamp, brussels, trusted("2026-07-15T10:04:59Z"), Option.none())).toBe("2026-07-15T10:00:00.000Z meter")
    expect(key(stamp, brussels, trusted("2026-07-15T10:05:01Z"), Option.none())).toBe("2026-07-15T10:05:01.000Z edge")
  })

  it("goes on from the previous one when neither clock can be believed", () => {
    const edge = untrusted("1970-01-01T00:01:00Z")
    expect(key("2026-07-15T11:00:00", brussels, edge, previous("2026-07-15T10:00:00Z", 1004))).toBe(
      "2026-07-15T10:00:01.004Z elapsed",
    )
    expect(key(null, brussels, edge, previous("2026-07-15T10:00:00Z", 0))).toBe("2026-07-15T10:00:00.001Z elapsed")
  })

  it("takes the first occurrence of the repeated hour until the stamp jumps back", () => {
    const edge = untrusted("2000-01-01T00:00:00Z")
    expect(key("2026-10-25T02:00:00", brussels, edge, previous("2026-10-24T23:59:59Z", 1000))).toBe(
      "2026-10-25T00:00:00.000Z meter",
    )
    expect(key("2026-10-25T02:00:00", brussels, edge, previous("2026-10-25T00:59:59Z", 1000))).toBe(
      "2026-10-25T01:00:00.000Z meter",
    )
  })
})
