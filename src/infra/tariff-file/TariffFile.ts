import { FileSystem } from "@effect/platform"
import { Effect, Layer, ParseResult, Schema } from "effect"
import { Tariffs, TariffTable } from "../../domain/index.ts"
import { StartupError } from "../process/index.ts"

const decode = Schema.decode(Schema.parseJson(TariffTable), { errors: "all" })

const firstIssue = (error: ParseResult.ParseError): string => {
  const [issue] = ParseResult.ArrayFormatter.formatErrorSync(error)
  return issue === undefined ? "it is not JSON" : `${issue.path.join(".") || "the file"}: ${issue.message}`
}

/**
 * Tariffs from a file instead of the built-in ones: JSON, `{ capacity: [{ zone, valid_from, valid_to,
 * eur_per_kw_year, eur_per_kwh }], maximum: [{ valid_from, valid_to, eur_per_kwh }] }`, without VAT.
 */
export const layer = (file: string): Layer.Layer<Tariffs, StartupError, FileSystem.FileSystem> =>
  Layer.effect(
    Tariffs,
    Effect.flatMap(FileSystem.FileSystem, (fs) => fs.readFileString(file)).pipe(
      Effect.flatMap(decode),
      Effect.catchTags({
        ParseError: (error) =>
          new StartupError({ message: `The tariffs in ${file} cannot be used (${firstIssue(error)}): correct them.` }),
        SystemError: ({ message }) =>
          new StartupError({ message: `The tariffs in ${file} cannot be read: ${message}` }),
        BadArgument: ({ message }) =>
          new StartupError({ message: `The tariffs in ${file} cannot be read: ${message}` }),
      }),
    ),
  )
