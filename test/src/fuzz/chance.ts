/** Draws that a seed gives again. */
export class Chance {
  #state: number

  /** @param seed a whole number */
  constructor(seed: number) {
    this.#state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) | 1
  }

  /** A whole number from 0 to `below - 1`. */
  below(below: number): number {
    // xorshift32
    this.#state ^= this.#state << 13
    this.#state ^= this.#state >>> 17
    this.#state ^= this.#state << 5
    return (this.#state >>> 0) % below
  }

  one<T>(of: readonly T[]): T {
    const drawn = of[this.below(of.length)]
    if (drawn === undefined) throw new RangeError('Nothing to draw from.')
    return drawn
  }

  /** True once in so many. */
  once(inSoMany: number): boolean {
    return this.below(inSoMany) === 0
  }
}
