import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { TestPostgres } from '@entente/relay-server/testing'
import { RelayProcess } from '../node/relay-process.js'
import { killUnderLoad } from './kill.js'

// `npm run kill -- --times 200 [--store libsql|postgres|URL] [--seed N] [--json]`; `postgres` is a server of the run’s own. Ends with 0 when
// nothing was lost and nothing came twice, else with 1.

const { values: options } = parseArgs({
  options: {
    times: { type: 'string', default: '200' },
    seed: { type: 'string' },
    store: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
})

const times = Number(options.times)
const seed = options.seed === undefined ? Date.now() % 1_000_000_000 : Number(options.seed)
const database = options.store === 'postgres' ? await TestPostgres.start() : undefined
const store = database ? database.url(await database.newDatabase()) : options.store
// The embedded store has no address; it is what a relay takes when none is given.
const flags = store === undefined || store === 'libsql' ? [] : ['--store', store]

const directory = await mkdtemp(join(tmpdir(), 'entente-kill-'))
const relay = new RelayProcess(join(directory, 'data'))
process.stderr.write(`${times} kills, seed ${seed}\n`)
try {
  await relay.start(flags)
  const report = await killUnderLoad(relay, { times, seed, keysPerFeed: 12, flags }, (line) => process.stderr.write(`${line}\n`))
  const said = Object.entries(report).map(([name, figure]) => `${name.padEnd(22)} ${figure}`)
  process.stdout.write(options.json ? `${JSON.stringify(report, null, 2)}\n` : `${said.join('\n')}\n`)
  process.exitCode = report.bad === 0 ? 0 : 1
} finally {
  await relay.kill()
  await database?.remove()
  await rm(directory, { recursive: true, force: true })
}
