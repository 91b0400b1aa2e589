import type { ConnectionId } from '@entente/protocol'
import { describe, expect, it } from 'vitest'
import { agreementFacts } from '../agree/agreement-row.js'
import { requireConnection } from '../connect/connection-facts.js'
import { grantRowId } from '../people/grants.js'
import { isDeleted } from '../records/records.js'
import { textOf } from '../replica/feed-role.js'
import { lead, type MemoryOrg, setup, type Setup } from '../testing/index.js'

const copies = (org: MemoryOrg) => [...org.rows.list('Lead').values()].filter((row) => !isDeleted(row))
const site = (paul: MemoryOrg, connection: ConnectionId) => paul.site.listings(connection, 'Lead').listings

/** Everything that an org ever opened of what its peer sent, signed payloads in the clear. */
function listenTo(org: MemoryOrg, connection: ConnectionId): () => string {
  const texts: string[] = []
  const { ownMessages, peerMessages } = requireConnection(org.rows, connection)
  org.replica.watchFeeds((changed) => {
    for (const { feed, key } of changed) {
      if (feed === ownMessages) continue
      const content = feed === peerMessages ? org.replica.inbox(feed).get(key)?.body : org.replica.peerDocs(feed).get(key)?.registers
      const parts = typeof content === 'string' ? content.split('.') : []
      texts.push(parts.length === 3 ? Buffer.from(parts[1] ?? '', 'base64url').toString() : JSON.stringify(content))
    }
  })
  return () => texts.join('\n')
}

describe('the partner site', () => {
  it('[SH1, SH3] lists what the rule shows, with the agreed fields and no other', async () => {
    const { vera, paul, connection, settle } = await setup({ upTo: 'shared' })
    await vera.records.create('Lead', lead('Ada'))
    await vera.records.create('Lead', lead('Bob', { Company: 'Other' }))
    await settle()
    const [listing, ...rest] = site(paul, connection)
    expect(rest).toEqual([])
    expect(listing?.values['LastName']).toBe('Ada')
    expect(Object.keys(listing?.values ?? {}).sort()).toEqual(['AnnualRevenue', 'Company', 'Email', 'LastName', 'Status'])
  })

  it('shows each change of a listing, a copy and an export, and makes no list anew where none of them has changed', async () => {
    const { vera, paul, connection, settle, exportListed } = await setup({ upTo: 'shared' })
    const ada = await vera.records.create('Lead', lead('Ada'))
    await vera.records.create('Lead', lead('Bob'))
    await settle()
    const named = (...lines: readonly (readonly unknown[])[]) => {
      const shown = site(paul, connection).map(({ values, copy, status }) => [values['LastName'], copy !== undefined, status])
      expect(shown).toHaveLength(lines.length)
      expect(shown).toEqual(expect.arrayContaining([...lines]))
    }
    named(['Ada', false, undefined], ['Bob', false, undefined])
    const before = site(paul, connection)
    await paul.records.create('Lead', lead('Own'))
    await settle()
    expect(site(paul, connection)).toBe(before)
    await vera.records.edit('Lead', ada, { LastName: 'Ava' })
    await settle()
    named(['Ava', false, undefined], ['Bob', false, undefined])
    await exportListed()
    named(['Ava', false, 'ExportInProgress'], ['Bob', false, 'ExportInProgress'])
    await settle()
    named(['Ava', true, 'ExportSuccess'], ['Bob', true, 'ExportSuccess'])
    const copy = site(paul, connection).find(({ values }) => values['LastName'] === 'Ava')?.copy ?? ''
    await paul.records.remove('Lead', copy)
    named(['Ava', false, 'ExportSuccess'], ['Bob', true, 'ExportSuccess'])
    await vera.records.remove('Lead', ada)
    await settle()
    named(['Bob', true, 'ExportSuccess'])
    await vera.records.create('Lead', lead('Cleo'))
    await settle()
    named(['Bob', true, 'ExportSuccess'], ['Cleo', false, undefined])
    const ids = site(paul, connection).map(({ id }) => id)
    expect(ids).toEqual(ids.toSorted((a, b) => (a < b ? -1 : 1)))
  })

  it('forgets a record that stops matching, is hidden or deleted', async () => {
    const { vera, paul, connection, settle } = await setup({ upTo: 'shared' })
    const [ada, bob, cleo] = [
      await vera.records.create('Lead', lead('Ada')),
      await vera.records.create('Lead', lead('Bob')),
      await vera.records.create('Lead', lead('Cleo')),
    ]
    await settle()
    expect(site(paul, connection)).toHaveLength(3)
    await vera.records.edit('Lead', ada, { Company: 'Other' })
    await vera.records.remove('Lead', bob)
    const rule = vera.sharing.rule(connection, 'Lead')
    if (rule) await vera.sharing.setRule(connection, 'Lead', { ...rule, hidden: [cleo] })
    await settle()
    expect(site(paul, connection)).toEqual([])
  })
})

