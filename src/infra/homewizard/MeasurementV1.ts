import { ParseResult, Predicate, Schema } from "effect"
import { Measurement } from "../../domain/index.ts"

type Json = Readonly<Record<string, unknown>>

const phases = ["l1", "l2", "l3"] as const
const tariffs = ["t1", "t2", "t3", "t4"] as const

/** What v2 calls a field of v1, where that is another name. Source: HomeWizard API documentation, v1, "Recent measurement". */
const names: Readonly<Record<string, string>> = {
  smr_version: "protocol_version",
  active_tariff: "tariff",
  total_power_import_kwh: "energy_import_kwh",
  total_power_export_kwh: "energy_export_kwh",
  ...Object.fromEntries(
    tariffs.flatMap((t) => [
      [`total_power_import_${t}_kwh`, `energy_import_${t}_kwh`],
      [`total_power_export_${t}_kwh`, `energy_export_${t}_kwh`],
    ]),
  ),
  active_power_w: "power_w",
  active_voltage_v: "voltage_v",
  active_current_a: "current_a",
  active_frequency_hz: "frequency_hz",
  ...Object.fromEntries(
    phases.flatMap((l) => [
      [`active_power_${l}_w`, `power_${l}_w`],
      [`active_voltage_${l}_v`, `voltage_${l}_v`],
      [`active_current_${l}_a`, `current_${l}_a`],
    ]),
  ),
  active_power_average_w: "average_power_15m_w",
  montly_power_peak_w: "monthly_power_peak_w",
}

/** `YYMMDDhhmmss` as a number, which loses a leading zero, in the spelling of v2. */
const stampOf = (value: unknown): string | null => {
  const match = /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(
    typeof value === "number" || typeof value === "string" ? String(value).padStart(12, "0") : "",
  )
  return match === null ? null : `20${match.slice(1, 4).join("-")}T${match.slice(4).join(":")}`
}

const isGas = (entry: unknown): boolean => Predicate.isRecord(entry) && entry["type"] === "gas_meter"

/** The sub-meters, with the gas meter that older firmware gives beside them. */
const externalOf = (json: Json): ReadonlyArray<unknown> => {
  const given = Array.isArray(json["external"]) ? (json["external"] as ReadonlyArray<unknown>) : []
  const entries = given.map((entry) =>
    Predicate.isRecord(entry) ? { ...entry, timestamp: stampOf(entry["timestamp"]) } : entry,
  )
  if (Predicate.isNullable(json["total_gas_m3"]) || entries.some(isGas)) return entries
  return [
    ...entries,
    {
      unique_id: json["gas_unique_id"] ?? json["unique_gas_id"] ?? "gas",
      type: "gas_meter",
      timestamp: stampOf(json["gas_timestamp"]),
      value: json["total_gas_m3"],
      unit: "m3",
    },
  ]
}

const asV2 = (json: Json): Json => ({
  ...Object.fromEntries(Object.entries(json).map(([name, value]) => [names[name] ?? name, value])),
  timestamp: null,
  monthly_power_peak_timestamp: stampOf(json["montly_power_peak_timestamp"]),
  external: externalOf(json),
})

/** `GET /api/v1/data` in the words of Local API v2, read only; v1 has no reading time. */
export const MeasurementV1 = Schema.transformOrFail(
  Schema.Record({ key: Schema.String, value: Schema.Unknown }),
  Schema.compose(Schema.Unknown, Measurement, { strict: false }),
  {
    strict: true,
    decode: (json) => ParseResult.succeed(asV2(json)),
    encode: (measurement, _, ast) => ParseResult.fail(new ParseResult.Forbidden(ast, measurement, "v1 is only read")),
  },
)
