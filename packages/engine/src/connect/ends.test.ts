import { describe, expect, it } from 'vitest'
import { connectionFeed, teamFeed } from '../replica/feed-role.js'
import { lead, type MemoryOrg, setup } from '../testing/index.js'
import { agree, compareCodes, connect, exportListed, grant, invitationPage, share } from '../testing/steps.js'

describe('the end of a share', () => {
  it('[ER1, EX5] by a deleted copy: Vera is told, and Paul exports it again', async () => {
    const { vera, paul, connection, record, copy, settle, exportListed } = await setup({ upTo: 'exported' })
    await paul.records.remove('Lead', copy)
    await settle()
    expect(vera.mirrors.of('Lead', record)[0]).toMatchObject({ state: 'frozen', why: { what: 'deleted', by: 'peer' } })
    expect(paul.undo.last('Lead', copy)).toMatchObject({ kind: 'delete' })
    expect(vera.records.shares('Lead', record)).toMatchObject([{ state: 'ended', why: { what: 'deleted', by: 'peer' } }])
    const feed = connectionFeed(connection, 'partner', 'lead')
    expect([...vera.replica.peerDocs(feed).values()].map(({ exists }) => exists?.[1])).toEqual(['deleted'])

    const job = await exportListed()
    await settle()
    expect(paul.site.jobs().find(({ id }) => id === job)).toMatchObject({ imported: 1, skipped: 0, failed: 0 })
    expect(paul.records.get('Lead', copy)?.values['LastName']).toBe('Ada')
    expect(paul.site.listings(connection, 'Lead').listings[0]?.copy).toBe(copy)
    expect(paul.undo.last('Lead', copy)).toBeUndefined()
    // Vera hears that the copy is back, though Paul has not edited it.
    expect(vera.mirrors.of('Lead', record)[0]?.state).toBe('live')
    await vera.records.edit('Lead', record, { Status: 'Working - Contacted' })
    await settle()
    const [mirror] = paul.mirrors.of('Lead', copy)
    expect([mirror?.state, mirror?.fields.find(({ name }) => name === 'Status')?.value]).toEqual(['live', 'Working - Contacted'])
    await paul.records.edit('Lead', copy, { Status: 'Closed - Converted' })
    await settle()
    expect(vera.mirrors.of('Lead', record)[0]?.state).toBe('live')
  })

  it('[DF4] by Paul, who stops sharing a copy that he never edited: Vera hears of it, and of his going on', async () => {
    const { vera, paul, record, copy, settle } = await setup({ upTo: 'exported' })
    const share = paul.records.shares('Lead', copy)[0]?.id ?? ''
    expect(vera.mirrors.of('Lead', record)).toEqual([])
    await paul.records.stopSharing(share)
    await settle()
    expect(vera.mirrors.of('Lead', record)[0]).toMatchObject({ state: 'frozen', why: { what: 'stopped', by: 'peer' } })
    await paul.records.resumeSharing(share)
    await settle()
    expect(vera.mirrors.of('Lead', record)[0]).toMatchObject({ state: 'live', why: undefined })
  })

  it('by a disconnect: what Paul edited offline meanwhile waits for nothing', async () => {
    const { vera, paul, connection, copy, finish } = await setup({ upTo: 'exported' })
    paul.sync.cut()
    await paul.records.edit('Lead', copy, { Status: 'Working - Contacted' })
    await vera.connections.disconnect(connection)
    await finish(vera.sync.settled(60_000))
    await paul.records.edit('Lead', copy, { Email: 'ada@new.example' })
    paul.sync.mend()
    await finish(paul.sync.settled(60_000))
    expect(paul.sync.status()).toMatchObject({ state: 'online', waiting: 0 })
    for (const [org, by] of [
      [vera, 'own'],
      [paul, 'peer'],
    ] as const)
      expect(org.connections.get(connection)).toMatchObject({ state: 'Disabled', why: { what: 'disconnected', by } })
    expect(paul.records.shares('Lead', copy)).toMatchObject([{ state: 'ended', why: { what: 'disconnected', by: 'peer' } }])
  })

  it('[ER1] by a conversion: Paul sees why, the opportunity is not shared by itself, and an undo brings all back', async () => {
    const { vera, paul, connection, record, copy, settle } = await setup({ upTo: 'exported' })
    const deal = { Name: 'Acme', StageName: 'Prospecting', CloseDate: '2027-03-31' }
    const opportunity = await vera.records.convert('0'.repeat(22), deal).catch(() => vera.records.convert(record, deal))
    await settle()
    expect(vera.records.get('Lead', record)?.converted).toBe(opportunity)
    expect(vera.records.shares('Opportunity', opportunity)).toEqual([])
    await expect(vera.records.edit('Lead', record, { Status: 'Working - Contacted' })).rejects.toMatchObject({ code: 'CHANGED' })
    expect([...paul.replica.peerDocs(connectionFeed(connection, 'vendor', 'lead')).values()].map(({ exists }) => exists?.[1])).toEqual([
      'converted',
    ])
    expect(paul.mirrors.of('Lead', copy)[0]).toMatchObject({ state: 'frozen', why: { what: 'converted', by: 'peer' } })
    expect(vera.records.shares('Lead', record)).toMatchObject([{ state: 'ended', why: { what: 'converted', by: 'own' } }])
    expect(paul.site.listings(connection, 'Lead').total).toBe(0)

    await vera.undo.run(vera.undo.last('Lead', record)?.id ?? '')
    await settle()
    expect([vera.records.get('Lead', record)?.converted, vera.records.get('Opportunity', opportunity)]).toEqual([undefined, undefined])
    expect([paul.mirrors.of('Lead', copy)[0]?.state, paul.site.listings(connection, 'Lead').total]).toEqual(['live', 1])
  })

  it('by a deletion of Vera’s: Paul’s mirror is frozen, and live again once she took it back', async () => {
    const { vera, paul, connection, record, copy, settle } = await setup({ upTo: 'exported' })
    await vera.records.remove('Lead', record)
    await settle()
    expect([...paul.replica.peerDocs(connectionFeed(connection, 'vendor', 'lead')).values()].map(({ exists }) => exists?.[1])).toEqual([
      'deleted',
    ])
    expect(paul.mirrors.of('Lead', copy)[0]?.state).toBe('frozen')
    await vera.undo.run(vera.undo.last('Lead', record)?.id ?? '')
    await settle()
    expect(paul.mirrors.of('Lead', copy)[0]?.state).toBe('live')
  })
})

