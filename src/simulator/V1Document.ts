import type { MeasurementJson } from "./Telegram.ts"
import type { SystemJson } from "./System.ts"

/** `YYMMDDhhmmss` as the number that API v1 makes of it. */
const v1Stamp = (stamp: string | null | undefined): number | undefined =>
  stamp === null || stamp === undefined ? undefined : Number(stamp.replace(/\D/g, "").slice(2))

const strengthPct = (rssiDb: number): number => Math.min(100, Math.max(0, 2 * (rssiDb + 100)))

const externalV1 = (entry: unknown): unknown =>
  typeof entry === "object" && entry !== null && "timestamp" in entry && typeof entry.timestamp === "string"
    ? { ...entry, timestamp: v1Stamp(entry.timestamp) }
    : entry

const gasOf = (external: ReadonlyArray<unknown>): Record<string, unknown> => {
  const gas = external.find(
    (entry) => typeof entry === "object" && entry !== null && "type" in entry && entry.type === "gas_meter",
  ) as Record<string, unknown> | undefined
  if (gas === undefined) return {}
  const { timestamp, unique_id, value } = gas
  return { total_gas_m3: value, gas_timestamp: v1Stamp(String(timestamp)), gas_unique_id: unique_id }
}

/** The JSON of API v1's `/api/v1/data`: no reading time, and `montly` as the device spells it. */
export const v1Document = (m: MeasurementJson, system: SystemJson): Record<string, unknown> => ({
  wifi_ssid: system.wifi_ssid,
  wifi_strength: strengthPct(system.wifi_rssi_db),
  smr_version: m.protocol_version,
  meter_model: m.meter_model,
  unique_id: m.unique_id,
  active_tariff: m.tariff,
  total_power_import_kwh: m.energy_import_kwh,
  total_power_import_t1_kwh: m.energy_import_t1_kwh,
  total_power_import_t2_kwh: m.energy_import_t2_kwh,
  total_power_export_kwh: m.energy_export_kwh,
  total_power_export_t1_kwh: m.energy_export_t1_kwh,
  total_power_export_t2_kwh: m.energy_export_t2_kwh,
  active_power_w: m.power_w,
  active_power_l1_w: m.power_l1_w,
  active_power_l2_w: m.power_l2_w,
  active_power_l3_w: m.power_l3_w,
  active_voltage_l1_v: m.voltage_l1_v,
  active_voltage_l2_v: m.voltage_l2_v,
  active_voltage_l3_v: m.voltage_l3_v,
  active_current_a: m.current_a,
  active_current_l1_a: m.current_l1_a,
  active_current_l2_a: m.current_l2_a,
  active_current_l3_a: m.current_l3_a,
  active_power_average_w: m.average_power_15m_w,
  montly_power_peak_w: m.monthly_power_peak_w,
  montly_power_peak_timestamp: v1Stamp(m.monthly_power_peak_timestamp),
  ...gasOf(m.external ?? []),
  external: m.external?.map(externalV1),
})
