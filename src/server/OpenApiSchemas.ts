import { Predicate, Record } from "effect"

const isRecord = Predicate.isRecord

/** Schemas of errors that only the library would send. */
const foreign = ["HttpApiDecodeError", "Issue", "PropertyKey"]

/** `maxItems(100)` and its sentence say again what the limit beside them says. */
const isEcho = (title: unknown): boolean => typeof title === "string" && title.includes("(")

/** Without what is foreign; unknown fields are ignored, never refused. */
export const withoutForeign = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withoutForeign)
  if (!isRecord(value)) return value
  const echo = isEcho(value["title"])
  return Record.fromEntries(
    Object.entries(value)
      .filter(([key, member]) => !(key === "additionalProperties" && member === false) && !foreign.includes(key))
      .filter(([key]) => !(echo && (key === "title" || key === "description")))
      .map(([key, member]) => [key, withoutForeign(member)]),
  )
}

const units: ReadonlyArray<readonly [RegExp, string]> = [
  [/_kwh$/, "kWh"],
  [/_wh$/, "Wh"],
  [/_kw$/, "kW"],
  [/_w$/, "W"],
  [/_v$/, "V"],
  [/_a$/, "A"],
  [/_hz$/, "Hz"],
  [/_s$/, "seconds"],
  [/_ms$/, "milliseconds"],
  [/_eur$/, "EUR"],
]

const unitOf = (name: string): string | undefined => units.find(([suffix]) => suffix.test(name))?.[1]

const described = (name: string, property: unknown): unknown => {
  const unit = unitOf(name)
  if (unit === undefined || !isRecord(property) || property["type"] === "object") return property
  const told = property["description"]
  return { ...property, description: typeof told === "string" ? `${unit}. ${told}` : unit }
}

/** Every field whose name ends in a unit says the unit in its description, too. */
export const withUnits = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withUnits)
  if (!isRecord(value)) return value
  const inner = Record.map(value, withUnits)
  const properties = inner["properties"]
  return isRecord(properties)
    ? { ...inner, properties: Record.map(properties, (property, name) => described(name, property)) }
    : inner
}
