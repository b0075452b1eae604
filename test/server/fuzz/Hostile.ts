import { FastCheck as fc, Predicate } from "effect"

/** What stands in the place of a value: all that JSON can say and much that it cannot. */
const hostileValues: ReadonlyArray<unknown> = [
  null,
  "",
  "NaN",
  "-",
  "\u0000",
  "\ud800",
  "__proto__",
  "2026-02-30T00:00:00Z",
  "9999-12-31T23:59:60+99:99",
  "x".repeat(70_000),
  -0,
  1e308,
  -1e308,
  5e-324,
  2 ** 53,
  -1,
  0.1,
  true,
  [],
  {},
  [[[[[[]]]]]],
  { toString: 1, constructor: { prototype: {} } },
]

/** Texts that are no JSON value of ours, put in as they are. */
const hostileTexts: ReadonlyArray<string> = [
  "1e400",
  "-1e400",
  "NaN",
  "Infinity",
  "0123",
  "'x'",
  '{"__proto__":{"power_w":1}}',
  "[".repeat(20_000) + "]".repeat(20_000),
  "123456789012345678901234567890",
  '"\\ud800"',
  "/*",
]

type Path = ReadonlyArray<string | number>

const pathsOf = (value: unknown, at: Path = []): ReadonlyArray<Path> => {
  if (Array.isArray(value)) return [at, ...value.flatMap((item, i) => pathsOf(item, [...at, i]))]
  if (!Predicate.isRecord(value)) return [at]
  return [at, ...Object.entries(value).flatMap(([key, member]) => pathsOf(member, [...at, key]))]
}

const replaced = (value: unknown, [key, ...rest]: Path, by: (old: unknown) => unknown): unknown => {
  if (key === undefined) return by(value)
  if (Array.isArray(value)) return value.map((item, i) => (i === key ? replaced(item, rest, by) : item))
  return Predicate.isRecord(value) ? { ...value, [key]: replaced(value[key], rest, by) } : value
}

const placeholder = "@hostile@"

/** JSON text of a value of which one part is spoilt. */
const spoiltPart = (value: unknown): fc.Arbitrary<string> => {
  const paths = pathsOf(value)
  const path = fc.nat(paths.length - 1).map((i) => paths[i] ?? [])
  const put = (by: (old: unknown) => unknown) => path.map((at) => JSON.stringify(replaced(value, at, by)) ?? "")
  return fc.oneof(
    fc.constantFrom(...hostileValues).chain((hostile) => put(() => hostile)),
    fc
      .constantFrom(...hostileTexts)
      .chain((text) => put(() => placeholder).map((json) => json.replace(`"${placeholder}"`, text))),
    put(() => undefined),
    put((old) => [old, old]),
    put((old) => String(old)),
  )
}

/** JSON text that was cut, or has a letter of another kind. */
const spoiltText = (text: string): fc.Arbitrary<string> =>
  fc
    .nat(Math.max(0, text.length - 1))
    .chain((at) =>
      fc.constantFrom(text.slice(0, at), `${text.slice(0, at)}\u0001${text.slice(at + 1)}`, text.slice(at), `${text},`),
    )

/** A body that is nearly the JSON of a value. */
export const nearly = (value: unknown): fc.Arbitrary<string> =>
  fc.oneof({ weight: 4, arbitrary: spoiltPart(value) }, { weight: 1, arbitrary: spoiltText(JSON.stringify(value)) })

/** A parameter's text that is nearly what it should be, or far from it. */
export const nearlyText = (text: string): fc.Arbitrary<string> =>
  fc.oneof(
    fc.constantFrom("", " ", "-1", "1e9", "NaN", "null", "../..", "%00", "’", "' or 1=1 --", "x".repeat(2_000), "1,2"),
    fc.constantFrom(`${text} `, text.toUpperCase(), text.slice(1), `${text}0`, `-${text}`),
    fc.string({ maxLength: 20 }),
  )
