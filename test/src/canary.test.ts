import { readdir, readFile } from 'node:fs/promises'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Engine } from '@entente/engine'
import { afterEach, expect, it } from 'vitest'
import { nodeSocket } from './node/ports.js'
import { RelayProcess } from './node/relay-process.js'
import { openOrg, until } from './walkthrough/orgs.js'

// A canary is a text that stands nowhere but in one value. Vera and Paul work through the whole of the main job with one in every value, name
// and label; then everything that the relay received, keeps and wrote is searched for them.

const parties: Engine[] = []
const directories: string[] = []
let relay: RelayProcess | undefined

afterEach(async () => {
  for (const engine of parties.splice(0)) await engine.close()
  await relay?.kill()
  for (const directory of directories.splice(0)) await rm(directory, { recursive: true, force: true })
})

it('[SE5] leaves no name, field or value where the relay could read it', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'entente-canary-'))
  directories.push(directory)
  relay = new RelayProcess(directory)
  await relay.start(['--log-level', 'debug'])
  const sent: Uint8Array[] = []
  const canaries: string[] = []
  const canary = (name: string): string => {
    const text = `Canary${name}${canaries.length}Qz`
    canaries.push(text)
    return text
  }

  const listening: typeof nodeSocket = (url, events) => {
    const socket = nodeSocket(url, events)
    return { ...socket, send: (frame) => (sent.push(frame.slice()), socket.send(frame)) }
  }
  const vendor = await openOrg(relay.url, canary('VendorOrg'), canary('Vera'), { openSocket: listening })
  const partner = await openOrg(relay.url, canary('PartnerOrg'), canary('Paul'), { openSocket: listening })
  parties.push(vendor, partner)

  const secretField = { name: 'Hush__c', label: canary('Label'), type: 'text', custom: true } as const
  await vendor.records.addField('Opportunity', secretField)
  await partner.records.addField('Opportunity', { ...secretField, label: canary('Label') })
  const record = await vendor.records.create('Opportunity', {
    Name: canary('Name'),
    StageName: 'Prospecting',
    CloseDate: '2027-01-31',
    NextStep: canary('NextStep'),
    Hush__c: canary('Hush'),
  })

  const link = (await vendor.connections.invite('https://vendor.example/')).invitation?.link ?? ''
  canaries.push(new URL(link).hash.slice('#invite='.length, '#invite='.length + 22))
  await partner.connections.accept(link)
  const id = (engine: Engine) => engine.connections.list().find((view) => view.code !== undefined)?.id
  await until('codes', [vendor, partner], () => id(vendor) !== undefined && id(partner) !== undefined)
  const connection = id(vendor)
  if (!connection) throw new Error('no connection')
  await vendor.connections.compareCodes(connection, true)
  await partner.connections.compareCodes(connection, true)

  const names = ['Name', 'NextStep', 'StageName', 'CloseDate', 'Hush__c']
  const fieldOf = (name: string) => vendor.records.schema('Opportunity').fields.find((field) => field.name === name)
  const fields = names.flatMap((name) => fieldOf(name) ?? [])
  const update = (name: string): boolean => name === 'NextStep' || name === 'Hush__c'
  await vendor.agreements.propose(connection, {
    objects: { Opportunity: { fields: fields.map((field) => ({ field, update: update(field.name) })) } },
  })
  await until('proposal', [partner], () => partner.agreements.get(connection)?.proposal !== undefined)
  await partner.agreements.accept(connection, {
    objects: { Opportunity: { fields: names.map((name) => ({ source: name, target: name, update: update(name) })) } },
  })
  await until('agreement', [vendor, partner], () => [vendor, partner].every((engine) => engine.agreements.get(connection)?.effective))
  await vendor.sharing.setRule(connection, 'Opportunity', { match: 'all', conditions: [], added: [record], hidden: [] })
  await until('people', [vendor], () => vendor.people.list(connection).length > 0)
  await vendor.people.grant(connection, partner.user.id)
  await until(
    'listing',
    [partner],
    () => partner.site.listings(connection, 'Opportunity').total === 1 && partner.site.obstacle(connection) === undefined,
  )
  const [listing] = partner.site.listings(connection, 'Opportunity').listings
  const job = await partner.site.export(connection, 'Opportunity', [listing?.id ?? ''])
  await until('import', [vendor, partner], () => partner.site.jobs().some((view) => view.id === job && view.done))
  const copy = partner.records.list('Opportunity').records[0]?.id ?? ''
  await vendor.records.edit('Opportunity', record, { NextStep: canary('Edit') })
  await partner.records.edit('Opportunity', copy, { Hush__c: canary('PartnerEdit') })
  await until('mirrors', [vendor, partner], () => vendor.mirrors.of('Opportunity', record).length === 1)
  await Promise.all([vendor.sync.settled(30_000), partner.sync.settled(30_000)])
  await relay.kill('SIGTERM')

  const kept = await Promise.all((await readdir(directory)).map((name) => readFile(join(directory, name)).catch(() => Buffer.alloc(0))))
  const everything = Buffer.concat([...sent, ...kept, Buffer.from(relay.output.join('\n'))]).toString('latin1')
  // The search itself must be able to find: an opaque id that the relay does hold.
  expect(everything).toContain(connection)
  expect(canaries.filter((text) => everything.includes(text))).toEqual([])
  for (const word of ['NextStep', 'Prospecting', 'Hush__c', 'StageName']) expect(everything.includes(word), word).toBe(false)
}, 120_000)
