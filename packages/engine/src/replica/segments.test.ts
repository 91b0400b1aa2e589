import { feedName, type Key, loadDoc, parseKey, readSlots } from '@entente/protocol'
import { describe, expect, it, vi } from 'vitest'
import { carriedFields } from './desired-state.js'
import type { StoredDoc } from './stored.js'
import { readRecords } from '../records/read-records.js'
import { lead, MemoryBrowser, type MemoryOrg, type MemoryStore, setup } from '../testing/index.js'
import { emptyRelay } from '../testing/relay-state.js'
import { teamFeed, textOf } from './feed-role.js'

const many = Array.from({ length: 40 }, (_, index) => `lead-${index + 10}`)

const companies = (org: MemoryOrg): readonly unknown[] => many.map((id) => org.records.get('Lead', id)?.values['Company'])

/** Vera’s org has two devices. Forty leads that Vera saves together come to Mia’s in one message. */
async function fortyLeads() {
  const browser = new MemoryBrowser()
  const made = await setup({ vera: { browser: new MemoryBrowser() } })
  const { vera, settle } = made
  const first = await made.openAnotherDevice(vera, { userName: 'Mia', role: 'member' })
  await settle()
  // Mia's page, in a browser that may have more of them.
  await first.close()
  const open = (store: MemoryStore) => made.open({ ...first.options, store, browser })
  const mia = await open(first.store.reopen())
  await settle()
  await vera.rows.save(many.map((id) => ({ object: 'Lead', id, values: { ...lead(id), Company: `${id} AG` } })))
  await settle()
  const team = teamFeed(vera.org.id, 'rows')
  /** How many entries a store has of rows in segments, of leads of their own, and of docs in segments. */
  const kept = async ({ store }: MemoryOrg) =>
    [await store.scan(['rows']), await store.scan(['row', 'Lead']), await store.scan(['docs', team])].map(({ length }) => length)
  return { ...made, mia, open, kept }
}

describe('records that come to a device together', () => {
  it('are one entry of its store, and so are their docs; its next page has them all', async () => {
    const { vera, mia, open, kept } = await fortyLeads()
    expect(companies(mia)).toEqual(companies(vera))
    expect(await kept(mia)).toEqual([1, 0, 1])
    // Vera's device, which saved them, keeps the rows in the same way.
    expect((await kept(vera)).slice(0, 2)).toEqual([1, 0])
    await mia.close()
    const store = mia.store.reopen()
    const early = await readRecords(store, 'Lead', ['lead-49', 'nowhere', 'lead-10'])
    expect(early.map(({ id, values }) => [id, values['Company']])).toEqual([
      ['lead-49', 'lead-49 AG'],
      ['lead-10', 'lead-10 AG'],
    ])
    const again = await open(store)
    expect(companies(again)).toEqual(companies(vera))
    expect(again.problems).toEqual([])
  })

  it('get an entry of their own when somebody edits them, with all that was known of them', async () => {
    const { vera, mia, open, kept, settle } = await fortyLeads()
    const second = await open(mia.store)
    await mia.records.edit('Lead', 'lead-12', { Company: 'Twelve' })
    await second.records.edit('Lead', 'lead-13', { Company: 'Thirteen' })
    await vera.records.edit('Lead', 'lead-14', { Company: 'Fourteen' })
    await settle(second)
    expect(await kept(mia)).toEqual([1, 3, 1])
    await second.close()
    await mia.close()
    const store = mia.store.reopen()
    const [early] = await readRecords(store, 'Lead', ['lead-12'])
    const again = await open(store)
    await settle()
    for (const org of [vera, again])
      expect(companies(org).slice(1, 6)).toEqual(['lead-11 AG', 'Twelve', 'Thirteen', 'Fourteen', 'lead-15 AG'])
    expect(again.records.get('Lead', 'lead-12')).toEqual(vera.records.get('Lead', 'lead-12'))
    expect(early).toEqual(again.records.get('Lead', 'lead-12'))
    await vera.records.edit('Lead', 'lead-15', { LastName: 'Fifteen' })
    await settle()
    expect([vera, again].flatMap(({ problems }) => problems)).toEqual([])
    expect(again.sync.status().waiting).toBe(0)
  })

  it('stay apart from records of another object that have the same ids', async () => {
    const { vera, open } = await fortyLeads()
    await vera.rows.save(many.map((id) => ({ object: 'Opportunity', id, values: { Name: `${id} deal` } })))
    await vera.close()
    const again = await open(vera.store.reopen())
    expect(companies(again)).toEqual(many.map((id) => `${id} AG`))
    expect(many.map((id) => again.records.get('Opportunity', id)?.values['Name'])).toEqual(many.map((id) => `${id} deal`))
  })

  it('leave their segment of docs one by one, and it goes with the last of them', async () => {
    const { vera, mia, kept, settle } = await fortyLeads()
    // Edits that follow one another at once would travel together.
    for (const id of many.slice(1)) {
      await vera.records.edit('Lead', id, { Company: 'Another' })
      await settle()
    }
    expect((await kept(mia))[2]).toBe(1)
    await vera.records.edit('Lead', many[0] ?? '', { Company: 'Another' })
    await settle()
    expect((await kept(mia))[2]).toBe(0)
    expect(companies(mia)).toEqual(companies(vera))
  })

  it('are published again by their device where the relay lost its disk and Vera’s is away', async () => {
    const { vera, mia, open, relay, settle, network } = await fortyLeads()
    await vera.close()
    relay.restart(emptyRelay)
    await network.pass(10_000)
    await settle(mia)
    expect(mia.sync.status().waiting).toBe(0)
    expect(relay.state.feeds.get(teamFeed(mia.org.id, 'rows'))?.keys.size).toBeGreaterThan(40)
    await mia.close()
    const again = await open(mia.store.reopen())
    expect(companies(again)).toEqual(many.map((id) => `${id} AG`))
    expect(again.problems).toEqual([])
  })

  it('are found again without a look at the segments that come after them', async () => {
    const { vera } = await setup()
    const tens = Array.from({ length: 12 }, (_, ten) => Array.from({ length: 10 }, (_none, one) => `lead-${ten + 10}${9 - one}`))
    for (const ids of tens) await vera.rows.save(ids.map((id) => ({ object: 'Lead', id, values: lead(id) })))
    const scan = vi.spyOn(vera.store, 'scan')
    const found = async (...ids: readonly string[]) => (await readRecords(vera.store, 'Lead', ids)).map(({ id }) => id)
    expect(await found('lead-109', 'lead-100')).toEqual(['lead-109', 'lead-100'])
    expect(scan).toHaveBeenCalledTimes(1)
    expect(await found('lead-155', 'lead-150x')).toEqual(['lead-155'])
    expect(scan).toHaveBeenCalledTimes(3)
    expect(await found('lead-100', 'lead-219')).toEqual(['lead-100', 'lead-219'])
    expect(scan).toHaveBeenCalledTimes(6)
    expect(await found('zz')).toEqual([])
  })
})

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** All bytes that a store holds, each piece as hexadecimal text. */
async function piecesOf({ store }: MemoryOrg): Promise<readonly string[]> {
  const pieces: string[] = []
  const collect = (value: unknown): void => {
    if (value instanceof Uint8Array) pieces.push(hexOf(value))
    else if (typeof value === 'object' && value !== null) for (const part of Object.values(value)) collect(part)
  }
  for (const kind of ['row', 'rows', 'doc', 'docs', 'feed', 'meta']) collect(await store.scan([kind]))
  return pieces
}

