/** A seed for a run and how far it goes: given by `npm run torture`, small and fixed in the suite. */
export const firstSeed = Number(process.env["P1_TORTURE_SEED"] ?? 1)
export const tortured = process.env["P1_TORTURE_SEEDS"] !== undefined

/** As many seeds as were asked for, of what takes long a part of them; or the suite's share. */
export const seeds = (share: number, part = 1): ReadonlyArray<number> =>
  Array.from(
    { length: tortured ? Math.ceil(Number(process.env["P1_TORTURE_SEEDS"]) * part) : share },
    (_, n) => firstSeed + n,
  )

/** A seeded source of chance: the same seed gives the same numbers. */
export const chance = (seed: number) => {
  let state = (seed * 2_654_435_761) >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
  const below = (n: number): number => Math.floor(next() * n)
  return {
    next,
    below,
    pick: <A>(values: readonly [A, ...ReadonlyArray<A>]): A => values[below(values.length)] ?? values[0],
  }
}
export type Chance = ReturnType<typeof chance>
