/** A small seeded generator (mulberry32): the same seed gives the same sample on every machine. Not for secrets. */
export interface Dice {
  /** A whole number from `low` to `high`, both included. */
  readonly between: (low: number, high: number) => number
  readonly pick: <F extends readonly [unknown, ...unknown[]]>(from: F) => F[number]
  /** True in `percent` of a hundred throws. */
  readonly chance: (percent: number) => boolean
}

export function seedDice(seed: number): Dice {
  let state = seed >>> 0
  const roll = (sides: number): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * sides)
  }
  return {
    between: (low, high) => low + roll(high - low + 1),
    pick: (from) => from[roll(from.length)] ?? from[0],
    chance: (percent) => roll(100) < percent,
  }
}
