import { type Entry, type ErrorCode, zeroStamp } from '@entente/protocol'
import { describe, expect, it } from 'vitest'
import { agreementFacts } from '../agree/agreement-row.js'
import type { ShareView } from '../api/index.js'
import { requireConnection } from '../connect/connection-facts.js'
import { lead, type MemoryOrg, setup, type Setup } from '../testing/index.js'
import type { Lie } from '../testing/lying-socket.js'

// Each published status by its cause, as `docs/statuses.md` has them, each reached by two whole engines.

const shareOf = (org: MemoryOrg, record: string): ShareView | undefined => org.records.shares('Lead', record)[0]
const statusOf = (org: MemoryOrg, record: string) => {
  const { state, outbound, inbound } = shareOf(org, record) ?? {}
  return [state, outbound, inbound]
}
/** An edit of a field that flows. */
const edited = { Status: 'Working - Contacted' }
/** What a person of the vendor reads of the first thing that went wrong. */
const errorOf = (org: MemoryOrg, record: string) => shareOf(org, record)?.errors[0]

type Ground = Pick<Setup, 'clock' | 'pass' | 'settle'>

/** Goes on in steps of a second of the clock until something holds. */
async function seconds({ clock, pass }: Ground, most: number, holds: () => boolean = () => false): Promise<void> {
  for (let second = 0; second < most && !holds(); second++) {
    clock.advance(1_000)
    await pass(10)
  }
}

/** A relay that lies to one org about Vera’s leads, from the moment that `lies` is set. */
function liar() {
  const state: { lies?: ((entry: Entry) => Entry | undefined) | undefined } = {}
  const lie: Lie = (feed, message) => {
    const { lies } = state
    if (!lies || !feed.endsWith('/vendor/lead')) return [message]
    return [{ ...message, entries: message.entries.flatMap((entry) => lies(entry) ?? []) }]
  }
  return { state, lie }
}

/** A relay that refuses Vera’s leads while a code is set. */
function refusing() {
  const state: { code?: ErrorCode | undefined } = {}
  return { state, relay: { refuses: (feed: string) => (feed.endsWith('/vendor/lead') ? state.code : undefined) } }
}