/** Paul has copies of forty leads of Vera's, whose docs came to him together. @param without the leads that have no revenue */
async function fortyCopies({ without = [] }: { readonly without?: readonly string[] } = {}) {
  const browser = new MemoryBrowser()
  const made = await setup({ upTo: 'shared', paul: { browser } })
  const { vera, paul, connection, settle, exportListed, until } = made
  await vera.rows.save(
    many.map((id) => {
      const { AnnualRevenue: revenue = null, ...values } = lead(id)
      return { object: 'Lead', id, values: without.includes(id) ? values : { ...values, AnnualRevenue: revenue } }
    }),
  )
  await settle()
  await exportListed()
  // Paul's results have left. What Vera publishes then comes to him in one message, with his next visit.
  await until('the results are at the relay', () => paul.site.jobs().some(({ done }) => done) && paul.sync.status().waiting === 0)
  paul.sync.cut()
  await settle()
  paul.sync.mend()
  await settle()
  const feed = feedName({ kind: 'connection', connection, side: 'vendor', topic: 'lead' })
  const slots = carriedFields(vera.rows.get('Agreement', connection), 'lead', 'vendor')?.bySlot ?? new Map<string, string>()
  const slot = [...slots].find(([, field]) => field === 'Status')?.[0] ?? ''
  /** Vera's docs in the segments of a store, and how many have entries of their own. */
  const kept = async ({ store }: MemoryOrg) => {
    const inSegments = (await store.scan(['docs', feed])).flatMap(([, docs]) => docs as readonly (readonly [Key, StoredDoc])[])
    return { inSegments: new Map(inSegments), alone: (await store.scan(['doc', feed])).length }
  }
  /** The seals of what Vera has under Status, as Paul's store has them. */
  const sealed = async (org: MemoryOrg): Promise<readonly string[]> =>
    [...(await kept(org)).inSegments.values()].flatMap(({ state }) => {
      const bytes = readSlots(loadDoc([state])).get(slot)
      return bytes ? [hexOf(bytes)] : []
    })
  const mapOf = (id: string): Key => parseKey([...vera.replica.recordMaps.mapsOfRecord('Lead', id)][0] ?? '')
  const status = (org: MemoryOrg, id: string, field = 'Status') =>
    org.mirrors.of('Lead', textOf(org.rows.get('RecordMap', mapOf(id)), 'record') ?? '')[0]?.fields.find(({ name }) => name === field)
  return { ...made, browser, kept, sealed, mapOf, status }
}

