import { DateTime } from "effect"
import { describe, expect, it } from "vitest"
import {
  bucketOf,
  cutRange,
  type Frame,
  localDateOf,
  monthOf,
  quarterHourMs,
  rangeOfFrame,
  rangeOfMonth,
} from "../../src/domain/index.ts"

const brussels = DateTime.zoneUnsafeMakeNamed("Europe/Brussels")
const quarters = ({ fromMs, toMs }: { readonly fromMs: number; readonly toMs: number }) =>
  (toMs - fromMs) / quarterHourMs
const iso = (epochMillis: number) => new Date(epochMillis).toISOString().replace(":00.000Z", "Z")

describe("local months, days and weeks", () => {
  it.each([
    ["2026-01", 2976],
    ["2026-03", 2972],
    ["2026-10", 2980],
    ["2026-02", 2688],
  ])("%s has %i quarter-hours in Brussels", (month, count) => {
    expect(quarters(rangeOfMonth(month, brussels))).toBe(count)
  })

  it("ends the month at local midnight", () => {
    const { fromMs, toMs } = rangeOfMonth("2026-03", brussels)
    expect([iso(fromMs), iso(toMs)]).toEqual(["2026-02-28T23:00Z", "2026-03-31T22:00Z"])
    expect(monthOf(toMs - 1, brussels)).toBe("2026-03")
    expect(monthOf(toMs, brussels)).toBe("2026-04")
  })

  it.each([
    ["day", "2026-03-29", 23, "2026-03-28T23:00Z"],
    ["day", "2026-10-25", 25, "2026-10-24T22:00Z"],
    ["day", "2026-07-15", 24, "2026-07-14T22:00Z"],
    ["week", "2027-01-01", 7, "2026-12-27T23:00Z"],
    ["month", "2026-10-25", 5, "2026-09-30T22:00Z"],
    ["year", "2026-10-25", 12, "2025-12-31T23:00Z"],
  ] as const)("a %s around %s has %i buckets and starts at %s", (frame, date, count, from) => {
    const range = rangeOfFrame(frame, date, brussels)
    const pieces = cutRange(range, bucketOf(frame), brussels)
    expect(pieces).toHaveLength(count)
    expect(iso(pieces[0]?.fromMs ?? 0)).toBe(from)
  })

  it("cuts every frame without gap or overlap, clipped to the frame", () => {
    const frames: ReadonlyArray<Exclude<Frame, "all">> = ["day", "week", "month", "year"]
    for (const frame of frames) {
      for (const date of ["2026-01-01", "2026-03-29", "2026-10-25", "2024-02-29", "2026-12-31"]) {
        const range = rangeOfFrame(frame, date, brussels)
        const pieces = cutRange(range, bucketOf(frame), brussels)
        expect(pieces[0]?.fromMs).toBe(range.fromMs)
        expect(pieces.at(-1)?.toMs).toBe(range.toMs)
        pieces.slice(1).forEach((piece, i) => {
          expect(piece.fromMs).toBe(pieces[i]?.toMs)
          expect(piece.toMs).toBeGreaterThan(piece.fromMs)
        })
      }
    }
  })

  it("knows the local date of an instant", () => {
    expect(localDateOf(DateTime.unsafeMake("2026-03-31T22:00:00Z"), brussels)).toBe("2026-04-01")
  })
})
