import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { allLeftOut, type NamedLeftOut } from './rules.js'
import type { Told } from './try-entries.js'

// `npm run left-out -- [RULE | RULE/NUMBER …]`: runs the test of each entry with the rule left out, and says whether it fails then. Ends with 1 where one does not, or where
// one fails anyway.

/** Without its rule a device may go round and round: what is not at its end in this time, in ms, has failed. A busy machine takes less. */
const mostMs = 180_000
/** A test that never gives way to its own time limit is killed after so much more, in ms. The first run of a process reads all sources in it, too. */
const killMs = mostMs + 60_000

const asked = process.argv.slice(2)
const entries = allLeftOut().filter(({ name, rule }) => asked.length === 0 || asked.includes(rule) || asked.includes(name))
const say = (line: string): boolean => process.stdout.write(`${line}\n`)
let missing = 0
for (let left = entries; left.length > 0;) left = left.slice(await tryThese(left))
say(`${entries.length} left out, ${missing} not found`)
process.exitCode = entries.length > 0 && missing === 0 ? 0 : 1

/** Tries entries in a process of its own, up to the first that does not come to its end. @returns how many were tried */
function tryThese(these: readonly NamedLeftOut[]): Promise<number> {
  const child = fork(
    fileURLToPath(new URL('try-entries.js', import.meta.url)),
    these.map(({ name }) => name),
    // A process group of its own: one signal reaches the workers, too.
    { detached: true, env: { ...process.env, LEFT_OUT_MS: String(mostMs) } },
  )
  return new Promise((resolve) => {
    let [tried, isWithout] = [0, false]
    let timer = setTimeout(() => kill(child), killMs)
    child.on('message', (told: Told) => {
      clearTimeout(timer)
      timer = setTimeout(() => kill(child), killMs)
      if ('begins' in told) isWithout = told.begins === 'without'
      else judge(these[tried++], told)
    })
    child.once('exit', () => {
      clearTimeout(timer)
      // Ended in the midst of an entry: with its rule left out, that is a failure like any other.
      if (tried < these.length) judge(these[tried++], { withIt: [isWithout], withoutIt: [false] })
      resolve(tried)
    })
  })
}

function kill({ pid }: ChildProcess): void {
  if (pid !== undefined) process.kill(-pid, 'SIGKILL')
}

function judge(
  entry: NamedLeftOut | undefined,
  { withIt, withoutIt }: Pick<Extract<Told, { name: string }>, 'withIt' | 'withoutIt'>,
): void {
  if (!entry) return
  const isRight = withIt.length > 0 && withIt.every(Boolean)
  const isFound = isRight && withoutIt.includes(false)
  if (!isFound) missing++
  const verdict = isFound ? 'found' : !isRight ? 'fails anyway, or is not there' : withoutIt.length === 0 ? 'does not load so' : 'NOT found'
  say(`${isFound ? '✓' : '✗'} ${entry.name} ${entry.what}: ${verdict}: ${entry.test.join(' ')}`)
}
