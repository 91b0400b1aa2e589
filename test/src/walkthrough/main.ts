import { MemoryStore } from '@entente/engine/testing'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { RelayProcess } from '../node/relay-process.js'
import { connectAgain, deleteAndReturn, listDifferences, type SearchableParty, withdrawAlone } from './ends.js'
import { CheckFailed, Journal } from './check.js'
import { agree, connect, exportRecords, importRecords, type Party, share } from './journey.js'
import { openOrg } from './orgs.js'
import { csvPlan, samplePlan } from './plan.js'
import { followEachOther, loseTheRelay, workOffline } from './progress.js'

// The main job without a browser: a real relay process, real sockets, two engines. Ends with 0 when every check held, else with 1 and the name
// of the check that did not.

const { values: options } = parseArgs({ options: { data: { type: 'string' }, json: { type: 'boolean', default: false } } })

const directory = await mkdtemp(join(tmpdir(), 'entente-walkthrough-'))
const relay = new RelayProcess(join(directory, 'relay'))
const journal = new Journal((line) => process.stderr.write(`${line}\n`))
let failed: string | undefined
let party: Party | undefined
try {
  // npm runs this from the package's folder; a relative path is meant from where the command was typed.
  const data = options.data === undefined ? undefined : resolve(process.env['INIT_CWD'] ?? '.', options.data)
  const plan = data === undefined ? samplePlan() : await csvPlan(data)
  await relay.start()
  const stores = { vendor: new Map(), partner: new Map() } satisfies SearchableParty['stores']
  const vendor = await openOrg(relay.url, 'Alder Devices', 'Vera', { store: new MemoryStore({}, stores.vendor) })
  const partner = await openOrg(relay.url, 'Harbour Consulting', 'Paul', { store: new MemoryStore({}, stores.partner) })
  const searchable = { vendor, partner, relay, plan, journal, stores }
  party = searchable
  await importRecords(party)
  const connection = await connect(party)
  await agree(party, connection)
  await share(party, connection)
  await exportRecords(party, connection)
  await listDifferences(party, connection)
  await followEachOther(party, connection)
  await workOffline(party, connection)
  await loseTheRelay(party, connection)
  await deleteAndReturn(party, connection)
  await withdrawAlone(searchable, connection)
  await connectAgain(party, connection)
} catch (error) {
  failed = error instanceof CheckFailed ? error.check : 'it runs to its end'
  process.stderr.write(`✗ ${failed}\n  ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
}

const relayMemory = await relay.memory()
const wire = (engine: Party['vendor'] | undefined) => {
  const status = engine?.sync.status()
  return status && { bytesIn: status.bytesIn, bytesOut: status.bytesOut, framesIn: status.framesIn, framesOut: status.framesOut }
}
const report = {
  ok: failed === undefined,
  ...(failed === undefined ? {} : { failed }),
  steps: journal.steps,
  checks: journal.steps.reduce((sum, step) => sum + step.checks.length, 0),
  wire: { vendor: wire(party?.vendor), partner: wire(party?.partner) },
  memory: { enginesBytes: process.memoryUsage().rss, relayBytes: relayMemory },
}
process.stdout.write(
  options.json
    ? `${JSON.stringify(report, null, 2)}\n`
    : `${report.ok ? 'Everything held' : `Failed: ${failed}`}: ${report.checks} checks in ${journal.steps.length} steps.\n`,
)

await party?.vendor.close()
await party?.partner.close()
await relay.kill()
await rm(directory, { recursive: true, force: true })
process.exitCode = failed === undefined ? 0 : 1