describe('a pause', () => {
  it('[PA1, PA2] by Paul: nothing flows either way, and what both edited meanwhile flows when he resumes', async () => {
    const { vera, paul, connection, record, copy, settle, exportListed } = await setup({ upTo: 'exported' })
    const whys = () => [vera, paul].map((org) => org.connections.get(connection)?.why)
    await paul.connections.pause(connection)
    await settle()
    await vera.records.edit('Lead', record, { Status: 'Working - Contacted' })
    await vera.records.create('Lead', lead('Bob'))
    await paul.records.edit('Lead', copy, { Email: 'ada@new.example' })
    await settle()
    expect(whys()).toMatchObject([
      { what: 'paused', by: 'peer' },
      { what: 'paused', by: 'own' },
    ])
    expect(paul.records.shares('Lead', copy)).toMatchObject([{ state: 'ended', why: { what: 'paused', by: 'own' } }])
    expect(vera.mirrors.of('Lead', record)).toEqual([])
    expect(field(paul, copy, 'Status')).toBe('Open - Not Contacted')
    expect(paul.site.listings(connection, 'Lead').total).toBe(1)
    await expect(exportListed()).rejects.toMatchObject({ code: 'NOT_CONNECTED' })
    expect([vera, paul].map((org) => org.sync.status().waiting)).toEqual([0, 0])

    await vera.connections.pause(connection)
    await settle()
    expect(whys()).toMatchObject([{ by: 'both' }, { by: 'both' }])
    await paul.connections.resume(connection)
    await settle()
    expect(field(paul, copy, 'Status')).toBe('Open - Not Contacted')
    await vera.connections.resume(connection)
    await settle()
    expect(field(paul, copy, 'Status')).toBe('Working - Contacted')
    expect(vera.mirrors.of('Lead', record)[0]?.fields.find(({ name }) => name === 'Email')?.value).toBe('ada@new.example')
    expect(paul.site.listings(connection, 'Lead').total).toBe(2)
  })

  it('[PA2] keeps out what Vera sent before she heard of it, and lets through what she takes back', async () => {
    const { vera, paul, connection, record, copy, settle } = await setup({ upTo: 'exported' })
    vera.sync.cut()
    await vera.records.edit('Lead', record, { Status: 'Working - Contacted' })
    await paul.connections.pause(connection)
    await settle(paul)
    vera.sync.mend()
    await settle()
    expect(field(paul, copy, 'Status')).toBe('Open - Not Contacted')
    await vera.records.remove('Lead', record)
    await settle()
    expect(paul.site.listings(connection, 'Lead').total).toBe(0)
    await paul.connections.resume(connection)
    await settle()
    expect(paul.mirrors.of('Lead', copy)[0]?.state).toBe('frozen')
  })
})

