import { SqlClient } from "@effect/sql"
import { Effect } from "effect"

const statements = [
  `alter table p1_quarter_hours
     add column steady boolean not null default true,
     add column joined boolean not null default true`,
  `comment on column p1_quarter_hours.steady is 'Whether each reading in and next to it can follow from the one before'`,
  `comment on column p1_quarter_hours.joined is 'Whether its start was interpolated from the sample before'`,
  `create index p1_quarter_hours_unsteady on p1_quarter_hours (device_id, start) where not steady`,

  `alter table p1_devices
     add column country text not null default 'BE',
     add column grid_zone text`,
  `comment on column p1_devices.country is 'ISO 3166-1, two letters'`,
  `comment on column p1_devices.grid_zone is 'Whose network tariff it pays; null: not told'`,

  `create table p1_manual_peaks (
     device_id text not null,
     month text not null,
     peak_w double precision not null,
     entered_at timestamptz not null,
     primary key (device_id, month)
   )`,
  `comment on table p1_manual_peaks is 'Monthly peaks that people typed from their bills'`,

  `create table p1_imported_quarter_hours (
     device_id text not null,
     start timestamptz not null,
     energy_import_wh double precision not null,
     energy_export_wh double precision,
     span_s integer not null,
     source text not null,
     validated boolean not null,
     primary key (device_id, start)
   )`,
  `comment on table p1_imported_quarter_hours is 'Quarter-hours of the files of grid operator and vendor'`,
  `comment on column p1_imported_quarter_hours.span_s is '3600: an even share of an hour'`,
  `comment on column p1_imported_quarter_hours.validated is 'Whether it stands in for one of ours that may not set a peak'`,
]

/** What bills need beside the meter: whose tariff a device pays, peaks by hand, quarter-hours from files. */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* Effect.forEach(statements, (statement) => sql.unsafe(statement), { discard: true })
})
