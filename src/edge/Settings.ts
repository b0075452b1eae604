import { type DateTime, Duration, Either, Option } from "effect"
import { zoneNamed } from "../domain/index.ts"

const urlOf = (text: string): Option.Option<URL> => (URL.canParse(text) ? Option.some(new URL(text)) : Option.none())

const isBare = ({ hash, password, search, username }: URL): boolean => hash + password + search + username === ""

/** Where the meter is: `host` or `host:port`; port 443 unless given. */
export const parseMeterHost = (text: string): Either.Either<{ readonly host: string; readonly port: number }, string> =>
  urlOf(`https://${text.trim()}`).pipe(
    Option.filter((url) => isBare(url) && url.pathname === "/" && url.port !== "0"),
    Option.map(({ hostname, port }) => ({ host: hostname.replace(/^\[|\]$/g, ""), port: Number(port || "443") })),
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
