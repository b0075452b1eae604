import { Duration, Either, Option } from "effect"
import { describe, expect, it } from "vitest"
import {
  parseBytes,
  parseCommit,
  parseMeterHost,
  parseServerUrl,
  parseToken,
  parseZone,
} from "../../src/edge/Settings.ts"

describe("settings", () => {
  it.each([
    ["192.168.1.20", { host: "192.168.1.20", port: 443, api: "v2" }],
    ["p1meter.local:8443", { host: "p1meter.local", port: 8443, api: "v2" }],
    [" [fe80::1]:8443 ", { host: "fe80::1", port: 8443, api: "v2" }],
  ])("a meter is at %s", (text, expected) => {
    expect(parseMeterHost(text)).toEqual(Either.right(expected))
  })

  it("a meter of Local API v1 is on port 80 unless given", () => {
    expect(parseMeterHost("192.168.1.20", "v1")).toEqual(Either.right({ host: "192.168.1.20", port: 80, api: "v1" }))
    expect(parseMeterHost("192.168.1.20:443", "v1")).toMatchObject({ right: { port: 443 } })
  })

  it.each(["", "a b", "https://192.168.1.20", "192.168.1.20/api", "me@192.168.1.20", "192.168.1.20:0", "host:99999"])(
    "a meter is not at '%s'",
    (text) => {
      expect(Either.isLeft(parseMeterHost(text))).toBe(true)
    },
  )

  it.each([
    ["https://p1.example.org", "https://p1.example.org"],
    ["https://p1.example.org/", "https://p1.example.org"],
    ["https://p1.example.org/v1/ingest", "https://p1.example.org"],
    ["https://p1.example.org:8443/energy/v1/ingest/", "https://p1.example.org:8443/energy"],
    ["http://localhost:8080", "http://localhost:8080"],
    ["http://127.0.0.1:8080/v1/ingest", "http://127.0.0.1:8080"],
    ["http://[::1]:8080", "http://[::1]:8080"],
  ])("a server is at %s", (text, expected) => {
    expect(parseServerUrl(text)).toEqual(Either.right(expected))
  })

  it.each([
    "",
    "p1.example.org",
    "ftp://p1.example.org",
    "http://p1.example.org",
    "http://localhost.example.org",
    "https://me:secret@p1.example.org",
    "https://p1.example.org/?token=x",
  ])("a server is not at '%s'", (text) => {
    expect(Either.isLeft(parseServerUrl(text))).toBe(true)
  })

  it("a token is one word", () => {
    expect(parseToken(" p1d_abc\n")).toEqual(Either.right("p1d_abc"))
    expect(Either.isLeft(parseToken(""))).toBe(true)
    expect(Either.isLeft(parseToken("two words"))).toBe(true)
  })

  it("a zone has a name and whole quarter-hours", () => {
    expect(Option.map(Either.getRight(parseZone("Europe/Brussels")), ({ id }) => id)).toEqual(
      Option.some("Europe/Brussels"),
    )
    expect(Either.isLeft(parseZone("Europe/Atlantis"))).toBe(true)
  })

  it.each([
    ["each", "each"],
    ["5s", Duration.seconds(5)],
    [" 10 seconds", Duration.seconds(10)],
  ] as const)("samples are committed %s", (text, expected) => {
    expect(parseCommit(text)).toEqual(Either.right(expected))
  })

  it.each(["", "never", "0s", "2 minutes", "5"])("samples are not committed '%s'", (text) => {
    expect(Either.isLeft(parseCommit(text))).toBe(true)
  })

  it("a size has a unit or none, and leaves room for samples and for the log", () => {
    expect(["2 GB", "500MB", "32000000", "1.5gb"].map((text) => Either.getOrNull(parseBytes(text)))).toEqual([
      2e9, 5e8, 3.2e7, 1.5e9,
    ])
    expect(["", "GB", "2 TB", "31 MB", "-5 GB", "lots"].every((text) => Either.isLeft(parseBytes(text)))).toBe(true)
  })
})
