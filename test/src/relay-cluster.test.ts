import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Engine } from '@entente/engine'
import { TestPostgres } from '@entente/relay-server/testing'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { startLoad } from './faults/load.js'
import { RelayCluster } from './node/relay-cluster.js'
import { relayCommand } from './node/relay-process.js'
import { Journal } from './walkthrough/check.js'
import { agree, connect, exportRecords, importRecords, type Party, share } from './walkthrough/journey.js'
import { openOrg, quiet, until } from './walkthrough/orgs.js'
import { samplePlan } from './walkthrough/plan.js'
import { pairsOf } from './walkthrough/progress.js'

// Three relays on one PostgreSQL behind one address. Whoever comes is given to the next of them, so that Vera and Paul are hardly ever at the same.

let database: TestPostgres
let directory: string
let name: string
let store: string
let cluster: RelayCluster
let engines: Engine[]

beforeAll(async () => {
  database = await TestPostgres.start()
})
afterAll(() => database.remove())
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'entente-cluster-'))
  name = await database.newDatabase()
  store = database.url(name)
  cluster = await RelayCluster.start(directory, store, 3)
  engines = []
})
afterEach(async () => {
  for (const engine of engines) await engine.close()
  await cluster.stop()
  await rm(directory, { recursive: true, force: true })
})

/** What was taken before the sockets were cut may still be on its way to the disk at the relays that live on. */
async function atRest(): Promise<void> {
  for (let before = ''; ;) {
    const now = JSON.stringify(await database.query('SELECT name, head FROM entente.feeds ORDER BY name', name))
    if (now === before) return
    before = now
    await pause(300)
  }
}

it('[RS1, RS2, RS3] a relay is killed under load, and comes back: nothing acknowledged is lost, nothing comes twice, and the others go on', async () => {
  const load = await startLoad(cluster, { seed: 4242, keysPerFeed: 8 })
  let workedOn = 0
  for (let round = 0; round < 9; round++) {
    const reading = await load.read()
    const working = await load.work()
    const before = load.findings.acknowledged
    await pause(100 + ((round * 61) % 200))
    // A machine that does much else takes longer until there is a load.
    while (load.findings.acknowledged < before + 60) await pause(20)
    const acknowledged = load.findings.acknowledged
    await cluster.relays[round % 3]?.kill('SIGKILL')
    await pause(250)
    if (load.findings.acknowledged > acknowledged) workedOn++
    for (const client of [reading, ...working]) client.socket.terminate()
    await Promise.all([reading, ...working].map(({ closed }) => closed))
    if (round % 2 === 0) await cluster.restart(round % 3)
    await atRest()
    const { unaccounted, fresh } = await load.check()
    expect(unaccounted, `round ${round}`).toBe(0)
    const again = await load.read()
    expect(load.reader.differences(fresh), `round ${round}`).toEqual([])
    await again.close()
    if (round % 2 === 1) await cluster.restart(round % 3)
  }
  const { lostAcknowledged, lostFannedOut, storedTwice, wronglyRefused, unavailable, acknowledged } = load.findings
  expect({ lostAcknowledged, lostFannedOut, storedTwice, wronglyRefused, unavailable }).toEqual({
    lostAcknowledged: 0,
    lostFannedOut: 0,
    storedTwice: 0,
    wronglyRefused: 0,
    unavailable: 0,
  })
  expect(load.reader.repeated + load.reader.lost).toBe(0)
  expect(acknowledged).toBeGreaterThan(500)
  expect(workedOn).toBeGreaterThan(5)
  expect(await relayCommand('check', '--store', store)).toMatchObject({ code: 0 })
})

it('[RS4, IN2, IN3] the database is put back from an older copy under relays and devices, and is made whole by the devices, without a click', async () => {
  const party = await connectedParty()
  const { vendor, partner, plan } = party
  const id = partner.connections.list()[0]?.id
  if (!id) throw new Error('There is no connection.')
  const pairs = pairsOf(party, id, plan.exports)
  const restore = await database.copyData()
  for (const [index, { record, copy }] of pairs.slice(0, -1).entries()) {
    await vendor.records.edit('Opportunity', record, { [plan.updateField]: `Since the copy ${index}` })
    await partner.records.edit('Opportunity', copy, { [targetOf(party)]: `Of Paul’s ${index}` })
  }
  await vendor.records.remove('Opportunity', pairs.at(-1)?.record ?? '')
  await quiet(engines)
  const before = engines.map(mirrorsOf)
  expect(JSON.stringify(before)).toContain('Since the copy 3')

  await database.stopHard()
  await restore()
  await database.startAgain()
  await until('edits flow again', engines, () => engines.every((engine) => engine.sync.status().state === 'online'))
  await vendor.records.edit('Opportunity', pairs[1]?.record ?? '', { [plan.updateField]: 'After the restoration' })
  await until('Paul sees what Vera did since', engines, () => JSON.stringify(mirrorsOf(partner)).includes('After the restoration'))
  await vendor.records.edit('Opportunity', pairs[1]?.record ?? '', { [plan.updateField]: 'Since the copy 1' })
  await until('Paul sees that too', engines, () => !JSON.stringify(mirrorsOf(partner)).includes('After the restoration'))
  await quiet(engines)
  expect(engines.map(mirrorsOf)).toEqual(before)
  expect(await relayCommand('check', '--store', store)).toMatchObject({ code: 0 })
})

it('[RS2] relays are replaced one after the other while Vera edits, and Paul sees all of it', async () => {
  const party = await connectedParty()
  const { vendor, partner, plan } = party
  const id = partner.connections.list()[0]?.id
  if (!id) throw new Error('There is no connection.')
  const pairs = pairsOf(party, id, plan.exports)
  for (const [index, relay] of cluster.relays.entries()) {
    const stopping = relay.kill('SIGTERM')
    for (const { record } of pairs) await vendor.records.edit('Opportunity', record, { [plan.updateField]: `Edition ${index}` })
    await stopping
    expect(await relay.ended).toBe(0)
    await cluster.restart(index)
  }
  await until('Paul sees the last edition of all', engines, () =>
    pairs.every(({ copy }) =>
      partner.mirrors.of('Opportunity', copy).some((view) => view.fields.some((field) => field.value === 'Edition 2')),
    ),
  )
})

/** Vera and Paul, connected and agreed, with some exported opportunities. */
async function connectedParty(): Promise<Party> {
  const vendor = await openOrg(cluster.url, 'Alder Devices', 'Vera')
  const partner = await openOrg(cluster.url, 'Harbour Consulting', 'Paul')
  engines = [vendor, partner]
  const [relay] = cluster.relays
  if (!relay) throw new Error('There is no relay.')
  const sample = samplePlan()
  const party: Party = {
    vendor,
    partner,
    relay,
    plan: { ...sample, rows: sample.rows.slice(0, 40), exports: 12 },
    journal: new Journal(() => {}),
  }
  await importRecords(party)
  const id = await connect(party)
  await agree(party, id)
  await share(party, id)
  await exportRecords(party, id)
  await quiet(engines)
  return party
}

function targetOf({ plan }: Party): string {
  return plan.acceptance.objects.Opportunity?.fields.find(({ source }) => source === plan.updateField)?.target ?? ''
}

/** What every record's mirrors show, but for when it was changed. */
function mirrorsOf(engine: Engine): readonly unknown[] {
  return engine.records.list('Opportunity').records.map(({ id }) => [
    id,
    engine.mirrors.of('Opportunity', id).map((view) => ({
      state: view.state,
      fields: view.fields.map(({ field, state, value }) => [field.name, state, value]),
    })),
  ])
}
