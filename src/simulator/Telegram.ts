import type { Measurement } from "../domain/index.ts"
import { makeChance } from "./Chance.ts"
import { type Face, honestFace, sinceReplaced } from "./Face.ts"
import type { Household } from "./Household.ts"
import { averagePowerW, type MeterState, registersWh } from "./Registers.ts"

/** The JSON of `GET /api/measurement`. */
export type MeasurementJson = typeof Measurement.Encoded

const hexOf = (text: string): string => Buffer.from(text, "ascii").toString("hex").toUpperCase()
const thousandths = (value: number): number => value / 1000

/** Ten digits that belong to a device, for the equipment numbers of the meters behind it. */
const digitsOf = (serial: string): string => String(Number.parseInt(serial, 16) % 10 ** 10).padStart(10, "0")

/** Writes what a state says. */
export type Telegram = (state: MeterState, face?: Face) => MeasurementJson

const brokenSubMeter = { unique_id: "2D2D2D2D", type: "gas_meter", timestamp: null, value: null, unit: "m3" }

/** Writes the way the device does: fields that a Belgian meter does not give are left out. */
export const makeTelegram = (household: Household, serial: string): Telegram => {
  const digits = digitsOf(serial)
  const meterId = hexOf(`1SAG${digits}`)
  const nextMeterId = hexOf(`1SAG${digits.slice(1)}9`)
  const gasId = hexOf(`7FLO${digits}`)
  const waterId = hexOf(`3SAP${digits}`)
  const wobble = makeChance(household.seed, 30)

  /** Volts, one decimal: the net drifts and gives way a little under load. */
  const voltageV = (second: number, phase: number, powerW: number): number =>
    Math.round(10 * (231 + 3 * wobble(Math.floor(second / 10) * 3 + phase) - powerW / 2500)) / 10
  /** Amperes, two decimals, without a sign: Belgian meters give the size only. */
  const currentA = (powerW: number, volts: number): number => Math.round((100 * Math.abs(powerW)) / volts) / 100

  const peaksOf = (state: MeterState, { peaks }: Face) => {
    if (peaks === "absent") return {}
    if (peaks === "null") {
      return { average_power_15m_w: null, monthly_power_peak_w: null, monthly_power_peak_timestamp: null }
    }
    const { peakW, peakSecond } = state
    return {
      average_power_15m_w: averagePowerW(state),
      ...(peakW !== null &&
        peakSecond !== null && {
          monthly_power_peak_w: peakW,
          monthly_power_peak_timestamp: household.local.stampOf(peakSecond),
        }),
    }
  }

  return (state, face = honestFace) => {
    const { second } = state
    const load = household.loadAt(second)
    const registers = registersWh(sinceReplaced(state, face.replacedAt))
    const importT1Wh = Math.max(0, registers.importT1Wh + face.importOffsetWh)
    const v1 = voltageV(second, 0, load.l1W)
    const v2 = voltageV(second, 1, load.l2W)
    const v3 = voltageV(second, 2, load.l3W)
    const a1 = currentA(load.l1W, v1)
    const a2 = currentA(load.l2W, v2)
    const a3 = currentA(load.l3W, v3)
    return {
      unique_id: face.replacedAt === null ? meterId : nextMeterId,
      protocol_version: 50,
      meter_model: "Fluvius 253770000_A",
      timestamp: household.local.stampOf(second + face.clockOffsetS),
      tariff: household.local.quarterAt(second).tariff,
      energy_import_kwh: thousandths(importT1Wh + registers.importT2Wh),
      energy_import_t1_kwh: thousandths(importT1Wh),
      energy_import_t2_kwh: thousandths(registers.importT2Wh),
      energy_export_kwh: thousandths(registers.exportWh),
      energy_export_t1_kwh: thousandths(registers.exportT1Wh),
      energy_export_t2_kwh: thousandths(registers.exportT2Wh),
      power_w: load.netW,
      power_l1_w: load.l1W,
      power_l2_w: load.l2W,
      power_l3_w: load.l3W,
      voltage_l1_v: v1,
      voltage_l2_v: v2,
      voltage_l3_v: v3,
      current_a: Math.round(100 * (a1 + a2 + a3)) / 100,
      current_l1_a: a1,
      current_l2_a: a2,
      current_l3_a: a3,
      ...peaksOf(state, face),
      external: [
        {
          unique_id: gasId,
          type: "gas_meter",
          timestamp: household.local.stampOf(state.gasReadSecond),
          value: thousandths(Math.floor(state.gasReadMl / 1000)),
          unit: "m3",
        },
        {
          unique_id: waterId,
          type: "water_meter",
          timestamp: household.local.stampOf(state.waterReadSecond),
          value: thousandths(Math.floor(state.waterReadMl / 1000)),
          unit: "m3",
        },
        ...(face.subMeters === "broken" ? [brokenSubMeter] : []),
      ],
    }
  }
}
