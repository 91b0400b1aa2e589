import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Engine } from '@entente/engine'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { relayCommand, RelayProcess } from './node/relay-process.js'
import { Journal } from './walkthrough/check.js'
import { agree, connect, exportRecords, importRecords, type Party, share } from './walkthrough/journey.js'
import { openOrg, quiet, until } from './walkthrough/orgs.js'
import { samplePlan } from './walkthrough/plan.js'
import { pairsOf } from './walkthrough/progress.js'

let directory: string
let relay: RelayProcess
let engines: Engine[]

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'entente-restore-'))
  relay = new RelayProcess(join(directory, 'data'))
  engines = []
  await relay.start()
})
afterEach(async () => {
  for (const engine of engines) await engine.close()
  await relay.kill()
  await rm(directory, { recursive: true, force: true })
})

it('[IN2, IN3, IN4] restored from an older backup under Vera and Paul, the relay is made whole by their devices, without a click', async () => {
  const vendor = await openOrg(relay.url, 'Alder Devices', 'Vera')
  const partner = await openOrg(relay.url, 'Harbour Consulting', 'Paul')
  engines = [vendor, partner]
  const sample = samplePlan()
  const plan = { ...sample, rows: sample.rows.slice(0, 80), exports: 20 }
  const party: Party = { vendor, partner, relay, plan, journal: new Journal(() => {}) }
  await importRecords(party)
  const id = await connect(party)
  await agree(party, id)
  await share(party, id)
  await exportRecords(party, id)
  const pairs = pairsOf(party, id, plan.exports)
  expect(pairs.length).toBe(plan.exports)
  for (const { record } of pairs) await vendor.records.edit('Opportunity', record, { [plan.updateField]: 'Before the backup' })
  await quiet(engines)
  const monday = join(directory, 'monday.db')
  expect(await relayCommand('backup', monday, '--data', relay.directory)).toMatchObject({ code: 0 })

  // What the backup lacks: edits of both sides, exports, a record that is gone, and a feed's worth of entries in between.
  const target = plan.acceptance.objects.Opportunity?.fields.find(({ source }) => source === plan.updateField)?.target ?? ''
  for (const [index, { record, copy }] of pairs.entries()) {
    await vendor.records.edit('Opportunity', record, { [plan.updateField]: `Since then ${index}` })
    await partner.records.edit('Opportunity', copy, { [target]: `Of Paul’s ${index}` })
  }
  const more = partner.site.listings(id, 'Opportunity').listings.filter(({ copy }) => copy === undefined)
  await partner.site.export(
    id,
    'Opportunity',
    more.slice(0, 5).map((listing) => listing.id),
  )
  await until('the later exports came in', engines, () => partner.records.list('Opportunity').total === plan.exports + 5)
  const [gone] = pairs
  await vendor.records.remove('Opportunity', gone?.record ?? '')
  await quiet(engines)
  const frozen = (): unknown => partner.mirrors.of('Opportunity', gone?.copy ?? '').map(({ state }) => state)
  expect(frozen()).toEqual(['frozen'])
  const signed = (): boolean => engines.every(({ sync }) => sync.status().signed.every(({ state }) => state === 'signed'))
  await until('the heads of all feeds are signed', engines, signed)
  const before = { mirrors: engines.map(mirrorsOf), stats: await statsOf(relay) }
  expect(JSON.stringify(partner.mirrors.of('Opportunity', gone?.copy ?? ''))).toContain('Since then 0')
  expect(JSON.stringify(before.mirrors)).toContain('Since then 7')
  expect(JSON.stringify(before.mirrors)).toContain('Of Paul’s 7')

  await relay.kill('SIGKILL')
  expect(await relayCommand('restore', monday, '--data', relay.directory)).toMatchObject({ code: 0, stderr: '' })
  expect((await statsOf(relay)).docs).toBeLessThan(before.stats.docs)
  // Paul's device comes first and finds the records as the copy has them, the one that is gone too. What it shows does not go back.
  vendor.sync.cut()
  await relay.start()
  await until('Paul is online', engines, () => partner.sync.status().state === 'online')
  await partner.sync.settled(60_000)
  expect(mirrorsOf(partner)).toEqual(before.mirrors[1])
  vendor.sync.mend()
  await until('both are online', engines, () => engines.every((engine) => engine.sync.status().state === 'online'))
  await quiet(engines)
  await until('the heads are signed again', engines, signed)
  expect(engines.map(mirrorsOf)).toEqual(before.mirrors)
  expect(frozen()).toEqual(['frozen'])
  expect(engines.map((engine) => engine.sync.status().problems)).toEqual([[], []])
  expect(await statsOf(relay)).toMatchObject({ docs: before.stats.docs, feeds: before.stats.feeds })
  expect(await relayCommand('check', '--data', relay.directory)).toMatchObject({ code: 0 })

  const last = pairs.at(-1)
  await vendor.records.edit('Opportunity', last?.record ?? '', { [plan.updateField]: 'After the restoration' })
  await until('edits flow again', engines, () => JSON.stringify(mirrorsOf(partner)).includes('After the restoration'))
})

/** What the mirrors of every record show. */
function mirrorsOf(engine: Engine): readonly unknown[] {
  return engine.records
    .list('Opportunity')
    .records.map(({ id }) => [id, engine.mirrors.of('Opportunity', id).map(({ state, fields }) => ({ state, fields }))])
}

async function statsOf(of: RelayProcess): Promise<{ readonly docs: number; readonly feeds: number }> {
  return JSON.parse((await relayCommand('stats', '--json', '--data', of.directory)).stdout) as { docs: number; feeds: number }
}
