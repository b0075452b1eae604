import { type DateTime, Effect, Either, Option, ParseResult, Schema } from "effect"
import { Measurement, parseTelegram, unreadableExternals } from "../../domain/index.ts"
import { type MeterError, MeterProbe } from "../../domain/ports/index.ts"
import { failed, type Found, type MeterCheck, ok, warning } from "./Finding.ts"

const decodeMeasurement = Schema.decodeEither(Schema.parseJson(Measurement))

const issueOf = (error: ParseResult.ParseError): string =>
  ParseResult.ArrayFormatter.formatErrorSync(error)
    .slice(0, 1)
    .map(({ message, path }) => (path.length === 0 ? message : `${path.join(".")}: ${message}`))
    .join()

/** The measurement, or what is wrong with the answer. */
export const measure: Effect.Effect<Either.Either<Measurement, Found>, MeterError, MeterProbe> = Effect.gen(
  function* () {
    const probe = yield* MeterProbe
    const { status, text } = yield* probe.get("/api/measurement", "owner")
    if (status !== 200) {
      return Either.left(failed(`it answers /api/measurement with status ${status}: restart it and try again.`))
    }
    return Either.mapLeft(decodeMeasurement(text), (error) =>
      failed(
        `its measurement cannot be read (${issueOf(error)}): restart it; if it stays so, report it with this line.`,
      ),
    )
  },
)

const total = (kwh: number | null, tariffs: ReadonlyArray<number | null>): boolean =>
  kwh !== null || tariffs.some((register) => register !== null)

const mandate =
  "a Belgian meter gives both once the P1 port is requested at the grid operator, each year anew; a Dutch one never does"

const judge = (m: Measurement): Found => {
  if (m.powerW === null) return failed("it gives no power: check the cable between dongle and smart meter.")
  if (!total(m.energyImportKwh, [m.energyImportT1Kwh, m.energyImportT2Kwh])) {
    return failed("it gives no import register, which energy is counted from: check the cable, then restart it.")
  }
  const broken = unreadableExternals(m)
  const oddities = [
    ...(m.timestamp === null ? ["no reading time: this machine's clock is used"] : []),
    ...(m.averagePower15mW === null || m.monthlyPowerPeakW === null
      ? [`no quarter-hour mean or no monthly peak: ${mandate}`]
      : []),
    ...(m.tariff === null ? ["no tariff"] : []),
    ...(broken > 0 ? [`${broken} of its sub-meters cannot be read and are left out`] : []),
  ]
  const said = `${m.powerW} W, import ${m.energyImportKwh ?? "by tariff"} kWh, ${m.external?.length ?? 0} sub-meters`
  return oddities.length === 0 ? ok(said) : warning(`${said}; ${oddities.join("; ")}`)
}

/** Whether the measurement has the fields that are needed, of the types that they should have. */
export const fields: MeterCheck = {
  name: "fields",
  run: Effect.map(measure, (measurement) =>
    Either.match(measurement, { onLeft: (finding) => finding, onRight: judge }),
  ),
}

/** Whether the raw telegram is there, and what it remembers of the months before. */
export const telegram = (zone: DateTime.TimeZone): MeterCheck => ({
  name: "telegram",
  run: Effect.gen(function* () {
    const probe = yield* MeterProbe
    const { status, text } = yield* probe.get("/api/telegram", "owner")
    if (status === 503) return warning("it has had none from the smart meter yet: check the cable between the two.")
    if (status !== 200) return warning(`it gives none (status ${status}): the peaks of past months stay unknown.`)
    const parsed = parseTelegram(text, zone)
    if (Either.isLeft(parsed))
      return failed(`it cannot be believed, for ${parsed.left}: restart the meter and try again.`)
    const { meteredPeaks, ts } = parsed.right
    const said = `intact, remembers the peaks of ${meteredPeaks.length} months`
    return Option.isSome(ts)
      ? ok(said)
      : warning(`${said}; it has no reading time, so autumn's repeated hour is guessed`)
  }),
})