describe('docs of a peer that come together', () => {
  it('are one entry of the store, and the next page has them all', async () => {
    const { paul, open, browser, kept, status, settle } = await fortyCopies()
    expect(await kept(paul)).toMatchObject({ inSegments: { size: 40 }, alone: 0 })
    await paul.close()
    const again = await open({ ...paul.options, store: paul.store.reopen(), browser })
    await settle()
    expect(many.map((id) => status(again, id)?.value)).toEqual(many.map(() => 'Open - Not Contacted'))
    expect([again.problems, again.sync.status().waiting]).toEqual([[], 0])
  })

  it('leave nothing in it of what is edited, deleted or withdrawn: their seals are gone from the store', async () => {
    const { vera, paul, connection, kept, sealed, mapOf, status, settle } = await fortyCopies()
    const before = await sealed(paul)
    expect(before).toHaveLength(40)
    const isThere = async (): Promise<readonly string[]> => {
      const pieces = await piecesOf(paul)
      return before.filter((seal) => pieces.some((piece) => piece.includes(seal)))
    }
    expect(await isThere()).toHaveLength(40)
    await vera.records.edit('Lead', 'lead-12', { Status: 'Working - Contacted' })
    await vera.records.remove('Lead', 'lead-13')
    await settle()
    expect(status(paul, 'lead-12')?.value).toBe('Working - Contacted')
    const after = await kept(paul)
    expect(after.inSegments.size).toBe(38)
    for (const id of ['lead-12', 'lead-13']) expect(after.inSegments.has(mapOf(id))).toBe(false)
    // Paul is away while Vera withdraws the field. With his next visit no byte of it is left.
    paul.sync.cut()
    await vera.agreements.withdraw(connection, 'Lead', ['Status'])
    await settle()
    expect((await isThere()).length).toBeGreaterThan(30)
    paul.sync.mend()
    await settle()
    expect(await isThere()).toEqual([])
    // All were begun anew together, and lie in the segment again.
    expect((await kept(paul)).inSegments.size).toBe(38)
    expect(many.slice(4).map((id) => status(paul, id)?.state)).toEqual(many.slice(4).map(() => 'not shared'))
    expect([vera, paul].flatMap(({ problems }) => problems)).toEqual([])
  })

  it('are where the store says, also for a tab that leads again after one that it did not hear had moved some', async () => {
    const { vera, paul, connection, open, kept, status, settle, until, clock } = await fortyCopies({ without: many.slice(5) })
    paul.sync.cut()
    // In a browser of its own, as a page that the first one does not hear. Nothing comes from the relay while it leads.
    const second = await open({ ...paul.options, store: paul.store, browser: new MemoryBrowser(), cut: true })
    await until('the second leads', () => second.sync.status().leader)
    clock.advance(61_000)
    await until('the first has noticed', () => paul.sync.status().stoodDown === 'elsewhere')
    await second.agreements.withdraw(connection, 'Lead', ['AnnualRevenue'])
    await until('the second has hidden the field', () => status(second, 'lead-10', 'AnnualRevenue')?.state === 'not shared')
    expect(await kept(paul)).toMatchObject({ inSegments: { size: 35 }, alone: 5 })
    second.link.stop()
    await second.replica.endLead()
    clock.advance(61_000)
    await until('the first leads again', () => paul.sync.status().leader && paul.sync.status().stoodDown === undefined)
    expect(many.slice(0, 6).map((id) => status(paul, id, 'AnnualRevenue')?.state)).toEqual(many.slice(0, 6).map(() => 'not shared'))
    // Vera hears of it before she publishes. All come again in one message: those five as whole docs, without the field.
    vera.sync.cut()
    await vera.rows.save(many.map((id) => ({ object: 'Lead', id, values: { Status: 'Working - Contacted' } })))
    paul.sync.mend()
    await settle(paul)
    paul.sync.cut()
    vera.sync.mend()
    await settle(vera)
    paul.sync.mend()
    await settle()
    const problems = paul.problems.filter((what) => !what.includes('open a second time'))
    await paul.close()
    const again = await open({ ...paul.options, store: paul.store.reopen() })
    await settle(vera, again)
    expect(many.map((id) => status(again, id)?.value)).toEqual(many.map(() => 'Working - Contacted'))
    expect([problems, vera.problems, again.problems]).toEqual([[], [], []])
  })

  it('come again where the relay lost its disk', async () => {
    const { vera, paul, relay, network, kept, status, settle } = await fortyCopies()
    relay.restart(emptyRelay)
    await network.pass(10_000)
    await settle()
    await vera.records.edit('Lead', 'lead-12', { Status: 'Working - Contacted' })
    await settle()
    expect(many.slice(0, 4).map((id) => status(paul, id)?.value)).toEqual([
      'Open - Not Contacted',
      'Open - Not Contacted',
      'Working - Contacted',
      'Open - Not Contacted',
    ])
    const { inSegments, alone } = await kept(paul)
    expect(inSegments.size + alone).toBeGreaterThanOrEqual(40)
    expect(paul.sync.status().waiting).toBe(0)
  })
})
