import type { Face } from "./Face.ts"
import { sinceReplaced } from "./Face.ts"
import type { Household } from "./Household.ts"
import type { MeterState } from "./Registers.ts"
import type { MeasurementJson } from "./Telegram.ts"

/** CRC-16 with the polynomial 0x8005 reflected, over ASCII; four capital hexadecimal digits. */
const checksum = (text: string): string => {
  let crc = 0
  for (const byte of Buffer.from(text, "ascii")) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xa001 : crc >>> 1
  }
  return crc.toString(16).toUpperCase().padStart(4, "0")
}

const fixed = (value: number | null | undefined, whole: number, decimals: number): string =>
  (value ?? 0).toFixed(decimals).padStart(whole + decimals + 1, "0")
const kwh = (value: number | null | undefined): string => `${fixed(value, 6, 3)}*kWh`
const kw = (watts: number | null | undefined): string => `${fixed(Math.max(0, watts ?? 0) / 1000, 2, 3)}*kW`

/**
 * The raw telegram of a Belgian meter, with its checksum, for what a measurement says. Source: e-MUCS P1 companion
 * specification 1.7.1; only the lines that the measurement has values for, and the peaks of the months before.
 */
export const dsmrTelegram = (
  household: Household,
  state: MeterState,
  said: MeasurementJson,
  { clockOffsetS, peaks, replacedAt }: Face,
): string => {
  const stamp = (second: number): string => {
    const digits = household.local.stampOf(second).replace(/\D/g, "").slice(2)
    return `${digits}${household.local.isSummer(second) ? "S" : "W"}`
  }
  const { closed } = sinceReplaced(state, replacedAt)
  const history = closed.map(
    ({ closedSecond, peakSecond, peakW }) => `(${stamp(closedSecond)})(${stamp(peakSecond)})(${kw(peakW)})`,
  )
  const phase = (code: number, powerW: number | null | undefined, volts: number | null | undefined) => [
    `1-0:${code + 1}.7.0(${kw(powerW)})`,
    `1-0:${code + 2}.7.0(${kw(-(powerW ?? 0))})`,
    `1-0:${code + 12}.7.0(${fixed(volts, 3, 1)}*V)`,
  ]
  const peakLines = [
    `1-0:1.4.0(${kw(said.average_power_15m_w)})`,
    ...(state.peakW === null || state.peakSecond === null
      ? []
      : [`1-0:1.6.0(${stamp(state.peakSecond)})(${kw(state.peakW)})`]),
    `0-0:98.1.0(${closed.length})(1-0:1.6.0)(1-0:1.6.0)${history.join("")}`,
  ]
  const lines = [
    "/FLU5\\253770000_A",
    "",
    "0-0:96.1.4(50217)",
    `0-0:96.1.1(${said.unique_id ?? ""})`,
    `0-0:1.0.0(${stamp(state.second + clockOffsetS)})`,
    `1-0:1.8.1(${kwh(said.energy_import_t1_kwh)})`,
    `1-0:1.8.2(${kwh(said.energy_import_t2_kwh)})`,
    `1-0:2.8.1(${kwh(said.energy_export_t1_kwh)})`,
    `1-0:2.8.2(${kwh(said.energy_export_t2_kwh)})`,
    `0-0:96.14.0(${fixed(said.tariff, 4, 0).slice(-4)})`,
    ...(peaks === "given" ? peakLines : []),
    `1-0:1.7.0(${kw(said.power_w)})`,
    `1-0:2.7.0(${kw(-(said.power_w ?? 0))})`,
    ...phase(20, said.power_l1_w, said.voltage_l1_v),
    ...phase(40, said.power_l2_w, said.voltage_l2_v),
    ...phase(60, said.power_l3_w, said.voltage_l3_v),
    "0-0:96.3.10(1)",
    "0-1:24.1.0(003)",
    `0-1:24.2.3(${stamp(state.gasReadSecond)})(${fixed(Math.floor(state.gasReadMl / 1000) / 1000, 5, 3)}*m3)`,
    "0-2:24.1.0(007)",
    `0-2:24.2.1(${stamp(state.waterReadSecond)})(${fixed(Math.floor(state.waterReadMl / 1000) / 1000, 5, 3)}*m3)`,
    "!",
  ]
  const text = lines.join("\r\n")
  return `${text}${checksum(text)}\r\n`
}
