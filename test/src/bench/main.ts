import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { inChromium } from './chromium.js'
import { benchExports } from './exports.js'
import { benchHeads } from './heads.js'
import { benchImports } from './imports.js'
import { benchJoins } from './joins.js'
import { benchLists } from './lists.js'
import { benchFloods, floodTable } from './floods/floods.js'
import { benchRelay, figureNames, table } from './relay/report.js'
import { benchReplica } from './replica.js'
import { benchSeal, sealTable } from './seal/seal.js'

// Figures of one machine and one run; quote the ratios.

const usage = `Say what to measure:
  npm run bench -- engine [--json] [--rounds N]
  npm run bench -- exports [--json] [--rounds N] [--quick] [--profile PATH]
  npm run bench -- floods [--json] [--seconds N] [--sockets N] [--addresses N] [--orgs N] [--only part of a name,…]
  npm run bench -- imports [--json] [--rounds N] [--quick]
  npm run bench -- joins [--json] [--rounds N] [--quick] [--profile PATH]
  npm run bench -- lists [--json] [--rounds N] [--profile PATH]    PATH: where Chromium's profiles of the first round go
  npm run bench -- seal --base DIR [--json] [--rounds N] [--docs N]    DIR: another version's checkout, compiled
  npm run bench -- relay [--json] [--rounds N] [--quick] [--store libsql|postgres] [--only ${figureNames.join(',')}]
`

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    store: { type: 'string', default: 'libsql' },
    seconds: { type: 'string', default: '2' },
    sockets: { type: 'string', default: '50' },
    addresses: { type: 'string', default: '50' },
    orgs: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
    base: { type: 'string' },
    profile: { type: 'string' },
    docs: { type: 'string', default: '200' },
  },
})
const rounds = Math.max(1, Number(options.rounds ?? (options.quick ? 1 : 3)))
const only = options.only.split(',').filter((name) => name !== '')
const machine = { node: process.version, cores: cpus().length }

if (positionals[0] === 'engine') {
  const report = {
    bench: 'engine',
    ...machine,
    replica: await benchReplica(rounds),
    heads: benchHeads(rounds),
    browser: await inChromium('index.html', async (page) => {
      await page.waitForFunction(() => window.runSaveBench !== undefined)
      return page.evaluate(([saves, rows]) => window.runSaveBench?.(saves ?? 0, rows ?? 0), [200, 8_800])
    }),
  }
  process.stdout.write(`${JSON.stringify(report, null, options.json ? 2 : 1)}\n`)
} else if (positionals[0] === 'floods') {
  const [seconds, sockets] = [Number(options.seconds), Number(options.sockets)]
  const [addresses, orgs] = [Number(options.addresses), Number(options.orgs)]
  const floods = await benchFloods({ seconds, sockets, addresses, orgs, only })
  process.stdout.write(options.json ? `${JSON.stringify({ bench: 'floods', ...machine, seconds, floods }, null, 2)}\n` : floodTable(floods))
} else if (positionals[0] === 'exports') {
  const exports = await benchExports({ rounds, records: options.quick ? 1_000 : 10_000, profile: options.profile })
  process.stdout.write(`${JSON.stringify({ bench: 'exports', ...machine, exports }, null, options.json ? 2 : 1)}\n`)
} else if (positionals[0] === 'imports') {
  const { profile } = options
  const imports = await benchImports({ rounds, rows: options.quick ? 1_000 : 10_000, ...(profile !== undefined && { profile }) })
  process.stdout.write(`${JSON.stringify({ bench: 'imports', ...machine, imports }, null, options.json ? 2 : 1)}\n`)
} else if (positionals[0] === 'joins') {
  const { profile } = options
  const sizes = { rounds: Number(options.rounds ?? 5), records: options.quick ? 1_000 : 10_000 }
  const joins = await benchJoins({ ...sizes, ...(profile !== undefined && { profile }) })
  process.stdout.write(`${JSON.stringify({ bench: 'joins', ...machine, joins }, null, options.json ? 2 : 1)}\n`)
} else if (positionals[0] === 'lists') {
  const sizes = options.quick ? { small: 1_000, large: 2_000 } : { small: 10_000, large: 30_000 }
  const { profile } = options
  const report = await benchLists({ rounds: Number(options.rounds ?? 5), ...sizes, ...(profile !== undefined && { profile }) })
  process.stdout.write(`${JSON.stringify({ bench: 'lists', ...machine, ...report }, null, options.json ? 2 : 1)}\n`)
} else if (positionals[0] === 'seal' && options.base !== undefined) {
  const report = await benchSeal({ base: options.base, rounds: Number(options.rounds ?? 40), docs: Number(options.docs) })
  process.stdout.write(options.json ? `${JSON.stringify({ bench: 'seal', ...machine, ...report }, null, 2)}\n` : sealTable(report))
} else if (
  positionals[0] === 'relay' &&
  (options.store === 'libsql' || options.store === 'postgres') &&
  only.every((name) => figureNames.includes(name))
) {
  const figures = await benchRelay({ rounds, only, quick: options.quick, store: options.store })
  process.stdout.write(
    options.json ? `${JSON.stringify({ bench: 'relay', ...machine, store: options.store, figures }, null, 2)}\n` : table(figures),
  )
} else {
  process.stderr.write(usage)
  process.exitCode = 2
}