describe('an export', () => {
  it('ExportSuccess where another page load made the record in the very millisecond of the export, as it was exported', async () => {
    const { vera, record } = await setup({ upTo: 'exported' })
    const [map] = vera.rows.list('RecordMap').values()
    const [time, , session] = map?.registers['exportedAt']?.[0] ?? zeroStamp
    const { Status = null } = lead('Ada')
    await vera.rows.save([{ object: 'Lead', id: record, values: { Status }, stamp: [time, 0, session + 1] }])
    expect(shareOf(vera, record)?.outbound).toBe('ExportSuccess')
    await vera.rows.save([{ object: 'Lead', id: record, values: edited, stamp: [time, 0, session + 2] }])
    expect(shareOf(vera, record)?.outbound).toBe('UpdateInProgress')
  })

  it('UpdateInProgress where Vera edits the record in the very millisecond of the export', async () => {
    const { vera, record } = await setup({ upTo: 'exported' })
    const [map] = vera.rows.list('RecordMap').values()
    await vera.rows.save([{ object: 'Lead', id: record, values: edited, stamp: map?.registers['exportedAt']?.[0] ?? zeroStamp }])
    expect(shareOf(vera, record)?.outbound).toBe('UpdateInProgress')
  })

  /** Paul asks for Ada; `change` comes before Vera has heard of it. */
  const request = async (change: (orgs: Setup<'shared'>) => Promise<unknown>, values: Parameters<typeof lead>[1] = {}) => {
    const orgs = await setup({ upTo: 'shared' })
    const record = await orgs.vera.records.create('Lead', lead('Ada', values))
    await orgs.settle()
    await orgs.exportListed()
    await change(orgs)
    await orgs.settle()
    const listing = orgs.paul.site.listings(orgs.connection, 'Lead').listings[0]
    const [error] = orgs.paul.site.errors(orgs.paul.site.jobs()[0]?.id ?? '')
    return { ...orgs, record, status: listing?.status, error }
  }

  it('ExportInProgress, then ExportSuccess, until the first edit after it: then UpdateInProgress and UpdateSuccess, with three ticks', async () => {
    const orgs = await setup({ upTo: 'shared' })
    const { vera, paul, settle, clock } = orgs
    const record = await vera.records.create('Lead', lead('Ada'))
    await settle()
    await orgs.exportListed()
    await settle(paul)
    paul.sync.cut()
    await settle(vera)
    expect(statusOf(vera, record)).toEqual(['exporting', 'ExportInProgress', undefined])
    expect(vera.mirrors.of('Lead', record)).toEqual([])
    paul.sync.mend()
    await settle()
    await seconds(orgs, 200, () => shareOf(vera, record)?.receipt?.reached === 'peer')
    expect(statusOf(vera, record)).toEqual(['current', 'ExportSuccess', undefined])
    const copy = paul.records.list('Lead').records[0]?.id ?? ''
    expect(statusOf(paul, copy)).toEqual(['current', undefined, 'ImportSuccess'])
    expect(shareOf(paul, copy)?.receipt).toBeUndefined()

    vera.sync.cut()
    await vera.records.edit('Lead', record, edited)
    const at = clock.now()
    expect(statusOf(vera, record)).toEqual(['sending', 'UpdateInProgress', undefined])
    expect(shareOf(vera, record)?.receipt).toEqual({ reached: 'device', edited: at, relayed: undefined, read: undefined })
    paul.sync.cut()
    vera.sync.mend()
    await settle(vera)
    await seconds(orgs, 200, () => shareOf(vera, record)?.receipt?.relayed !== undefined)
    // The relay has it, and Paul is offline: nobody says that it was received.
    expect(statusOf(vera, record)).toEqual(['sending', 'UpdateInProgress', undefined])
    expect(shareOf(vera, record)?.receipt).toMatchObject({ reached: 'relay', relayed: expect.any(Number), read: undefined })
    paul.sync.mend()
    await settle()
    await seconds(orgs, 200, () => shareOf(vera, record)?.state === 'current')
    expect(statusOf(vera, record)).toEqual(['current', 'UpdateSuccess', undefined])
    const { edited: first = 0, relayed = 0, read = 0 } = shareOf(vera, record)?.receipt ?? {}
    expect([first, relayed, read]).toEqual([first, relayed, read].toSorted((a, b) => a - b))
    expect(statusOf(paul, copy)).toEqual(['current', undefined, 'UpdateSuccess'])
    // Two orgs do not answer each other's signatures for ever.
    const said = vera.sync.status().framesOut
    await seconds(orgs, 60)
    expect(vera.sync.status().framesOut - said).toBeLessThan(10)
  })

  it('of a copy whose owner edits what does not flow: nothing waits', async () => {
    const orgs = await setup({ upTo: 'exported' })
    await orgs.paul.records.edit('Lead', orgs.copy, { Phone: '+49 30 9' })
    await orgs.settle()
    expect(statusOf(orgs.paul, orgs.copy)).toEqual(['current', undefined, 'ImportSuccess'])
  })

  it('ExportSuccessSkipped: asked for again while the partner has its copy', async () => {
    const { paul, settle, exportListed, connection } = await setup({ upTo: 'exported' })
    await exportListed()
    await settle()
    expect(paul.site.jobs().map(({ skipped }) => skipped)).toContain(1)
    expect(paul.site.listings(connection, 'Lead').listings[0]?.status).toBe('ExportSuccessSkipped')
  })

  it('ExportPublishFieldMapError: a value of the vendor no longer fits the field that was agreed', async () => {
    const { status, error, record } = await request(async ({ vera }) => {
      const schema = vera.records.schema('Lead')
      const fields = schema.fields.map((field) => (field.name === 'Company' ? { ...field, length: 400 } : field))
      await vera.records.setSchema({ ...schema, fields })
      const [first] = vera.records.list('Lead').records
      await vera.records.edit('Lead', first?.id ?? '', { LastName: 'Ada', Email: 'ada@acme.example', Description: 'x'.repeat(10) })
      await vera.rows.save([{ object: 'Lead', id: first?.id ?? '', values: { LastName: 'A'.repeat(200) } }])
    })
    expect(record).not.toBe('')
    expect([status, error?.field, error?.rule]).toEqual(['ExportPublishFieldMapError', 'LastName', 'length'])
  })

  it('ExportPublishConnectionError: the person’s seat is gone', async () => {
    const { status, error } = await request(({ vera, connection }) => vera.people.setSeats(connection, 0))
    expect([status, error?.rule]).toEqual(['ExportPublishConnectionError', 'NOT_ALLOWED'])
  })

  it('ExportPublishEventError: the record is too large for a message', async () => {
    const { status, error } = await request(async () => undefined, { Description: '語'.repeat(20_000) })
    expect([status, error?.rule]).toEqual(['ExportPublishEventError', 'size'])
  })

  it('ExportPublishUnknownError: the vendor’s rule shows the record no more', async () => {
    const { status, error } = await request(async ({ vera }) => {
      const [first] = vera.records.list('Lead').records
      await vera.records.edit('Lead', first?.id ?? '', { Company: 'Other' })
    })
    expect([status, error?.rule]).toEqual([undefined, 'sharing'])
  })

  it('ExportSubscribeFieldMapError: the partner’s field does not take a value, which the vendor is told without the value', async () => {
    const { vera, paul, connection, settle, exportListed } = await setup({ upTo: 'shared' })
    const schema = paul.records.schema('Lead')
    await paul.records.setSchema({
      ...schema,
      fields: schema.fields.map((field) => (field.name === 'LastName' ? { ...field, length: 5 } : field)),
    })
    const proposal = agreementFacts(vera.rows.get('Agreement', connection)).proposal
    if (proposal) await vera.agreements.propose(connection, proposal)
    await settle()
    await paul.agreements.accept(connection, { objects: { Lead: { fields: paul.agreements.suggest(connection, 'Lead') } } })
    const record = await vera.records.create('Lead', lead('Featherstonehaugh'))
    await settle()
    await exportListed()
    await settle()
    expect(statusOf(vera, record)).toEqual(['failed', 'ExportSubscribeFieldMapError', undefined])
    expect(errorOf(vera, record)).toMatchObject({
      record,
      field: 'LastName',
      value: 'Featherstonehaugh',
      rule: 'length',
      fix: expect.any(String),
    })
    const { peerMessages } = requireConnection(vera.rows, connection)
    expect(JSON.stringify([...vera.replica.inbox(peerMessages).values()])).not.toContain('Featherstonehaugh')
  })

  it('ExportSuccessPartial: a value was cut, as agreed', async () => {
    const { vera, paul, connection, settle, exportListed } = await setup({ upTo: 'shared' })
    const schema = paul.records.schema('Lead')
    await paul.records.setSchema({
      ...schema,
      fields: schema.fields.map((field) => (field.name === 'LastName' ? { ...field, length: 5 } : field)),
    })
    const proposal = agreementFacts(vera.rows.get('Agreement', connection)).proposal
    if (proposal) await vera.agreements.propose(connection, proposal)
    await settle()
    const fields = paul.agreements
      .suggest(connection, 'Lead')
      .map((line) => (line.target === 'LastName' ? { ...line, truncate: true } : line))
    await paul.agreements.accept(connection, { objects: { Lead: { fields } } })
    const record = await vera.records.create('Lead', lead('Featherstonehaugh'))
    await settle()
    await exportListed()
    await settle()
    expect(shareOf(vera, record)?.outbound).toBe('ExportSuccessPartial')
  })

  it('ExportSubscribeUnknownError: the package came under an agreement that is no longer in force', async () => {
    const orgs = await setup({ upTo: 'shared' })
    const { vera, paul, connection, settle, exportListed } = orgs
    const record = await vera.records.create('Lead', lead('Ada'))
    await vera.agreements.propose(connection, {
      objects: {
        Lead: {
          fields: ['LastName', 'Company', 'Status']
            .flatMap((name) => vera.records.schema('Lead').fields.filter((field) => field.name === name))
            .map((field) => ({ field, update: false })),
        },
      },
    })
    await settle()
    await exportListed()
    await settle(paul)
    paul.sync.cut()
    await settle(vera)
    await paul.agreements.accept(connection, { objects: { Lead: { fields: paul.agreements.suggest(connection, 'Lead') } } })
    paul.sync.mend()
    await settle()
    expect(statusOf(vera, record)).toEqual(['failed', 'ExportSubscribeUnknownError', undefined])
    expect(errorOf(vera, record)).toMatchObject({ record, rule: 'agreement version' })
  })
})

