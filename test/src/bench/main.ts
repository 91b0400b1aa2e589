import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { inChromium } from './chromium.js'
import { benchRelay, figureNames, table } from './relay/report.js'
import { benchReplica } from './replica.js'

// Figures of one machine and one run; quote the ratios.

const usage = `Say what to measure:
  npm run bench -- engine [--json] [--rounds N]
  npm run bench -- relay [--json] [--rounds N] [--quick] [--store libsql|postgres] [--only ${figureNames.join(',')}]
`

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    store: { type: 'string', default: 'libsql' },
    only: { type: 'string', default: '' },
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
    browser: await inChromium('index.html', async (page) => {
      await page.waitForFunction(() => window.runSaveBench !== undefined)
      return page.evaluate(([saves, rows]) => window.runSaveBench?.(saves ?? 0, rows ?? 0), [200, 8_800])
    }),
  }
  process.stdout.write(`${JSON.stringify(report, null, options.json ? 2 : 1)}\n`)
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
