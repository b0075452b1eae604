import { Config, ConfigError, Effect, Either, FastCheck as fc } from "effect"

/*
 * Property tests draw the same cases each time. `P1_TEST_SEED` draws others (a number, or `random`), and
 * `P1_TEST_RUNS` so many times more of them. A failure shows the seed, and the smallest case that still fails.
 */

const seedOf = (text: string): Either.Either<object, ConfigError.ConfigError> => {
  const seed = Number(text)
  if (text === "random") return Either.right({})
  return Number.isSafeInteger(seed)
    ? Either.right({ seed })
    : Either.left(ConfigError.InvalidData(["P1_TEST_SEED"], "expected a whole number, or random"))
}

const { runs, seed } = Effect.runSync(
  Config.all({
    runs: Config.withDefault(Config.integer("P1_TEST_RUNS"), 1),
    seed: Config.withDefault(Config.mapOrFail(Config.string("P1_TEST_SEED"), seedOf), { seed: 20_260_329 }),
  }),
)

/** How many cases a property is tried on. */
export const times = (count: number): number => count * runs

fc.configureGlobal(seed)
