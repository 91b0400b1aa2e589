import { fileURLToPath } from 'node:url'
import { createVitest } from 'vitest/node'
import { allLeftOut, type NamedLeftOut } from './rules.js'

// `npm run left-out -- [RULE | RULE/NUMBER …]`: runs the test of each entry with the rule left out, and says whether it fails then. Ends with 1 where one does not, or where
// one fails anyway.

const root = fileURLToPath(new URL('../../../', import.meta.url))

/** Without its rule a device may go round and round: what is not at its end in this time, in ms, has failed. A busy machine takes less. */
const mostMs = 180_000

const asked = process.argv.slice(2)
const entries = allLeftOut().filter(({ name, rule }) => asked.length === 0 || asked.includes(rule) || asked.includes(name))
const say = (line: string): boolean => process.stdout.write(`${line}\n`)
const found: boolean[] = []
/** What tests say while nothing is left out. */
const known = new Map<string, readonly boolean[]>()
process.env['LEFT_OUT'] = ''
const vitest = await createVitest('test', { root, watch: false, reporters: [{}], maxWorkers: 1, testTimeout: mostMs })
for (const entry of entries) {
  const { name, what, test } = entry
  const withIt = known.get(test.join()) ?? (await run(entry, ''))
  known.set(test.join(), withIt)
  const withoutIt = await run(entry, name)
  const isRight = withIt.length > 0 && withIt.every(Boolean)
  const isFound = isRight && withoutIt.includes(false)
  found.push(isFound)
  say(
    `${isFound ? '✓' : '✗'} ${name} ${what}: ${isFound ? 'found' : !isRight ? 'fails anyway, or is not there' : withoutIt.length === 0 ? 'does not load so' : 'NOT found'}: ${test.join(' ')}`,
  )
}
await vitest.close()
const missing = found.filter((each) => !each).length
say(`${found.length} left out, ${missing} not found`)
process.exitCode = found.length > 0 && missing === 0 ? 0 : 1

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
