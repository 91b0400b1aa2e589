import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { RelayProcess } from '../node/relay-process.js'
import { killBrowser } from './browser-kill.js'

// `npm run kill:browser -- --times 50 [--seed N] [--rows N] [--json]`, after `npm run build`. Ends with 0 when nothing was lost, else with 1.

const { values: options } = parseArgs({
  options: {
    times: { type: 'string', default: '50' },
    seed: { type: 'string' },
    rows: { type: 'string', default: '1500' },
    json: { type: 'boolean', default: false },
  },
})

const times = Number(options.times)
const seed = options.seed === undefined ? Date.now() % 1_000_000_000 : Number(options.seed)
const directory = await mkdtemp(join(tmpdir(), 'entente-browser-kill-'))
const relay = new RelayProcess(join(directory, 'relay'))
process.stderr.write(`${times} kills, seed ${seed}\n`)
try {
  await relay.start(['--web', fileURLToPath(new URL('../../../web/dist', import.meta.url))])
  const report = await killBrowser(
    { times, seed, workspace: `${relay.origin}/workspace.html`, profile: join(directory, 'profile'), rows: Number(options.rows) },
    (line) => process.stderr.write(`${line}\n`),
  )
  const said = Object.entries(report).map(([name, figure]) => `${name.padEnd(16)} ${figure}`)
  process.stdout.write(options.json ? `${JSON.stringify(report, null, 2)}\n` : `${said.join('\n')}\n`)
  process.exitCode = report.bad === 0 ? 0 : 1
} finally {
  await relay.kill()
  await rm(directory, { recursive: true, force: true })
}
