import { Option, Schema } from "effect"

/** ISO 3166-1, two capital letters. */
export const Country = Schema.String.pipe(Schema.pattern(/^[A-Z]{2}$/)).annotations({
  title: "Country",
  description: "ISO 3166-1, two capital letters",
  message: () => "expected a country's two capital letters, such as BE",
})
export type Country = typeof Country.Type

export const defaultCountry: Country = "BE"

/** The areas in which the Flemish capacity tariff has a price of its own, since 2025. */
export const flemishZones = [
  "antwerpen",
  "halle-vilvoorde",
  "imewo",
  "kempen",
  "limburg",
  "midden-vlaanderen",
  "west",
  "zenne-dijle",
] as const
export const FlemishZone = Schema.Literal(...flemishZones)
export type FlemishZone = typeof FlemishZone.Type

/** Whose network a Belgian device is on: an area of Fluvius, or a region that has no capacity tariff by peaks. */
export const GridZone = Schema.Literal(...flemishZones, "brussels", "wallonia").annotations({
  title: "GridZone",
  description: "An area of Fluvius in Flanders, or brussels or wallonia",
  message: () => `expected one of ${[...flemishZones, "brussels", "wallonia"].join(", ")}`,
})
export type GridZone = typeof GridZone.Type

/** Where a device is, as far as that decides its bill; `gridZone` null: not told. */
export interface Place {
  readonly country: Country
  readonly gridZone: GridZone | null
}

export const defaultPlace: Place = { country: defaultCountry, gridZone: null }

/** The rules that a device's network bill follows. */
export const Region = Schema.Literal("flanders", "brussels", "wallonia", "netherlands", "unknown").annotations({
  title: "Region",
})
export type Region = typeof Region.Type

/** The region of a place; what is not told is not guessed. */
export const regionOf = ({ country, gridZone }: Place): Region => {
  if (country === "NL") return "netherlands"
  if (country !== "BE" || gridZone === null) return "unknown"
  return gridZone === "brussels" || gridZone === "wallonia" ? gridZone : "flanders"
}

const isFlemishZone = Schema.is(FlemishZone)

/** The area whose capacity tariff a device pays. */
export const flemishZoneOf = (place: Place): Option.Option<FlemishZone> =>
  regionOf(place) === "flanders" && isFlemishZone(place.gridZone) ? Option.some(place.gridZone) : Option.none()

/** Why a region has no bill by monthly peaks; null where it has one. */
export const withoutPeakTariff = (region: Region): string | null => reasons[region]

const reasons: Record<Region, string | null> = {
  flanders: null,
  brussels: "Brussels bills a fixed amount by the power of the connection, not by monthly peaks.",
  wallonia: "Wallonia bills no monthly peaks: its network tariff goes by the hour of the day.",
  netherlands: "The Netherlands bill a fixed amount by the size of the connection, not by monthly peaks.",
  unknown: "No grid zone is set for this device, so that its tariff is not known.",
}
