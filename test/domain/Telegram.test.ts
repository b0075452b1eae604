import { DateTime, Either, Option } from "effect"
import { describe, expect, it } from "vitest"
import { parseTelegram } from "../../src/domain/index.ts"

const brussels = DateTime.zoneUnsafeMakeNamed("Europe/Brussels")

const telegram = (lines: ReadonlyArray<string>, crc = "") =>
  ["/FLU5\\253770234_A", "", "0-0:96.1.4(50217)", ...lines, `!${crc}`, ""].join("\r\n")

const read = (lines: ReadonlyArray<string>) => Either.getOrThrow(parseTelegram(telegram(lines), brussels))
const peaks = (history: string) =>
  read([`0-0:98.1.0${history}`]).meteredPeaks.map(({ month, peakTs, peakW }) => [
    month,
    peakW,
    peakTs && DateTime.formatIso(peakTs),
  ])

describe("a telegram's checksum", () => {
  it("is that of everything from the slash to the exclamation mark", () => {
    expect(Either.isRight(parseTelegram("/ISk5\\2MT382-1000\r\n\r\n!", brussels))).toBe(true)
    expect(parseTelegram("/X\r\n!0000\r\n", brussels)).toEqual(Either.left("its checksum is wrong"))
    // By an independent CRC-16/ARC, the one whose check value is BB3D.
    expect(Either.isRight(parseTelegram("/A!81C1\r\n", brussels))).toBe(true)
    expect(Either.isRight(parseTelegram("/B!81C1\r\n", brussels))).toBe(false)
  })

  it("cannot be checked without a beginning or an end", () => {
    for (const text of ["", "1-0:1.7.0(00.1*kW)\r\n!", "/FLU5\r\n0-0:1.0.0(230101000000W)"]) {
      expect(parseTelegram(text, brussels)).toEqual(Either.left("it has no beginning or no end"))
    }
  })
})

describe("a telegram's reading time", () => {
  const ts = (given: string) => Option.map(read([`0-0:1.0.0(${given})`]).ts, DateTime.formatIso)

  it("tells the two hours of an autumn night apart by its flag", () => {
    expect(ts("261025023000S")).toEqual(Option.some("2026-10-25T00:30:00.000Z"))
    expect(ts("261025023000W")).toEqual(Option.some("2026-10-25T01:30:00.000Z"))
  })

  it("is none where it is no date", () => {
    expect(ts("632525252525W")).toEqual(Option.none())
    expect(read([]).ts).toEqual(Option.none())
  })
})

describe("the peaks of closed months", () => {
  it("belong to the month that the row closes, whenever they occurred", () => {
    expect(
      peaks(
        "(3)(1-0:1.6.0)(1-0:1.6.0)(230201000000W)(230117224500W)(04.329*kW)" +
          "(230401000000S)(230401000000S)(05.000*kW)(231101000000W)(231029021500S)(02.513*kW)",
      ),
    ).toEqual([
      ["2023-01", 4329, "2023-01-17T21:45:00.000Z"],
      ["2023-03", 5000, "2023-03-31T22:00:00.000Z"],
      ["2023-10", 2513, "2023-10-29T00:15:00.000Z"],
    ])
  })

  it("leave out months without a peak, and keep a peak whose time is a filler", () => {
    expect(
      peaks(
        "(3)(1-0:1.6.0)(1-0:1.6.0)(230801000000S)(632525252525W)(00.000*kW)" +
          "(230901000000S)(632525252525W)(03.100*kW)(231001000000S)(231001000000S)(00.000*kW)",
      ),
    ).toEqual([["2023-08", 3100, null]])
  })

  it("are none in an empty history, or without one", () => {
    expect(peaks("(0)(1-0:1.6.0)(1-0:1.6.0)()")).toEqual([])
    expect(read([]).meteredPeaks).toEqual([])
  })
})
