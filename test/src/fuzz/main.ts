import { mkdirSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { corpus, folderOf, fuzz, nameOf } from './fuzz.js'
import { fuzzSession } from './session.js'
import { allTargets } from './targets.js'

// `npm run fuzz -- --minutes 10 [--seed S] [--only NAME]`: tries inputs on all decoders and on a relay's session. What breaks is kept in test/fuzz/corpus, and the command
// ends with 1.

const { values: options } = parseArgs({
  options: { minutes: { type: 'string', default: '1' }, seed: { type: 'string' }, only: { type: 'string' } },
})
const seed = options.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(options.seed)
const ms = Number(options.minutes) * 60_000
const say = (line: string): boolean => process.stdout.write(`${line}\n`)
const targets = allTargets().filter(({ name }) => options.only === undefined || name.includes(options.only))
say(`seed ${seed}, ${targets.length} decoders, ${options.minutes} minutes`)

// A quarter of the time is for the relay's session.
const withSession = options.only === undefined || 'session'.includes(options.only)
const until = performance.now() + (withSession ? ms * 0.75 : ms)
const report = await fuzz({
  targets,
  seed,
  goOn: () => performance.now() < until,
  found: ({ target, what, input }) => {
    const folder = `${corpus}${folderOf(target)}`
    mkdirSync(folder, { recursive: true })
    writeFileSync(`${folder}/${nameOf(input)}`, input)
    say(`✗ ${target} ${what}: ${folder}/${nameOf(input)}`)
  },
})
for (const [name, { inputs, answers, slowestMs }] of report.targets)
  say(`${name.padEnd(26)} ${String(inputs).padStart(9)} inputs ${String(answers).padStart(5)} answers, slowest ${slowestMs.toFixed(1)} ms`)
const session = withSession
  ? await fuzzSession({ seed, goOn: () => performance.now() < until + ms * 0.25 })
  : { inputs: 0, answers: new Map(), problems: [] }
for (const [code, count] of session.answers) say(`a session: ${code.padEnd(15)} ${count}`)
for (const problem of session.problems) say(`✗ a session: ${problem}`)
say(
  `${report.inputs + session.inputs} inputs, ${session.inputs} of them in a session: ${report.findings.length + session.problems.length} findings`,
)
process.exitCode = report.findings.length + session.problems.length === 0 ? 0 : 1
