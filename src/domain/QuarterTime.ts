import { fromEpochMillis, type Instant } from "./Instant.ts"

export const quarterHourMs = 900_000
export const quarterHoursPerHour = 4

/** The start of the quarter-hour that holds an instant: a UTC multiple of 900 s, on DST nights too. */
export const quarterStartMs = (epochMillis: number): number => Math.floor(epochMillis / quarterHourMs) * quarterHourMs
export const quarterStart = (instant: Instant): Instant => fromEpochMillis(quarterStartMs(instant.epochMillis))

/** Power in watts that an energy in watt-hours makes over a quarter-hour. */
export const quarterPowerW = (energyWh: number): number => energyWh * quarterHoursPerHour
