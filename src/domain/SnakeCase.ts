import { Arbitrary, Predicate, Schema, String as Str } from "effect"

type Lower =
  | "a"
  | "b"
  | "c"
  | "d"
  | "e"
  | "f"
  | "g"
  | "h"
  | "i"
  | "j"
  | "k"
  | "l"
  | "m"
  | "n"
  | "o"
  | "p"
  | "q"
  | "r"
  | "s"
  | "t"
  | "u"
  | "v"
  | "w"
  | "x"
  | "y"
  | "z"
type Digit = "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9"

type Words<S extends string, Previous extends string> = S extends `${infer C}${infer Rest}`
  ? C extends Lower
    ? `${C}${Words<Rest, C>}`
    : C extends Digit
      ? Previous extends Lower
        ? `_${C}${Words<Rest, C>}`
        : `${C}${Words<Rest, C>}`
      : `_${Lowercase<C>}${Words<Rest, C>}`
  : ""

/** `energyImportT1Kwh` → `energy_import_t1_kwh`, `averagePower15mW` → `average_power_15m_w`. */
export type SnakeCase<S extends string> = S extends `${infer C}${infer Rest}` ? `${C}${Words<Rest, C>}` : S

export const snakeCase = (name: string): string =>
  name.replace(/([a-z])(\d)/g, "$1_$2").replace(/[A-Z]/g, (letter) => `_${Str.toLowerCase(letter)}`)

/** A field that may be absent or null on the wire, is always present inside, and is left out again when null. */
export interface Nullable<S extends Schema.Schema.AnyNoContext> {
  readonly nullable: S
}
export const nullable = <S extends Schema.Schema.AnyNoContext>(schema: S): Nullable<S> => ({ nullable: schema })

type AnyNullable = Nullable<Schema.Schema.AnyNoContext>
type Field = Schema.Schema.AnyNoContext | AnyNullable
export type Fields = Record<string, Field>

type Inside<F> =
  F extends Nullable<infer S>
    ? Schema.Schema.Type<S> | null
    : F extends Schema.Schema.Any
      ? Schema.Schema.Type<F>
      : never

type NullableKeys<T extends Fields> = { [K in keyof T]: T[K] extends AnyNullable ? K : never }[keyof T]

type Wire<T extends Fields> = {
  readonly [K in Exclude<keyof T, NullableKeys<T>> & string as SnakeCase<K>]: T[K] extends Schema.Schema.Any
    ? Schema.Schema.Encoded<T[K]>
    : never
} & {
  readonly [K in NullableKeys<T> & string as SnakeCase<K>]?: T[K] extends Nullable<infer S>
    ? Schema.Schema.Encoded<S> | null | undefined
    : never
}

type Simplify<T> = { [K in keyof T]: T[K] } & {}

export const isNullable = (field: Field): field is AnyNullable => "nullable" in field && !Schema.isSchema(field)

/**
 * A struct whose JSON has the same fields in snake_case: the one place where the two spellings meet.
 *
 * The JSON is checked once, by a plain struct; renaming and filling in nulls is a loop over the names, because a
 * transformation per field costs ten times as much on batches of thousands of rows.
 */
export const SnakeStruct = <T extends Fields>(
  fields: T,
): Schema.Schema<Simplify<{ readonly [K in keyof T]: Inside<T[K]> }>, Simplify<Wire<T>>> => {
  const names = Object.entries(fields).map(([name, field]) => ({
    name,
    key: snakeCase(name),
    field,
    mayBeAbsent: isNullable(field),
  }))
  const wire = Schema.Struct(
    Object.fromEntries(
      names.map(({ key, field }) => [key, isNullable(field) ? Schema.optional(Schema.NullOr(field.nullable)) : field]),
    ),
  )
  const inside = Schema.Struct(
    Object.fromEntries(
      names.map(({ name, field }) => [
        name,
        Schema.typeSchema(isNullable(field) ? Schema.NullOr(field.nullable) : field),
      ]),
    ),
  )
  const decode = (row: Record<string, unknown>) => {
    const out: Record<string, unknown> = {}
    for (const { name, key, mayBeAbsent } of names) out[name] = mayBeAbsent ? (row[key] ?? null) : row[key]
    return out
  }
  const encode = (value: Record<string, unknown>) => {
    const out: Record<string, unknown> = {}
    for (const { name, key, mayBeAbsent } of names) if (!mayBeAbsent || value[name] !== null) out[key] = value[name]
    return out
  }
  const trusted = Schema.declare((value: unknown): value is Record<string, unknown> => Predicate.isRecord(value), {
    arbitrary: () => (fc) => Arbitrary.makeLazy(inside)(fc),
  })
  return Schema.transform(wire, trusted, { strict: false, decode, encode }) as never
}
