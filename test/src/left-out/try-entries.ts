import { fileURLToPath } from 'node:url'
import { createVitest } from 'vitest/node'
import { leftOutNamed, type NamedLeftOut } from './rules.js'

// The child process of main.ts. Runs the test of each named entry, first as it is, then with the rule left out, and tells its parent before each run and after both.

/** `begins` without its rule or with it; or what the tests of the entry's name said in both runs. */
export type Told =
  | { readonly begins: 'with' | 'without' }
  | { readonly name: string; readonly withIt: readonly boolean[]; readonly withoutIt: readonly boolean[] }

const root = fileURLToPath(new URL('../../../', import.meta.url))
const tell = (told: Told): void => void process.send?.(told)
/** What tests say while nothing is left out. */
const known = new Map<string, readonly boolean[]>()

process.env['LEFT_OUT'] = ''
const vitest = await createVitest('test', {
  root,
  watch: false,
  reporters: [{}],
  maxWorkers: 1,
  testTimeout: Number(process.env['LEFT_OUT_MS']),
})
for (const entry of process.argv.slice(2).map(leftOutNamed)) {
  const test = entry.test.join()
  tell({ begins: 'with' })
  const withIt = known.get(test) ?? (await run(entry, ''))
  known.set(test, withIt)
  tell({ begins: 'without' })
  tell({ name: entry.name, withIt, withoutIt: await run(entry, entry.name) })
}
await vitest.close()
process.disconnect()

/** Runs the test of an entry. @param leftOut the entry that is left out, or nothing. @returns whether each test of that name holds */
async function run({ file, test: [testFile, title] }: NamedLeftOut, leftOut: string): Promise<readonly boolean[]> {
  process.env['LEFT_OUT'] = leftOut
  vitest.invalidateFile(`${root}${file}`)
  vitest.setGlobalTestNamePattern(new RegExp(title.replaceAll(/[^\p{L}\p{N} ]/gu, String.raw`\$&`)))
  const { testModules } = await vitest.runTestSpecifications(await vitest.globTestSpecifications([testFile]))
  vitest.invalidateFile(`${root}${file}`)
  // It names the modules of earlier runs, too.
  const results = testModules
    .filter(({ moduleId }) => moduleId === `${root}${testFile}`)
    .flatMap(({ children }) => [...children.allTests()].map((test) => test.result()))
  return results.flatMap(({ state }) => (state === 'skipped' || state === 'pending' ? [] : [state === 'passed']))
}
