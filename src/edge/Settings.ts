import { type DateTime, Duration, Either, Option } from "effect"
import { zoneNamed } from "../domain/index.ts"

const urlOf = (text: string): Option.Option<URL> => (URL.canParse(text) ? Option.some(new URL(text)) : Option.none())

const isBare = ({ hash, password, search, username }: URL): boolean => hash + password + search + username === ""

/** Which of the vendor's local APIs the meter is asked by. */
export type MeterApi = "v1" | "v2"

export interface MeterAddress {
  readonly host: string
  readonly port: number
  readonly api: MeterApi
}

const usual = { v1: { scheme: "http", port: "80" }, v2: { scheme: "https", port: "443" } } as const

/** Where the meter is: `host` or `host:port`; port 443 unless given, and 80 for v1. */
export const parseMeterHost = (text: string, api: MeterApi = "v2"): Either.Either<MeterAddress, string> =>
  urlOf(`${usual[api].scheme}://${text.trim()}`).pipe(
    Option.filter((url) => isBare(url) && url.pathname === "/" && url.port !== "0"),
    Option.map(({ hostname, port }) => ({
      host: hostname.replace(/^\[|\]$/g, ""),
      port: Number(port || usual[api].port),
      api,
    })),
    Either.fromOption(() => "expected host or host:port, such as 192.168.1.20"),
  )

const loopback = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/

/**
 * Where the API begins, from the server's address with or without `/v1/ingest`. Plain http only on this machine: the
 * token would be there to read for everybody on the way.
 */
export const parseServerUrl = (text: string): Either.Either<string, string> =>
  urlOf(text.trim()).pipe(
    Option.filter((url) => isBare(url) && (url.protocol === "https:" || url.protocol === "http:")),
    Either.fromOption(() => "expected an address such as https://p1.example.org"),
    Either.filterOrLeft(
      ({ hostname, protocol }) => protocol === "https:" || loopback.test(hostname),
      () => "expected https: over plain http anybody on the way could read the token",
    ),
    Either.map(({ origin, pathname }) => origin + pathname.replace(/\/+$/, "").replace(/\/v1\/ingest$/, "")),
  )

/** A token as it goes into a header: printable, without spaces. */
export const parseToken = (text: string): Either.Either<string, string> =>
  /^[\x21-\x7e]+$/.test(text.trim())
    ? Either.right(text.trim())
    : Either.left("expected a token: letters, digits and dashes, without spaces")

/** The meter's zone by its IANA name. */
export const parseZone = (name: string): Either.Either<DateTime.TimeZone.Named, string> =>
  Either.fromOption(zoneNamed(name), () => "expected an IANA zone of whole quarter-hours, such as Europe/Brussels")

/** The least time between two questions to a meter. Source: HomeWizard API documentation, rate. */
const leastInterval = Duration.millis(500)

/** How often the meter is asked. */
export const parseInterval = (text: string): Either.Either<Duration.Duration, string> =>
  Duration.decodeUnknown(text.trim()).pipe(
    Option.filter((interval) => Duration.isFinite(interval) && Duration.greaterThanOrEqualTo(interval, leastInterval)),
    Either.fromOption(() => "expected 500 millis or more, such as 1 second"),
  )

const aMinute = Duration.minutes(1)

/** When samples are committed: `each` at once, or in groups of some seconds, such as `5s`. */
export const parseCommit = (text: string): Either.Either<"each" | Duration.Duration, string> => {
  const trimmed = text.trim()
  if (trimmed === "each") return Either.right(trimmed)
  return Duration.decodeUnknown(trimmed.replace(/^(\d+) ?s$/, "$1 seconds")).pipe(
    Option.filter((group) => Duration.between(group, { minimum: Duration.seconds(1), maximum: aMinute })),
    Either.fromOption(() => "expected each, or seconds up to a minute, such as 5s"),
  )
}

const units: Readonly<Record<string, number>> = { "": 1, B: 1, KB: 1e3, MB: 1e6, GB: 1e9 }
/** Some ten hours of samples, and as much again for the log that thinning them writes. */
const leastBytes = 32_000_000

/** A size on the disk: bytes, or with a unit such as `500 MB`. */
export const parseBytes = (text: string): Either.Either<number, string> => {
  const [, amount = "", unit = ""] = /^(\d+(?:\.\d+)?) ?([KMG]?B|)$/i.exec(text.trim()) ?? []
  const bytes = Math.round(Number(amount) * (units[unit.toUpperCase()] ?? NaN))
  return amount !== "" && bytes >= leastBytes
    ? Either.right(bytes)
    : Either.left("expected a size of 32 MB or more, such as 2 GB")
}