describe('an export', () => {
  it('[EX2] makes a copy, a record map on both sides and a mirror at the partner', async () => {
    const { vera, paul, record, copy } = await setup({ upTo: 'exported' })
    expect(copies(paul)).toHaveLength(1)
    expect(paul.records.get('Lead', copy)?.values).toMatchObject({ LastName: 'Ada', Company: 'Acme', Status: 'Open - Not Contacted' })
    expect(paul.records.get('Lead', copy)?.imported).toBe(true)
    expect(paul.site.jobs()[0]).toMatchObject({ total: 1, exported: 1, imported: 1, failed: 0, done: true })
    expect(vera.records.shares('Lead', record)[0]).toMatchObject({ on: true, outbound: 'ExportSuccess', errors: [] })
    expect(paul.records.shares('Lead', copy)[0]).toMatchObject({ on: true, inbound: 'ImportSuccess' })
    const [mirror] = paul.mirrors.of('Lead', copy)
    expect(mirror?.state).toBe('live')
    expect(mirror?.fields.find(({ name }) => name === 'Email')).toMatchObject({ state: 'value', value: 'ada@acme.example' })
    expect(mirror?.fields.find(({ name }) => name === 'LastName')).toMatchObject({ state: 'not shared', value: null })
    expect(vera.mirrors.of('Lead', record)).toEqual([])
  })

  it('can be found: which records a connection keeps in step, and which copies a job made', async () => {
    const { vera, paul, connection, record, copy } = await setup({ upTo: 'exported' })
    const kept = () => [vera.records.sharedOver('Lead', connection), paul.records.sharedOver('Lead', connection)]
    expect(kept()).toEqual([[record], [copy]])
    expect(vera.records.sharedOver('Opportunity', connection)).toEqual([])
    const job = paul.site.jobs()[0]?.id ?? ''
    expect(paul.site.copies(job)).toEqual([copy])
    expect(paul.site.copies('A'.repeat(22))).toEqual([])
    await vera.records.stopSharing(vera.records.shares('Lead', record)[0]?.id ?? '')
    expect(kept()[0]).toEqual([])
    await paul.records.remove('Lead', copy)
    expect(paul.site.copies(job)).toEqual([])
  })

  it('leaves no message behind but the sign that the result was read', async () => {
    const { vera, paul } = await setup({ upTo: 'exported' })
    const live = (org: MemoryOrg) =>
      [...org.rows.list('Message').values()].filter((row) => row.registers['body']?.[1] !== null && /#[pqr]\./.test(row.id))
    expect(live(paul)).toEqual([])
    expect(live(vera)).toEqual([])
  })

  it('keeps update fields flowing both ways, into mirrors and never into the own record', async () => {
    const { vera, paul, record, copy, connection, settle } = await setup({ upTo: 'exported' })
    await paul.records.edit('Lead', copy, { Status: 'Working - Contacted', LastName: 'Lovelace' })
    await vera.records.edit('Lead', record, { Email: 'new@acme.example' })
    await settle()
    const [mirror] = vera.mirrors.of('Lead', record)
    expect(mirror?.fields.find(({ name }) => name === 'Status')?.value).toBe('Working - Contacted')
    expect(mirror?.fields.find(({ name }) => name === 'LastName')?.state).toBe('not shared')
    expect(vera.records.get('Lead', record)?.values['Status']).toBe('Open - Not Contacted')
    expect(paul.mirrors.of('Lead', copy)[0]?.fields.find(({ name }) => name === 'Email')?.value).toBe('new@acme.example')
    expect(paul.records.get('Lead', copy)?.values['Email']).toBe('ada@acme.example')
    expect(vera.mirrors.count(connection)).toBe(1)
  })

  it('keeps amount and code as sent (row 57)', async () => {
    const { paul, copy } = await setup({ upTo: 'exported' })
    expect(paul.records.get('Lead', copy)?.values['AnnualRevenue']).toEqual({ amount: '1054000', currency: 'EUR' })
  })

  it('skips a record that was exported before (row 61)', async () => {
    const { paul, connection, settle, exportListed } = await setup({ upTo: 'exported' })
    const job = await exportListed()
    await settle()
    expect(paul.site.jobs().find(({ id }) => id === job)).toMatchObject({ skipped: 1, imported: 0, done: true })
    expect(site(paul, connection)[0]?.status).toBe('ExportSuccessSkipped')
    expect(copies(paul)).toHaveLength(1)
  })

  it('is one export where it was clicked twice (row 69)', async () => {
    const { vera, paul, connection, settle } = await setup({ upTo: 'shared' })
    await vera.records.create('Lead', lead('Ada'))
    await settle()
    const ids = site(paul, connection).map(({ id }) => id)
    const [first, second] = await Promise.all([paul.site.export(connection, 'Lead', ids), paul.site.export(connection, 'Lead', ids)])
    expect(second).toBe(first)
    expect(paul.site.jobs()).toHaveLength(1)
  })

  it('[EX3, SH4] lets nothing leave but the agreed fields, before and after', async () => {
    const { vera, paul, connection, settle, exportListed } = await setup({ upTo: 'shared' })
    const secret = 'TOKEN-9f3a'
    const record = await vera.records.create('Lead', lead('Ada', { Title: secret, City: secret, Phone: '+49 111' }))
    const heard = listenTo(paul, connection)
    await settle()
    await exportListed()
    await settle()
    await vera.records.edit('Lead', record, { Title: `${secret} again`, LastName: `${secret} Lovelace`, Company: 'Acme' })
    await settle()
    expect(heard()).toContain('Ada')
    expect(heard()).not.toContain(secret)
    expect(heard()).not.toContain('+49 111')
  })

  it('waits and says so while nobody answers', async () => {
    const { vera, paul, connection, settle, exportListed } = await setup({ upTo: 'shared' })
    await vera.records.create('Lead', lead('Ada'))
    await settle()
    vera.sync.cut()
    await exportListed()
    await settle(paul)
    expect(paul.site.jobs()[0]).toMatchObject({ total: 1, exported: 0, done: false })
    expect(site(paul, connection)[0]?.status).toBe('ExportInProgress')
  })

  it('sends long texts in as many packages as it takes', async () => {
    const { vera, paul, connection, settle, exportListed } = await setup({ upTo: 'shared' })
    for (let index = 0; index < 6; index++)
      await vera.records.create('Lead', lead(`Long${index}`, { Description: 'word '.repeat(6_000).trim() }))
    await settle()
    expect(site(paul, connection)[0]?.values['Description']).toHaveLength(1_001)
    await exportListed()
    await settle()
    expect(paul.site.jobs()[0]).toMatchObject({ imported: 6, done: true })
    expect(paul.records.get('Lead', copies(paul)[0]?.id ?? '')?.values['Description']).toHaveLength(29_999)
  })
})

describe('an export is refused', () => {
  /** Paul asks for Ada of Acme; `change` comes before Vera has heard of it. */
  const request = async (change: (orgs: Setup<'shared'>) => Promise<void>) => {
    const orgs = await setup({ upTo: 'shared' })
    const { vera, paul, connection, settle, exportListed } = orgs
    await vera.records.create('Lead', lead('Ada'))
    await settle()
    const ids = site(paul, connection).map(({ id }) => id)
    await exportListed()
    await change(orgs)
    await settle()
    return { ...orgs, ids, job: paul.site.jobs()[0] }
  }

  it('[EX3] to a person without a grant, at both ends (rows 32, 59)', async () => {
    const withdrawn = (orgs: Setup<'shared'>) => [
      { object: 'Grant', id: grantRowId(orgs.connection, orgs.paul.user.id), values: { granted: false } },
    ]
    const orgs = await request(async (both) => void (await both.vera.rows.save(withdrawn(both))))
    const { vera, paul, connection, ids, job } = orgs
    expect(job).toMatchObject({ failed: 1, imported: 0, done: true })
    expect(paul.site.errors(job?.id ?? '')).toMatchObject([{ rule: 'NOT_ALLOWED', name: 'Ada' }])
    expect(vera.rows.list('RecordMap').size).toBe(0)
    await paul.rows.save(withdrawn(orgs))
    await expect(paul.site.export(connection, 'Lead', ids)).rejects.toMatchObject({ code: 'NOT_ALLOWED' })
  })

  it('to a device that speaks for another person', async () => {
    const { vera, paul, connection, settle, openAnotherDevice } = await setup({ upTo: 'shared' })
    await vera.records.create('Lead', lead('Ada'))
    await settle()
    const pia = await openAnotherDevice(paul, { userName: 'Pia', role: 'member', claims: paul.user.id })
    await settle()
    paul.sync.cut()
    await pia.site.export(
      connection,
      'Lead',
      site(pia, connection).map(({ id }) => id),
    )
    await settle()
    expect(vera.rows.list('RecordMap').size).toBe(0)
    expect(vera.problems.join()).toContain('belongs to another person')
  })

  it('where no seat is left (row 59)', async () => {
    const { paul, job } = await request(({ vera, connection }) => vera.people.setSeats(connection, 0))
    expect(job).toMatchObject({ failed: 1, imported: 0 })
    expect(paul.site.errors(job?.id ?? '')).toMatchObject([{ rule: 'NOT_ALLOWED' }])
  })

  it('for a record that is not shared any more (row 60)', async () => {
    const { job, paul } = await request(async ({ vera, connection }) => {
      const [record] = vera.sharing.visible(connection, 'Lead')
      await vera.records.edit('Lead', record ?? '', { Company: 'Other' })
    })
    expect(job).toMatchObject({ failed: 1 })
    expect(paul.site.errors(job?.id ?? '')).toMatchObject([{ rule: 'sharing' }])
    expect(copies(paul)).toEqual([])
  })

  it('before the codes were compared', async () => {
    const { vera, paul, connection, settle, exportListed } = await setup({ upTo: 'shared', verified: false })
    await vera.records.create('Lead', lead('Ada'))
    await settle()
    expect(paul.site.obstacle(connection)?.code).toBe('NOT_VERIFIED')
    await expect(exportListed()).rejects.toMatchObject({ code: 'NOT_VERIFIED' })
  })

  it('under an older version of the agreement (row 43)', async () => {
    const { paul: asker, job } = await request(async ({ paul, agree, settle }) => {
      // Paul's request has not left; the new agreement arrives before it does.
      paul.sync.cut()
      await settle(paul)
      const asked = [...paul.rows.list('Message').values()].find((row) => row.id.includes('#q.'))
      const body = asked?.registers['body']?.[1] ?? null
      // Nobody asks again meanwhile.
      const [request] = paul.rows.list('ExportRequest').keys()
      const known = paul.context.asked
      await known.write(known.attach([[request ?? '', undefined]]))
      await paul.rows.save([{ object: 'Message', id: asked?.id ?? '', values: { body: null } }])
      paul.sync.mend()
      await agree(['LastName', 'Company', 'Status'], ['Status'])
      await paul.rows.save([{ object: 'Message', id: asked?.id ?? '', values: { body } }])
    })
    expect(job).toMatchObject({ failed: 1 })
    expect(asker.site.errors(job?.id ?? '')).toMatchObject([{ rule: 'agreement version' }])
  })
})

describe('a value that the partner cannot take', () => {
  it('fails with the field and the fix, and can be retried once it was corrected (rows 54, 55)', async () => {
    const { vera, paul, connection, settle, exportListed } = await setup({ upTo: 'shared' })
    const schema = paul.records.schema('Lead')
    const changed = { ...schema, fields: schema.fields.map((field) => (field.name === 'LastName' ? { ...field, length: 5 } : field)) }
    const proposal = agreementFacts(vera.rows.get('Agreement', connection)).proposal
    await paul.records.setSchema(changed)
    if (proposal) await vera.agreements.propose(connection, proposal)
    await settle()
    await paul.agreements.accept(connection, { objects: { Lead: { fields: paul.agreements.suggest(connection, 'Lead') } } })
    const record = await vera.records.create('Lead', lead('Featherstonehaugh'))
    await settle()
    await exportListed()
    await settle()
    const [job] = paul.site.jobs()
    expect(job).toMatchObject({ exported: 1, imported: 0, failed: 1, done: true })
    const named = { name: 'Featherstonehaugh', label: 'Last Name', value: 'Featherstonehaugh' }
    expect(paul.site.errors(job?.id ?? '')).toMatchObject([{ field: 'LastName', rule: 'length', ...named, correct: { name: 'LastName' } }])
    // Nothing of the value is stored with the error, nor travels. What Paul called the record, when he asked for it, is kept beside.
    for (const object of ['ExportRequest', 'RecordMap'])
      for (const org of [vera, paul]) {
        const kept = [...org.rows.list(object).values()].map(({ registers: { names, ...others } }) => [names?.[1], others] as const)
        expect(JSON.stringify(kept.map(([, others]) => others))).not.toContain('Featherstonehaugh')
        expect(kept.flatMap(([names]) => names ?? [])).toEqual(org === paul && object === 'ExportRequest' ? ['Featherstonehaugh'] : [])
      }
    expect(vera.records.shares('Lead', record)[0]).toMatchObject({
      on: false,
      outbound: 'ExportSubscribeFieldMapError',
      errors: [{ record, field: 'LastName' }],
    })
    expect(copies(paul)).toEqual([])
    await vera.records.edit('Lead', record, { LastName: 'Fea' })
    await settle()
    await paul.site.retry(job?.id ?? '')
    await settle()
    expect(copies(paul)).toHaveLength(1)
    expect(vera.records.shares('Lead', record)[0]).toMatchObject({ on: true, outbound: 'ExportSuccess' })
  })
})

describe('one record', () => {
  it('can be stopped, which freezes the mirror, and resumed', async () => {
    const { vera, paul, record, copy, settle } = await setup({ upTo: 'exported' })
    const share = vera.records.shares('Lead', record)[0]?.id ?? ''
    await vera.records.stopSharing(share)
    await settle()
    expect(paul.mirrors.of('Lead', copy)[0]).toMatchObject({ state: 'frozen' })
    expect(paul.mirrors.of('Lead', copy)[0]?.fields.find(({ name }) => name === 'Email')?.value).toBe('ada@acme.example')
    await vera.records.edit('Lead', record, { Email: 'later@acme.example' })
    await vera.records.resumeSharing(share)
    await settle()
    expect(paul.mirrors.of('Lead', copy)[0]).toMatchObject({ state: 'live' })
    expect(paul.mirrors.of('Lead', copy)[0]?.fields.find(({ name }) => name === 'Email')?.value).toBe('later@acme.example')
  })

  it('reads by what a slot meant in the version of its doc', async () => {
    const { paul, copy, agree } = await setup({ upTo: 'exported' })
    await agree(['LastName', 'Company', 'Status', 'Email'], ['Email'])
    const [mirror] = paul.mirrors.of('Lead', copy)
    expect(mirror?.fields.map(({ name }) => name)).toEqual(['LastName', 'Company', 'Status', 'Email'])
    expect(mirror?.fields.find(({ name }) => name === 'Email')).toMatchObject({ state: 'value', value: 'ada@acme.example' })
  })
})

describe('a rule that Vera narrows while Paul is away', () => {
  /** Paul has asked for two leads, Vera has packed them, and Paul has heard nothing of it. */
  async function packed() {
    const story = await setup({ upTo: 'shared' })
    const { vera, paul, settle } = story
    const [ada, bea] = [await vera.records.create('Lead', lead('Ada')), await vera.records.create('Lead', lead('Bea'))]
    await settle()
    const sent = new Promise<void>((resolve) => {
      vera.rows.watch((changes) => {
        if (!changes.some(({ object, id }) => object === 'Message' && id.includes('#p.'))) return
        paul.sync.cut()
        resolve()
      })
    })
    await story.exportListed()
    await story.until('Vera has packed both', () => vera.problems.length > 0 || paul.sync.status().cut)
    await sent
    await settle(vera)
    return { ...story, ada, bea }
  }
  const packedValues = ({ vera, connection }: Pick<Setup<'shared'>, 'vera' | 'connection'>): string =>
    [...vera.rows.list('Message').values()]
      .filter(({ id }) => id.startsWith(`${requireConnection(vera.rows, connection).ownMessages}#p.`))
      .map((row) => Buffer.from((textOf(row, 'body') ?? '').split('.')[1] ?? '', 'base64url').toString())
      .join()

  it('[EX4] takes back what was packed and not imported, and the rest is imported', async () => {
    const story = await packed()
    const { vera, paul, connection, ada, settle } = story
    expect(packedValues(story)).toMatch(/"Ada".*"Bea"|"Bea".*"Ada"/)
    await vera.records.edit('Lead', ada, { Company: 'Other' })
    await settle(vera)
    expect(packedValues(story)).not.toContain('"Ada"')
    expect(packedValues(story)).toContain('"Bea"')
    paul.sync.mend()
    await settle()
    expect(copies(paul).map((row) => row.registers['LastName']?.[1])).toEqual(['Bea'])
    expect(vera.records.shares('Lead', ada)[0]?.outbound).toBe('ExportPublishUnknownError')
    expect(site(paul, connection)).toHaveLength(1)
  })
})
