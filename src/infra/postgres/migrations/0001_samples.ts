import { SqlClient } from "@effect/sql"
import { Effect } from "effect"

const statements = [
  `create table p1_devices (
     device_id text primary key,
     name text not null,
     zone text not null,
     revision bigint not null default 0,
     created_at timestamptz not null default now()
   )`,
  `comment on column p1_devices.revision is 'One more after every batch that changed something'`,

  `create table p1_tokens (
     token_id text primary key,
     kind text not null,
     sha256 text not null,
     created_at timestamptz not null default now(),
     revoked_at timestamptz
   )`,
  `comment on column p1_tokens.sha256 is 'SHA-256 of the whole token, small hexadecimal; the token itself is not kept'`,
  `create table p1_token_devices (
     token_id text not null references p1_tokens on delete cascade,
     device_id text not null references p1_devices,
     primary key (token_id, device_id)
   )`,

  `create table p1_samples (
     device_id text not null,
     ts timestamptz not null,
     power_w integer not null,
     import_power_w integer not null generated always as (greatest(power_w, 0)) stored,
     energy_import_kwh double precision,
     energy_export_kwh double precision,
     energy_import_t1_kwh double precision,
     energy_import_t2_kwh double precision,
     energy_import_t3_kwh double precision,
     energy_import_t4_kwh double precision,
     energy_export_t1_kwh double precision,
     energy_export_t2_kwh double precision,
     energy_export_t3_kwh double precision,
     energy_export_t4_kwh double precision,
     tariff smallint,
     power_l1_w double precision,
     power_l2_w double precision,
     power_l3_w double precision,
     voltage_l1_v double precision,
     voltage_l2_v double precision,
     voltage_l3_v double precision,
     current_a double precision,
     current_l1_a double precision,
     current_l2_a double precision,
     current_l3_a double precision,
     frequency_hz double precision,
     average_power_15m_w double precision,
     monthly_power_peak_w double precision,
     monthly_power_peak_ts timestamptz,
     received_at timestamptz,
     meter_stamp text,
     ts_source text,
     primary key (device_id, ts)
   )`,
  `comment on table p1_samples is 'Readings of the meter, as it gave them; the first write of a key wins'`,
  `comment on column p1_samples.ts is 'When the meter read it'`,
  `comment on column p1_samples.power_w is 'W, positive import, negative export'`,
  `comment on column p1_samples.energy_import_kwh is 'kWh since the meter was made, all tariffs'`,
  `comment on column p1_samples.monthly_power_peak_ts is 'End of the quarter-hour that set the peak'`,
  `comment on column p1_samples.received_at is 'By the clock of the edge'`,
  `comment on column p1_samples.meter_stamp is 'What the meter said, word for word'`,
  `comment on column p1_samples.ts_source is 'Whose clock gave ts: meter, edge, elapsed'`,

  `create table p1_external_readings (
     device_id text not null,
     kind text not null,
     id text not null,
     ts timestamptz not null,
     value double precision not null,
     unit text not null,
     sample_ts timestamptz not null,
     primary key (device_id, kind, id, ts)
   )`,
  `create index p1_external_readings_sample on p1_external_readings (device_id, sample_ts)`,
  `comment on table p1_external_readings is 'Readings of sub-meters, each once; value is a counter in unit'`,
  `comment on column p1_external_readings.sample_ts is 'The earliest sample that brought it'`,

  `create table p1_meter_changes (
     device_id text not null,
     ts timestamptz not null,
     unique_id text,
     model text,
     protocol_version double precision,
     firmware_version text,
     voltage_sag_l1_count double precision,
     voltage_sag_l2_count double precision,
     voltage_sag_l3_count double precision,
     voltage_swell_l1_count double precision,
     voltage_swell_l2_count double precision,
     voltage_swell_l3_count double precision,
     any_power_fail_count double precision,
     long_power_fail_count double precision,
     primary key (device_id, ts)
   )`,
  `comment on table p1_meter_changes is 'What the meter said of itself, sent when it changed'`,

  `create table p1_metered_peaks (
     device_id text not null,
     month text not null,
     peak_w double precision not null,
     peak_ts timestamptz,
     reported_at timestamptz not null,
     primary key (device_id, month)
   )`,
  `comment on table p1_metered_peaks is 'Monthly peaks as the meter last reported them'`,
  `comment on column p1_metered_peaks.month is 'YYYY-MM in the zone of the device'`,
  `comment on column p1_metered_peaks.peak_ts is 'End of the quarter-hour that set the peak'`,

  `create table p1_quarter_hours (
     device_id text not null,
     start timestamptz not null,
     sample_count integer not null,
     first_ts timestamptz not null,
     first_import_kwh double precision,
     first_export_kwh double precision,
     last_ts timestamptz not null,
     last_import_kwh double precision,
     last_export_kwh double precision,
     start_import_wh bigint,
     end_import_wh bigint,
     start_export_wh bigint,
     end_export_wh bigint,
     energy_import_wh bigint not null,
     energy_export_wh bigint not null,
     low_wh bigint not null,
     high_wh bigint,
     mean_power_w double precision not null,
     max_power_w integer not null,
     coverage double precision not null,
     span_ms integer not null,
     method text not null,
     eligible boolean not null,
     primary key (device_id, start)
   )`,
  `comment on table p1_quarter_hours is 'Quarter-hours that hold samples: what billing figures come from'`,
  `comment on column p1_quarter_hours.start is 'A UTC multiple of 900 s'`,
  `comment on column p1_quarter_hours.start_import_wh is 'Import register at the start, interpolated, whole Wh'`,
  `comment on column p1_quarter_hours.energy_import_wh is 'Wh imported'`,
  `comment on column p1_quarter_hours.low_wh is 'Wh imported at least'`,
  `comment on column p1_quarter_hours.high_wh is 'Wh imported at most; null: not known'`,
  `comment on column p1_quarter_hours.coverage is 'Share of the 900 s between samples at most 120 s apart'`,
  `comment on column p1_quarter_hours.span_ms is 'ms that the energy stands for'`,
  `comment on column p1_quarter_hours.eligible is 'Whether it may set the monthly peak'`,
]

/** Devices and tokens, samples as the meter gave them, and the quarter-hours made of them. */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* Effect.forEach(statements, (statement) => sql.unsafe(statement), { discard: true })
})
