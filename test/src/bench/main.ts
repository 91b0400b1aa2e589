import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { inChromium } from './chromium.js'
import { benchReplica } from './replica.js'

// `npm run bench -- engine [--json] [--rounds N]`. Figures of one machine and one run; quote the ratios.

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false }, rounds: { type: 'string', default: '3' } },
})
const rounds = Math.max(1, Number(options.rounds))

if (positionals[0] !== 'engine') {
  process.stderr.write('Say what to measure: npm run bench -- engine [--json] [--rounds N]\n')
  process.exitCode = 2
} else {
  const report = {
    bench: 'engine',
    node: process.version,
    cores: cpus().length,
    replica: await benchReplica(rounds),
    browser: await inChromium('index.html', async (page) => {
      await page.waitForFunction(() => window.runSaveBench !== undefined)
      return page.evaluate(([saves, rows]) => window.runSaveBench?.(saves ?? 0, rows ?? 0), [200, 8_800])
    }),
  }
  process.stdout.write(`${JSON.stringify(report, null, options.json ? 2 : 1)}\n`)
}
