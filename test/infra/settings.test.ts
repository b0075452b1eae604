import { ConfigProvider, Duration, Effect, Either, Option } from "effect"
import { describe, expect, it } from "vitest"
import { Settings } from "../../src/infra/process/index.ts"

const read = (text?: string) =>
  Settings.retention("RETENTION").pipe(
    Effect.withConfigProvider(ConfigProvider.fromMap(new Map(text === undefined ? [] : [["RETENTION", text]]))),
    Effect.either,
    Effect.runSync,
  )

describe("how long samples are kept", () => {
  it.each([undefined, "", "off"])("for ever: %s", (text) => {
    expect(read(text)).toEqual(Either.right(Option.none()))
  })

  it.each(["90 days", " 180 days ", "52 weeks"])("for a time: %s", (text) => {
    const kept = Either.getOrThrow(read(text))
    expect(Option.exists(kept, Duration.greaterThanOrEqualTo("90 days"))).toBe(true)
  })

  it.each(["89 days", "1 hour", "-90 days", "90", "long"])("is refused where it is too short or none: %s", (text) => {
    const error = Either.getOrThrow(Either.flip(read(text)))
    expect(String(error)).toContain('expected off, or 90d at least such as "180 days"')
  })
})
