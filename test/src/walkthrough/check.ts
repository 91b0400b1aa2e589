/** A check that did not hold; its name is what the walkthrough ends with. */
export class CheckFailed extends Error {
  readonly check: string

  constructor(check: string, detail: string) {
    super(`${check}: ${detail}`)
    this.check = check
  }
}

export interface Step {
  readonly name: string
  readonly ms: number
  readonly figures: Readonly<Record<string, number | string>>
  readonly checks: readonly string[]
}

/** Runs named steps in order, collects what they measured, and stops at the first check that does not hold. */
export class Journal {
  readonly steps: Step[] = []
  readonly #say: (line: string) => void
  #checks: string[] = []

  constructor(say: (line: string) => void) {
    this.#say = say
  }

  async step<T>(name: string, run: () => Promise<T>, figuresOf: (result: T) => Step['figures'] = () => ({})): Promise<T> {
    this.#checks = []
    const start = performance.now()
    const result = await run()
    const step = { name, ms: Math.round(performance.now() - start), figures: figuresOf(result), checks: this.#checks }
    this.steps.push(step)
    const figures = Object.entries(step.figures).map(([key, value]) => `${key} ${value}`)
    this.#say(`✓ ${name} (${step.ms} ms)${figures.length > 0 ? `: ${figures.join(', ')}` : ''}`)
    return result
  }

  check(name: string, holds: boolean, detail = 'does not hold'): void {
    if (!holds) throw new CheckFailed(name, detail)
    this.#checks.push(name)
  }

  equal(name: string, actual: unknown, expected: unknown): void {
    const [a, e] = [JSON.stringify(actual), JSON.stringify(expected)]
    this.check(name, a === e, `is ${a?.slice(0, 300)}, should be ${e?.slice(0, 300)}`)
  }
}
