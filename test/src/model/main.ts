import { parseArgs } from 'node:util'
import { type Rule, rules } from './rules.js'
import { modes, World } from './world.js'

// `npm run model -- --seeds 10000 [--from N] [--without RULE] [--only SEED]`: runs the model and prints what broke. Ends with 0 when nothing did, else with 1.

const { values: options } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '0' },
    without: { type: 'string' },
    only: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})

const say = (line: string): boolean => process.stdout.write(`${line}\n`)

if (options.help) {
  say('npm run model -- --seeds 10000 [--from N] [--without RULE] [--only SEED]')
  for (const [rule, { check, text }] of Object.entries(rules)) say(`  ${rule.padEnd(18)} ${text} (${check})`)
} else {
  if (options.without !== undefined && !(options.without in rules))
    throw new Error(`There is no rule ${options.without}; --help lists them.`)
  const without = new Set(options.without === undefined ? [] : [options.without as Rule])
  const from = Number(options.only ?? options.from)
  const to = options.only === undefined ? from + Number(options.seeds) : from + 1
  const began = Date.now()
  const first = new Map<string, string>()
  const seeds = new Map<string, number[]>()
  let bad = 0
  for (let seed = from; seed < to; seed++) {
    const world = new World(seed, without, undefined, options.only !== undefined)
    const broken = world.run()
    if (broken.length > 0) bad++
    for (const what of new Set(broken.map((one) => one.what))) {
      const kind = `${what} (${world.mode})`
      seeds.set(kind, [...(seeds.get(kind) ?? []), seed])
      if (!first.has(kind)) first.set(kind, `seed ${seed}: ${broken.find((one) => one.what === what)?.about.slice(0, 300) ?? ''}`)
    }
    if (options.only !== undefined) {
      say(`${world.mode}; faults: ${[...world.faults].join(', ')}`)
      for (const line of world.trace ?? []) say(line)
      for (const { what, about } of broken) say(`${what} ${about}`)
    }
  }
  say(`seeds ${from} to ${to - 1} (${modes.join(', ')} in turn): ${bad} broke, ${((Date.now() - began) / 1000).toFixed(1)} s`)
  for (const [kind, list] of [...seeds].toSorted(([a], [b]) => (a < b ? -1 : 1)))
    say(`${kind.padEnd(32)} ${list.length}: ${list.slice(0, 12).join(', ')}\n    ${first.get(kind) ?? ''}`)
  process.exitCode = bad === 0 ? 0 : 1
}