const field = (org: MemoryOrg, record: string, name: string): unknown =>
  org.mirrors.of('Lead', record)[0]?.fields.find((each) => each.name === name)?.value

describe('a reconnection', () => {
  it('[RA1, RA2, RA3] goes on with the old record maps: mirrors live again, nothing is exported twice', async () => {
    const { vera, paul, connection, record, copy, network, settle } = await setup({ upTo: 'exported' })
    await vera.records.create('Lead', lead('Bob'))
    await vera.records.create('Lead', lead('Cleo'))
    await settle()
    await exportListed({ network, vendor: vera, partner: paul, connection })
    await settle()
    const names = (org: MemoryOrg) =>
      org.records.list('Lead', { sort: [{ field: 'LastName', direction: 'ascending' }] }).records.map(({ values }) => values['LastName'])
    const bobs = paul.records.list('Lead').records.find(({ values }) => values['LastName'] === 'Bob')?.id ?? ''
    const cleos = vera.records.list('Lead').records.find(({ values }) => values['LastName'] === 'Cleo')?.id ?? ''
    await vera.connections.disconnect(connection)
    await settle()
    expect(paul.mirrors.of('Lead', copy)[0]?.state).toBe('frozen')
    // Meanwhile the orgs work on, Paul deletes a copy, and Vera takes the dead connection off her list.
    await vera.connections.remove(connection)
    await vera.records.edit('Lead', record, { Status: 'Working - Contacted' })
    await paul.records.edit('Lead', copy, { Email: 'ada@new.example' })
    await paul.records.remove('Lead', bobs)

    const again = { network, vendor: vera, partner: paul, connection: await connect({ network, vendor: vera, partner: paul }) }
    expect(again.connection).not.toBe(connection)
    expect(vera.connections.get(again.connection)?.earlier).toBe(3)
    await compareCodes(again)
    await grant(again)
    await agree(again)
    await share(again)
    expect(names(paul)).toEqual(['Ada', 'Cleo'])
    expect([field(paul, copy, 'Status'), field(vera, record, 'Email')]).toEqual(['Working - Contacted', 'ada@new.example'])
    for (const [org, id] of [
      [paul, copy],
      [vera, record],
    ] as const) {
      expect(org.mirrors.of('Lead', id).map(({ state, connection: over }) => [state, over])).toEqual([['live', again.connection]])
      expect(org.records.shares('Lead', id)).toMatchObject([{ on: true, connection: again.connection }])
    }
    const { listings } = paul.site.listings(again.connection, 'Lead')
    const withCopy = Object.fromEntries(listings.map(({ values, copy: has }) => [values['LastName'], has]))
    expect(withCopy).toMatchObject({ Ada: copy, Bob: undefined })
    const job = await exportListed(again)
    await settle()
    expect(paul.site.jobs().find(({ id }) => id === job)).toMatchObject({ imported: 1, skipped: 2, failed: 0 })
    expect(names(paul)).toEqual(['Ada', 'Bob', 'Cleo'])
    expect(paul.records.get('Lead', bobs)?.values['LastName']).toBe('Bob')
    // The end of one record is as before.
    await vera.records.remove('Lead', cleos)
    await settle()
    expect(paul.records.list('Lead').total).toBe(3)
  })

  it('suggests to Paul what he took before, and nothing that he declined or withdrew', async () => {
    const { vera, paul, connection, network, settle } = await setup({ upTo: 'connected' })
    const orgs = { network, vendor: vera, partner: paul }
    const offer = async (over: typeof connection): Promise<void> => {
      const fields = vera.records
        .schema('Lead')
        .fields.filter(({ name }) => ['LastName', 'Company', 'Email', 'Phone', 'Status'].includes(name))
      await vera.agreements.propose(over, { objects: { Lead: { fields: fields.map((field) => ({ field, update: true })) } } })
      await settle()
    }
    await offer(connection)
    const taken = paul.agreements.suggest(connection, 'Lead').flatMap((line) => {
      if (line.source === 'Phone') return []
      return line.source === 'Email' ? [{ ...line, target: 'Title', update: false }] : [line]
    })
    await paul.agreements.accept(connection, { objects: { Lead: { fields: taken } } })
    await settle()
    await paul.agreements.withdraw(connection, 'Lead', ['Status'])
    await settle()
    await vera.connections.disconnect(connection)
    await settle()
    const again = await connect(orgs)
    await compareCodes({ ...orgs, connection: again })
    // Vera's next proposal begins with what she offered before, and was not withdrawn.
    const names = vera.agreements.get(again)?.offer.objects.Lead?.fields.map(({ field }) => field.name)
    expect(names?.toSorted()).toEqual(['Company', 'Email', 'LastName', 'Phone'])
    await offer(again)
    expect(paul.agreements.suggest(again, 'Lead')).toEqual(taken.filter(({ source }) => source !== 'Status'))
  })

  it('[RA3] counts on both sides what goes on, and not what was recalled, stopped or deleted before', async () => {
    const { vera, paul, connection, record, network, settle } = await setup({ upTo: 'exported' })
    for (const name of ['Bob', 'Cleo', 'Dan']) await vera.records.create('Lead', lead(name))
    await settle()
    await exportListed({ network, vendor: vera, partner: paul, connection })
    await settle()
    const named = (org: MemoryOrg, name: string): string => org.records.list('Lead', { search: name }).records[0]?.id ?? ''
    await vera.site.recall(vera.site.jobs().find(({ total }) => total === 1)?.id ?? '', [record])
    await vera.records.stopSharing(vera.records.shares('Lead', named(vera, 'Bob'))[0]?.id ?? '')
    await paul.records.remove('Lead', named(paul, 'Cleo'))
    await settle()
    await vera.connections.disconnect(connection)
    await settle()
    const again = await connect({ network, vendor: vera, partner: paul })
    expect([vera, paul].map((org) => org.connections.get(again)?.earlier)).toEqual([1, 1])
  })

  it('[RA2, EX5] gives a copy again that Paul lost with his device and at the relay', async () => {
    const first = await setup({ upTo: 'shared' })
    const { vera, relay, connection, network, settle } = first
    await vera.records.create('Lead', lead('Ada'))
    await settle()
    const monday = await first.paul.store.backup()
    await exportListed({ network, vendor: vera, partner: first.paul, connection })
    await settle()
    expect(first.paul.records.list('Lead').total).toBe(1)
    await vera.connections.disconnect(connection)
    await settle()
    await first.paul.close()
    const ofPaulsTeam = teamFeed(first.paul.org.id, 'rows')
    relay.restart({ ...relay.state, feeds: new Map([...relay.state.feeds].filter(([feed]) => feed !== ofPaulsTeam)) })
    const paul = await first.open({ ...first.paul.options, store: monday })
    await settle()
    expect(paul.records.list('Lead').total).toBe(0)

    const again = { network, vendor: vera, partner: paul, connection: await connect({ network, vendor: vera, partner: paul }) }
    await compareCodes(again)
    await grant(again)
    await agree(again)
    await share(again)
    const job = await exportListed(again)
    await settle()
    expect(paul.site.jobs().find(({ id }) => id === job)).toMatchObject({ imported: 1, failed: 0 })
    expect(paul.records.list('Lead').records.map(({ values }) => values['LastName'])).toEqual(['Ada'])
    const [hers] = vera.records.list('Lead').records
    expect(vera.records.shares('Lead', hers?.id ?? '')).toMatchObject([{ on: true, connection: again.connection }])
  })

  it('[CN12] is one at a time: a second invitation is refused with a link to the first connection', async () => {
    const { vera, paul, connection, settle } = await setup({ upTo: 'connected' })
    const { invitation } = await vera.connections.invite(invitationPage)
    await settle()
    await expect(paul.connections.accept(invitation?.link ?? '')).rejects.toMatchObject({ code: 'CONNECTED', connection })
    await vera.connections.disconnect(connection)
    await settle()
    await paul.connections.accept(invitation?.link ?? '')
    await settle()
    expect(vera.connections.list().filter(({ state }) => state === 'Enabled')).toHaveLength(1)
  })

  it.each([
    ['of both cross', (vera: MemoryOrg, paul: MemoryOrg) => [vera, paul] as const],
    ['of Vera are two, and Paul takes both at once', (vera: MemoryOrg) => [vera, vera] as const],
  ])('[CN12] leaves one where the invitations %s, the same on both sides', async (_, who) => {
    const { vera, paul, settle } = await setup()
    const inviters = who(vera, paul)
    const links: string[] = []
    for (const org of inviters) links.push((await org.connections.invite(invitationPage)).invitation?.link ?? '')
    await settle()
    await Promise.all(links.map((link, index) => (inviters[index] === vera ? paul : vera).connections.accept(link)))
    await settle()
    const [hers, his] = [vera.connections.list(), paul.connections.list()]
    const enabled = (views: typeof hers) => views.filter(({ state }) => state === 'Enabled').map(({ id }) => id)
    expect(enabled(hers)).toHaveLength(1)
    expect(enabled(his)).toEqual(enabled(hers))
    for (const views of [hers, his])
      expect(views.filter(({ state }) => state !== 'Enabled')).toMatchObject([{ state: 'Disabled', first: enabled(hers)[0] }])
  })
})

describe('the departure', () => {
  it('[PE5] of a person ends no share: a grant ends and its seat is free, and what was exported stays', async () => {
    const { vera, paul, connection, record, copy, settle } = await setup({ upTo: 'exported' })
    const petra = await paul.people.addUser('Petra', 'member')
    await paul.records.edit('Lead', copy, { OwnerName: 'Petra' })
    await settle()
    await vera.people.grant(connection, petra)
    await settle()
    expect(vera.people.seats(connection).used).toBe(2)

    await expect(paul.people.removeUser(paul.user.id)).rejects.toMatchObject({ code: 'NOT_ALLOWED' })
    await paul.people.removeUser(petra)
    await settle()
    expect(paul.people.users().map(({ name }) => name)).not.toContain('Petra')
    expect(vera.people.list(connection).map(({ id }) => id)).toEqual([paul.user.id])
    expect([vera, paul].map((org) => org.people.seats(connection).used)).toEqual([1, 1])
    expect(paul.records.get('Lead', copy)?.values['OwnerName']).toBe('Petra')
    expect(paul.mirrors.of('Lead', copy)[0]?.state).toBe('live')
    expect(vera.records.shares('Lead', record)[0]?.why).toBeUndefined()
  })
})
