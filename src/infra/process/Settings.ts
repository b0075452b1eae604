import { Config, ConfigError, Duration, Either, LogLevel, Option, Redacted } from "effect"

/** A variable whose text is parsed; what is wrong with it is said behind its name. */
export const parsed = <A>(name: string, parse: (text: string) => Either.Either<A, string>): Config.Config<A> =>
  Config.mapOrFail(Config.string(), (text) =>
    Either.mapLeft(parse(text), (message) => ConfigError.InvalidData([], message)),
  ).pipe(Config.nested(name))

/** A TCP port; 0 takes any that is free. */
export const port = (name: string): Config.Config<number> =>
  parsed(name, (text) => {
    const value = /^\d{1,5}$/.test(text.trim()) ? Number(text) : -1
    return value >= 0 && value <= 65_535 ? Either.right(value) : Either.left("expected 0 to 65535")
  })

/** An address of one of the given schemes, such as `postgres:`; an empty variable is one that is not set. */
export const address = (
  name: string,
  schemes: ReadonlyArray<string>,
): Config.Config<Option.Option<Redacted.Redacted>> =>
  parsed(name, (text) => {
    if (text.trim() === "") return Either.right(Option.none<Redacted.Redacted>())
    return URL.canParse(text.trim()) && schemes.includes(new URL(text.trim()).protocol)
      ? Either.right(Option.some(Redacted.make(text.trim())))
      : Either.left(`expected ${schemes.map((scheme) => `${scheme}//…`).join(" or ")}`)
  }).pipe(Config.withDefault(Option.none<Redacted.Redacted>()))

const isOrigin = (text: string): boolean => URL.canParse(text) && new URL(text).origin === text

/** Origins of pages, such as `https://home.example.org`, separated by commas or spaces; none unless it is set. */
export const origins = (name: string): Config.Config<ReadonlyArray<string>> =>
  parsed(name, (text) => {
    const given = text.split(/[\s,]+/).filter((origin) => origin !== "")
    const wrong = given.find((origin) => !isOrigin(origin))
    return wrong === undefined
      ? Either.right(given)
      : Either.left(`expected origins such as https://home.example.org, without a path, not ${wrong}`)
  }).pipe(Config.withDefault<ReadonlyArray<string>>([]))

/** Shorter ones would take what a late device or a wrong bill may still need. */
const leastRetention = Duration.days(90)

/** How long something is kept: `off` for ever, or a time such as `180 days`. */
export const retention = (name: string): Config.Config<Option.Option<Duration.Duration>> =>
  parsed(name, (text) => {
    if (text.trim() === "" || text.trim() === "off") return Either.right(Option.none<Duration.Duration>())
    const time = Duration.decodeUnknown(text.trim())
    return Option.isSome(time) && Duration.greaterThanOrEqualTo(time.value, leastRetention)
      ? Either.right(time)
      : Either.left(`expected off, or ${Duration.format(leastRetention)} at least such as "180 days"`)
  }).pipe(Config.withDefault(Option.none<Duration.Duration>()))

/** How much is logged, and in which form. */
export const logs = (names: { readonly format: string; readonly level: string }) =>
  Config.all({
    format: Config.withDefault(Config.literal("pretty", "json")(names.format), "pretty" as const),
    level: Config.withDefault(Config.logLevel(names.level), LogLevel.Info),
  })