describe('an update of the vendor', () => {
  it('UpdatePublishFieldMapError: the value does not fit the agreed field; the partner’s side says UpdateFieldMapError', async () => {
    const { vera, paul, record, copy, settle } = await setup({ upTo: 'exported' })
    const schema = vera.records.schema('Lead')
    const value = 'Waiting for the board'
    const picklist = [...(schema.fields.find(({ name }) => name === 'Status')?.picklist ?? []), { value, label: value }]
    await vera.records.setSchema({
      ...schema,
      fields: schema.fields.map((field) => (field.name === 'Status' ? { ...field, picklist } : field)),
    })
    await vera.records.edit('Lead', record, { Status: value })
    await settle()
    expect(statusOf(vera, record)).toEqual(['stuck', 'UpdatePublishFieldMapError', undefined])
    expect(errorOf(vera, record)).toMatchObject({ record, field: 'Status', value, rule: 'offered value', fix: expect.any(String) })
    expect(statusOf(paul, copy)).toEqual(['stuck', undefined, 'UpdateFieldMapError'])
    expect(errorOf(paul, copy)).toMatchObject({ record: copy, field: 'Status' })
    expect(errorOf(paul, copy)).not.toHaveProperty('value')
    await vera.records.edit('Lead', record, edited)
    await settle()
    expect(statusOf(vera, record)).toEqual(['sending', 'UpdateInProgress', undefined])
    expect(statusOf(paul, copy)).toEqual(['current', undefined, 'UpdateSuccess'])
  })

  it('UpdatePublishConnectionError: the connection paused, or ended, with an edit waiting', async () => {
    const { vera, paul, record, connection, settle, clock } = await setup({ upTo: 'exported' })
    await paul.connections.pause(connection)
    await settle()
    expect(statusOf(vera, record)).toEqual(['ended', 'ExportSuccess', undefined])
    clock.advance(1_000)
    await vera.records.edit('Lead', record, edited)
    await settle()
    expect(statusOf(vera, record)).toEqual(['ended', 'UpdatePublishConnectionError', undefined])
    expect(shareOf(vera, record)).toMatchObject({
      why: { what: 'paused', by: 'peer' },
      receipt: { reached: 'device' },
      errors: [{ rule: 'paused' }],
    })
    await paul.connections.resume(connection)
    await settle()
    expect(statusOf(vera, record)).toEqual(['sending', 'UpdateInProgress', undefined])
    await vera.connections.disconnect(connection)
    clock.advance(1_000)
    await vera.records.edit('Lead', record, { Status: 'Closed - Converted' })
    await settle()
    expect(shareOf(vera, record)).toMatchObject({
      state: 'ended',
      outbound: 'UpdatePublishConnectionError',
      why: { what: 'disconnected', by: 'own' },
    })
  })

  it.each(['SIZE', 'QUOTA', 'UNAVAILABLE'] as const)(
    'UpdatePublishEventError: the relay refuses it with %s, until an edit that it takes',
    async (code) => {
      const { state, relay } = refusing()
      const orgs = await setup({ upTo: 'exported', relay })
      const { vera, record, until, clock } = orgs
      state.code = code
      await vera.records.edit('Lead', record, edited)
      await seconds(orgs, 200, () => shareOf(vera, record)?.state === 'stuck')
      expect(statusOf(vera, record)).toEqual(['stuck', 'UpdatePublishEventError', undefined])
      expect(errorOf(vera, record)).toMatchObject({ record, rule: code, fix: expect.any(String) })
      state.code = undefined
      if (code !== 'SIZE') clock.advance(61_000)
      await vera.records.edit('Lead', record, { Status: 'Closed - Converted' })
      await until('the relay has it', () => shareOf(vera, record)?.state === 'sending')
      expect(shareOf(vera, record)).toMatchObject({ outbound: 'UpdateInProgress', receipt: { reached: 'relay' }, errors: [] })
    },
  )

  it('UpdatePublishUnknownError: the relay says that it has it, and does not show it', async () => {
    const { state, lie } = liar()
    const { vera, record, until } = await setup({ upTo: 'exported', vera: { lie } })
    state.lies = () => undefined
    await vera.records.edit('Lead', record, edited)
    await until('Vera is told', () => shareOf(vera, record)?.state === 'stuck')
    expect(statusOf(vera, record)).toEqual(['stuck', 'UpdatePublishUnknownError', undefined])
  })

  it('UpdateSubscribeRecordNotFound: the partner deleted its copy', async () => {
    const { vera, paul, record, copy, settle } = await setup({ upTo: 'exported' })
    await paul.records.remove('Lead', copy)
    await settle()
    expect(statusOf(vera, record)).toEqual(['ended', 'UpdateSubscribeRecordNotFound', undefined])
    expect(shareOf(vera, record)?.why).toMatchObject({ what: 'deleted', by: 'peer' })
    expect(vera.mirrors.of('Lead', record).map(({ state, why }) => [state, why?.what])).toEqual([['frozen', 'deleted']])
  })

  it.each([
    [
      'UpdateSubscribeFieldMapError',
      'UpdateFieldMapError',
      'opens no more',
      (entry: Entry) => ({ ...entry, bytes: entry.bytes.map((byte, at) => (at === entry.bytes.length - 40 ? byte ^ 1 : byte)) }),
    ],
    ['UpdateSubscribeUnknownError', 'UpdateConctExtlRecError', 'is left out', () => undefined],
  ] as const)('%s: the partner says so, whose own side says %s, where an update %s on the way', async (outbound, inbound, _, lies) => {
    const { state, lie } = liar()
    const orgs = await setup({ upTo: 'exported', paul: { lie } })
    const { vera, paul, record, copy } = orgs
    await seconds(orgs, 200, () => shareOf(vera, record)?.receipt?.reached === 'peer')
    state.lies = (entry) => (entry.kind === 'doc' && !entry.whole ? lies(entry) : entry)
    await vera.records.edit('Lead', record, edited)
    const seen = new Set<string | undefined>()
    await seconds(orgs, 200, () => seen.add(shareOf(paul, copy)?.inbound) && shareOf(vera, record)?.state === 'stuck')
    expect(statusOf(vera, record)).toEqual(['stuck', outbound, undefined])
    expect([...seen]).toContain(inbound)
  })
})

