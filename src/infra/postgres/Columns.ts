import { DateTime } from "effect"
import { fromEpochMillis } from "../../domain/index.ts"

export type Row = Readonly<Record<string, unknown>>

/** How a value is kept: an instant of the domain or its milliseconds as timestamptz, the others as they are. */
export type Kind = "instant" | "millis" | "smallint" | "integer" | "bigint" | "double precision" | "text" | "boolean"

export interface Column<Of> {
  readonly name: string
  readonly kind: Kind
  readonly get: (value: Of) => unknown
}

const sqlType = (kind: Kind): string => (kind === "instant" || kind === "millis" ? "timestamptz" : kind)

const toSql = (kind: Kind, value: unknown): unknown => {
  if (value === null) return null
  if (kind === "instant") return DateTime.isDateTime(value) ? DateTime.formatIso(value) : broken(kind, value)
  if (kind === "millis") return typeof value === "number" ? isoOf(value) : broken(kind, value)
  return value
}

const jsType = {
  smallint: "number",
  integer: "number",
  bigint: "number",
  "double precision": "number",
  text: "string",
  boolean: "boolean",
} as const

/** A column's value as the domain has it; a type that the column cannot have is a defect. */
export const fromSql = (kind: Kind, value: unknown): unknown => {
  if (value === null) return null
  if (kind === "instant" || kind === "millis") {
    if (!(value instanceof Date)) return broken(kind, value)
    return kind === "millis" ? value.getTime() : fromEpochMillis(value.getTime())
  }
  return typeof value === jsType[kind] ? value : broken(kind, value)
}

/** The same of a value that came as JSON, an instant in ms. */
export const fromJson = (kind: Kind, value: unknown): unknown =>
  kind === "instant" && typeof value === "number" ? fromEpochMillis(value) : fromSql(kind, value)

const broken = (kind: Kind, value: unknown): never => {
  throw new TypeError(`A column of ${kind} cannot hold a ${typeof value}`)
}

export const isoOf = (epochMillis: number): string => new Date(epochMillis).toISOString()

export const namesOf = (columns: ReadonlyArray<{ readonly name: string }>, qualifier = ""): string =>
  columns.map(({ name }) => qualifier + name).join(", ")

/** Names with types, as arguments or columns of a record: `a_ts timestamptz[], …`. */
export const typesOf = <Of>(columns: ReadonlyArray<Column<Of>>, prefix = "", suffix = ""): string =>
  columns.map(({ kind, name }) => `${prefix}${name} ${sqlType(kind)}${suffix}`).join(", ")

/** `unnest($2::timestamptz[], …)`: rows sent as an array per column, whatever their number. */
export const unnest = <Of>(columns: ReadonlyArray<Column<Of>>, firstParameter: number): string =>
  `unnest(${columns.map(({ kind }, i) => `$${firstParameter + i}::${sqlType(kind)}[]`).join(", ")})`

/** A JSON list of {@link objectsOf} as rows. */
export const recordOf = <Of>(columns: ReadonlyArray<Column<Of>>, list: string): string =>
  `jsonb_to_recordset(${list}) as sent (device_id text, ${typesOf(columns)})`

/** Rows as arrays, one per column, whatever their number; a column that says nothing is null. */
export const arraysOf = <Of>(
  columns: ReadonlyArray<Column<Of>>,
  values: ReadonlyArray<Of>,
): ReadonlyArray<ReadonlyArray<unknown> | null> =>
  columns.map(({ kind, get }) => {
    const column = values.map((value) => toSql(kind, get(value)))
    return column.every((value) => value === null) ? null : column
  })

/** Rows of a device as objects of JSON. */
export const objectsOf = <Of>(
  columns: ReadonlyArray<Column<Of>>,
  deviceId: string,
  values: ReadonlyArray<Of>,
): ReadonlyArray<Row> =>
  values.map((value) => ({
    device_id: deviceId,
    ...Object.fromEntries(columns.map(({ kind, name, get }) => [name, toSql(kind, get(value))])),
  }))
