import { Array as Arr, type Option, Schema } from "effect"
import { LocalDate } from "./Calendar.ts"
import { FlemishZone } from "./Region.ts"
import type { Month } from "./Sample.ts"
import { SnakeStruct } from "./SnakeCase.ts"

const Price = Schema.NonNegative.pipe(Schema.finite())
const validity = { validFrom: LocalDate, validTo: LocalDate } as const

/** What an area asks for capacity, and for each kWh beside it; euros without VAT, both days included. */
export const CapacityTariff = SnakeStruct({
  zone: FlemishZone,
  ...validity,
  eurPerKwYear: Price,
  eurPerKwh: Schema.NullOr(Price),
})
export type CapacityTariff = typeof CapacityTariff.Type

/** What network costs may not pass for each kWh taken, euros without VAT. */
export const MaximumTariff = SnakeStruct({ ...validity, eurPerKwh: Price })
export type MaximumTariff = typeof MaximumTariff.Type

/** Tariffs with the days on which they hold. */
export const TariffTable = Schema.Struct({
  capacity: Schema.Array(CapacityTariff),
  maximum: Schema.Array(MaximumTariff),
})
export type TariffTable = typeof TariffTable.Type

const holdsOn =
  (date: LocalDate) =>
  ({ validFrom, validTo }: { readonly validFrom: LocalDate; readonly validTo: LocalDate }): boolean =>
    validFrom <= date && date <= validTo

/** What an area asks in a month. */
export const capacityTariffOf = (table: TariffTable, zone: FlemishZone, month: Month): Option.Option<CapacityTariff> =>
  Arr.findFirst(table.capacity, (tariff) => tariff.zone === zone && holdsOn(`${month}-01`)(tariff))

/** What network costs may not pass in a month. */
export const maximumTariffOf = (table: TariffTable, month: Month): Option.Option<MaximumTariff> =>
  Arr.findFirst(table.maximum, holdsOn(`${month}-01`))
