const mix = (value: number): number => {
  let h = value
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d)
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b)
  return h ^ (h >>> 16)
}

/** A number in [0, 1) for an index. */
export type Chance = (index: number) => number

/**
 * Randomness without state: the same seed, topic and index always give the same number, so that any second can be
 * asked for by itself. Not for secrets.
 */
export const makeChance = (seed: number, topic: number): Chance => {
  const salt = mix(mix(seed + 0x9e3779b9) + topic)
  return (index) => (mix(mix(index ^ salt) + salt) >>> 0) / 2 ** 32
}