describe('what comes of the vendor’s record', () => {
  it('ImportConctExtlRecError: the copy is there, and the relay holds the vendor’s doc back', async () => {
    const { state, lie } = liar()
    const orgs = await setup({ upTo: 'shared', paul: { lie } })
    const { vera, paul, settle, exportListed } = orgs
    await vera.records.create('Lead', lead('Ada'))
    await settle()
    state.lies = (entry) => (entry.kind === 'head' ? entry : undefined)
    await exportListed()
    await settle()
    const copy = paul.records.list('Lead').records[0]?.id ?? ''
    await seconds(orgs, 200, () => shareOf(paul, copy)?.state === 'stuck')
    expect(statusOf(paul, copy)).toEqual(['stuck', undefined, 'ImportConctExtlRecError'])
    expect(paul.mirrors.of('Lead', copy)[0]?.state).toBe('waiting')
  })

  it('UpdateUnknownError: the partner reads no more of a vendor that sends too much, and the vendor is told', async () => {
    const { vera, paul, record, copy, connection, settle } = await setup({ upTo: 'exported' })
    await paul.rows.save([{ object: 'Connection', id: connection, values: { paused: 'after' } }])
    await settle()
    await vera.records.edit('Lead', record, edited)
    await settle()
    expect(statusOf(paul, copy)).toEqual(['stuck', undefined, 'UpdateUnknownError'])
    expect(statusOf(vera, record)).toEqual(['stuck', 'UpdatePublishConnectionError', undefined])
    expect(errorOf(vera, record)?.message).toContain('reads nothing more')
  })
})

describe('the end of a share, for the record and for the mirror beside it', () => {
  it('has one reason on each side', async () => {
    const { vera, paul, record, copy, settle } = await setup({ upTo: 'exported' })
    await paul.records.edit('Lead', copy, edited)
    await settle()
    const told = (org: MemoryOrg, id: string) =>
      [shareOf(org, id), ...org.mirrors.of('Lead', id)].map((view) => [view?.state, view?.why?.what, view?.why?.by])
    const share = shareOf(vera, record)?.id ?? ''
    await vera.records.stopSharing(share)
    await settle()
    expect(told(vera, record)).toEqual([
      ['ended', 'stopped', 'own'],
      ['frozen', 'stopped', 'own'],
    ])
    expect(told(paul, copy)).toEqual([
      ['ended', 'stopped', 'peer'],
      ['frozen', 'stopped', 'peer'],
    ])
    await vera.records.resumeSharing(share)
    await settle()
    expect(told(paul, copy).map(([state]) => state)).toEqual(['sending', 'live'])
  })
})
