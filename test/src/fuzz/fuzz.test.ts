import { describe, expect, it } from 'vitest'
import { fuzz, keptInputs } from './fuzz.js'
import { fuzzSession } from './session.js'
import { allTargets, type Target } from './targets.js'

const seed = 20_261_129
const targets = allTargets()
/** Together with what begins and ends them, less than a minute. */
const decodersMs = 30_000
const sessionMs = 10_000

const forMs = (ms: number): (() => boolean) => {
  const until = performance.now() + ms
  return () => performance.now() < until
}
const told = ({ target, what }: { readonly target: string; readonly what: string }): string => `${target} ${what}`

describe('all that reads what comes from outside', () => {
  it('answers the inputs that once broke something', async () => {
    const kept = targets.filter(({ name }) => keptInputs(name).length > 0)
    expect(kept.length).toBeGreaterThan(2)
    const { findings } = await fuzz({ targets: kept, seed, goOn: () => false })
    expect(findings.map(told)).toEqual([])
  })

  it('refuses by errors of ours, in bounded time and memory, whatever is changed in what it takes', async () => {
    const { inputs, findings, targets: tallies } = await fuzz({ targets, seed, goOn: forMs(decodersMs) })
    expect(findings.map(told)).toEqual([])
    expect(inputs).toBeGreaterThan(1_000)
    expect(tallies.size).toBe(targets.length)
  })

  it('in a session of a real relay changes nothing for the others, who go on', async () => {
    const { inputs, answers, problems } = await fuzzSession({ seed, goOn: forMs(sessionMs) })
    expect(problems).toEqual([])
    expect(inputs).toBeGreaterThan(100)
    for (const code of ['offer FRAME', 'offer ACCEPTED']) expect([...answers.keys()]).toContain(code)
  })
})

describe('what looks for inputs', () => {
  const planted = (decode: (input: Uint8Array) => unknown, most = 2_000): Promise<readonly string[]> => {
    const target: Target = { name: 'planted', form: 'bytes', seeds: [new Uint8Array([1, 2, 3, 4])], decode }
    return fuzz({ targets: [target], seed, goOn: (inputs) => inputs < most }).then(({ findings }) => findings.map(told))
  }

  it('tells an exception that is none of ours', async () => {
    const found = await planted((input) => {
      if ((input[0] ?? 0) > 200) throw new RangeError('Out of range.')
    })
    expect(found).toContain('planted RangeError  Out of range.')
  })

  it('tells an input that was changed', async () => {
    expect(await planted((input) => input.fill(9, 0, 1))).toContain('planted its input was changed')
  })

  it('tells an answer that takes long each time', async () => {
    const found = await planted(() => {
      const [before, until] = [process.cpuUsage(), performance.now() + 60]
      // Other threads use the processor too, so its time alone may be over at once.
      while (process.cpuUsage(before).user < 60_000 || performance.now() < until);
    }, 1)
    expect(found.join()).toMatch(/planted takes \d+ ms/)
  })

  it('tries the same inputs for the same seed', async () => {
    const tried = async (): Promise<readonly string[]> => {
      const inputs = new Set<string>()
      const target: Target = {
        name: 'seen',
        form: 'json',
        seeds: [new TextEncoder().encode('{"a":[1,"b"]}')],
        decode: (input) => inputs.add(Buffer.from(input).toString('hex')),
      }
      await fuzz({ targets: [target], seed, goOn: () => inputs.size < 200 })
      return [...inputs].slice(0, 100)
    }
    expect(await tried()).toEqual(await tried())
  })
})
