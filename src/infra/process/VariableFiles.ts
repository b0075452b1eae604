import { readFileSync } from "node:fs"
import { Config, ConfigError, ConfigProvider, Effect, Either, HashSet } from "effect"

const missing = (name: string) => ConfigError.MissingData([name], "not set, in a file neither")

const contentOf = (path: string, variable: string): Either.Either<string, ConfigError.ConfigError> =>
  Either.try({
    try: () => readFileSync(path, "utf8").trim(),
    catch: () => ConfigError.InvalidData([variable], `${path} cannot be read`),
  })

/** `NAME` is what the file holds that `NAME_FILE` names: how Docker and systemd hand over secrets. */
const fromFiles = (environment: ConfigProvider.ConfigProvider): ConfigProvider.ConfigProvider =>
  ConfigProvider.fromFlat(
    ConfigProvider.makeFlat({
      load: (path, primitive) => {
        const name = path.join("_")
        return environment.load(Config.nonEmptyString(`${name}_FILE`)).pipe(
          Effect.mapError(() => missing(name)),
          Effect.flatMap((file) => contentOf(file, `${name}_FILE`)),
          Effect.flatMap((text) => primitive.parse(text)),
          Effect.map((value) => [value]),
        )
      },
      enumerateChildren: () => Effect.succeed(HashSet.empty()),
      patch: environment.flattened.patch,
    }),
  )

/** A variable that is empty is one that is not set: so Compose hands over what the user left out. */
const withoutEmpty = (environment: ConfigProvider.ConfigProvider): ConfigProvider.ConfigProvider => {
  const flat = environment.flattened
  return ConfigProvider.fromFlat(
    ConfigProvider.makeFlat({
      ...flat,
      load: (path, primitive, split) =>
        Effect.filterOrFail(
          flat.load(path, primitive, split),
          (values) => !values.some((value) => typeof value === "string" && value.trim() === ""),
          () => ConfigError.MissingData([...path], "empty"),
        ),
    }),
  )
}

/** The environment; a variable that is not set is looked for in the file that `NAME_FILE` names. */
export const variables: ConfigProvider.ConfigProvider = withoutEmpty(ConfigProvider.fromEnv()).pipe((environment) =>
  ConfigProvider.orElse(environment, () => fromFiles(environment)),
)
