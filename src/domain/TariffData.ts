import type { FlemishZone } from "./Region.ts"
import type { TariffTable } from "./TariffTable.ts"

type Row = readonly [zone: FlemishZone, eurPerKwYear: number, eurPerKwh: number | null]

const year = (validFrom: string, validTo: string, rows: ReadonlyArray<Row>): TariffTable["capacity"] =>
  rows.map(([zone, eurPerKwYear, eurPerKwh]) => ({ zone, validFrom, validTo, eurPerKwYear, eurPerKwh }))

/** Cards print cents with 6 % VAT; the table is without. */
const fromCard = (centsWithVat: number): number => centsWithVat / 106

/**
 * Fluvius, digital meter, low voltage, without VAT. Capacity 2025: the supplier card Eneco Flex of December 2025;
 * 2026: the regulator's sheets "2026 – ELEK" of each area. Network cost per kWh and maximum tariff 2026: the supplier
 * card Engie of April 2026. Of 2025 the cost per kWh is not known here, so that no maximum is told.
 */
export const tariffs2025And2026: TariffTable = {
  capacity: [
    ...year("2025-01-01", "2025-12-31", [
      ["antwerpen", 50.25, null],
      ["halle-vilvoorde", 56.19, null],
      ["imewo", 53.25, null],
      ["kempen", 53.11, null],
      ["limburg", 48.88, null],
      ["midden-vlaanderen", 49.05, null],
      ["west", 56.93, null],
      ["zenne-dijle", 55.8, null],
    ]),
    ...year("2026-01-01", "2026-12-31", [
      ["antwerpen", 49.4036563, fromCard(5.353)],
      ["halle-vilvoorde", 56.0428955, fromCard(5.637)],
      ["imewo", 54.2009816, fromCard(5.542)],
      ["kempen", 56.2069857, fromCard(6.337)],
      ["limburg", 49.0469384, fromCard(5.753)],
      ["midden-vlaanderen", 50.1239818, fromCard(5.279)],
      ["west", 57.0995726, fromCard(6.699)],
      ["zenne-dijle", 56.1228635, fromCard(5.872)],
    ]),
  ],
  maximum: [{ validFrom: "2026-01-01", validTo: "2026-12-31", eurPerKwh: fromCard(34.72738) }],
}
