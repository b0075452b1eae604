import { Option, Redacted } from "effect"
import { describe, expect, it } from "vitest"
import { formatToken, parseToken, tokenLetter, tokenRandomLength } from "../../src/domain/index.ts"

const letters = "Ab3".repeat(14)

describe("a token", () => {
  it("starts with its kind and carries its public id", () => {
    expect(letters).toHaveLength(tokenRandomLength)
    const token = formatToken("device", letters)
    expect(Redacted.value(token)).toMatch(/^p1d_[0-9A-Za-z]{48}$/)
    expect(parseToken(token)).toEqual(Option.some({ kind: "device", tokenId: letters.slice(0, 10) }))
    expect(parseToken(formatToken("read", letters))).toEqual(
      Option.some({ kind: "read", tokenId: letters.slice(0, 10) }),
    )
  })

  it("is refused when any one letter is wrong, missing or too many", () => {
    const text = Redacted.value(formatToken("read", letters))
    for (let i = 0; i < text.length; i++) {
      const other = text[i] === "x" ? "y" : "x"
      expect(Option.isNone(parseToken(Redacted.make(text.slice(0, i) + other + text.slice(i + 1))))).toBe(true)
    }
    expect(Option.isNone(parseToken(Redacted.make(text.slice(0, -1))))).toBe(true)
    expect(Option.isNone(parseToken(Redacted.make(`${text}0`)))).toBe(true)
    expect(Option.isNone(parseToken(Redacted.make("")))).toBe(true)
  })

  it("draws every letter equally often", () => {
    const counts = new Map<string, number>()
    for (let byte = 0; byte < 256; byte++) {
      Option.map(tokenLetter(byte), (letter) => counts.set(letter, (counts.get(letter) ?? 0) + 1))
    }
    expect(counts.size).toBe(62)
    expect(new Set(counts.values())).toEqual(new Set([4]))
  })
})
