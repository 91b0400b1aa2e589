import { type FeedName, parseKey } from '@entente/protocol'
import { describe, expect, it } from 'vitest'
import type { AuditEntry } from '../api/index.js'
import { lead, setup } from '../testing/index.js'
import type { Lie } from '../testing/lying-socket.js'
import { AuditTrail } from './trail.js'

const kindsOf = (entries: readonly AuditEntry[], org: 'own' | 'peer'): readonly string[] => [
  ...new Set(entries.filter((entry) => entry.org === org).map(({ kind }) => kind)),
]

describe('the audit of a device', () => {
  it('lists who decided what, from the invitation to the end, on both sides, without a value', async () => {
    const { vera, paul, connection, copy, settle } = await setup({ upTo: 'exported' })
    await vera.agreements.withdraw(connection, 'Lead', ['Email'])
    await paul.records.edit('Lead', copy, { Status: 'Working - Contacted' })
    await settle()
    await vera.connections.disconnect(connection)
    await settle()
    const [ours, theirs] = [(await vera.audit.list({ limit: 1_000 })).entries, (await paul.audit.list({ limit: 1_000 })).entries]
    expect(kindsOf(ours, 'own')).toEqual(
      expect.arrayContaining([
        'end',
        'withdrawal',
        'export',
        'grant',
        'grants',
        'rule',
        'proposal',
        'codes compared',
        'connection',
        'invitation',
      ]),
    )
    expect(kindsOf(ours, 'peer')).toEqual(expect.arrayContaining(['consent', 'people', 'codes compared']))
    // That an invitation was taken is the other org's doing, and each step is said once.
    const steps = (entries: readonly AuditEntry[]) =>
      entries.flatMap(({ kind, about, org }) => (kind === 'invitation' ? [[about, org]] : []))
    expect([steps(ours), steps(theirs)]).toEqual([
      [
        ['claimed', 'peer'],
        ['made', 'own'],
      ],
      [['accepted', 'own']],
    ])
    expect(kindsOf(theirs, 'own')).toEqual(expect.arrayContaining(['import', 'request', 'consent', 'codes compared', 'invitation']))
    expect(kindsOf(theirs, 'peer')).toEqual(expect.arrayContaining(['end', 'withdrawal', 'proposal', 'grants', 'codes compared']))
    // Newest first, each in its place, with who, where and which version.
    expect(ours.map(({ sequence }) => sequence)).toEqual(ours.map((_, index) => ours.length - index))
    const [ended, ending] = [theirs.find(({ kind }) => kind === 'end'), ours.find(({ kind }) => kind === 'end')]
    expect(ended).toMatchObject({ by: vera.user.id, device: vera.identity.device, connection, signed: ending?.signed })
    expect(ours.find(({ kind }) => kind === 'consent')).toMatchObject({ by: paul.user.id, version: 1 })
    expect(ours.find(({ kind }) => kind === 'export')).toMatchObject({ count: 1, by: vera.user.id })
    expect(theirs.find(({ kind }) => kind === 'import')).toMatchObject({ count: 1 })
    expect(ours.find(({ kind }) => kind === 'grant')).toMatchObject({ about: paul.user.id })
    for (const value of Object.values(lead('Ada'))) {
      if (typeof value === 'string') expect(JSON.stringify([ours, theirs])).not.toContain(JSON.stringify(value))
    }
  })

  it('is paged, and filtered by connection and kind', async () => {
    const { vera, connection } = await setup({ upTo: 'exported' })
    const { entries } = await vera.audit.list({ limit: 1_000 })
    const pages: AuditEntry[] = []
    for (let after: number | undefined, more = true; more;) {
      const page = await vera.audit.list({ limit: 3, ...(after !== undefined && { after }) })
      pages.push(...page.entries)
      ;({ more } = page)
      after = page.entries.at(-1)?.sequence
    }
    expect(pages).toEqual(entries)
    const some = await vera.audit.list({ kind: 'proposal', connection })
    expect(some.entries.map(({ kind }) => kind)).toEqual(['proposal'])
  })

  it('shows where somebody wrote into the store', async () => {
    const { vera, reload } = await setup({ upTo: 'exported' })
    const { entries } = await vera.audit.verify()
    expect(entries).toBeGreaterThan(8)
    const key = (sequence: number) => ['audit', String(sequence).padStart(12, '0')] as const
    const write = async (sequence: number, change: (entry: AuditEntry) => AuditEntry | undefined): Promise<void> => {
      await vera.store.update([key(sequence)], ([entry]) => {
        const value = change(entry as AuditEntry)
        return { writes: [value === undefined ? { delete: key(sequence) } : { put: key(sequence), value }], result: undefined }
      })
    }
    const [kept] = await vera.store.get([key(4)])
    await write(4, (entry) => ({ ...entry, by: 'somebody else' }))
    expect((await vera.audit.verify()).broken).toEqual({ sequence: 4, what: 'changed' })
    await write(4, () => undefined)
    expect((await vera.audit.verify()).broken).toEqual({ sequence: 4, what: 'missing' })
    await write(4, () => kept as AuditEntry)
    expect(await vera.audit.verify()).toEqual({ entries, broken: undefined })
    await write(entries + 1, () => kept as AuditEntry)
    expect((await vera.audit.verify()).broken).toEqual({ sequence: entries + 1, what: 'added' })
    await write(entries + 1, () => undefined)
    // It goes on after a reload.
    const again = await reload(vera)
    await again.connections.invite('https://vista.example/')
    expect(await again.audit.verify()).toEqual({ entries: entries + 1, broken: undefined })
  })

  it('is written with what it records, or not at all', async () => {
    const { vera, connection } = await setup({ upTo: 'agreed' })
    const { entries } = await vera.audit.verify()
    await Promise.all([1, 2, 3].map((seats) => vera.people.setSeats(connection, seats)))
    const seats = await vera.audit.list({ kind: 'seats' })
    expect(seats.entries.map(({ count }) => count)).toEqual([3, 2, 1])
    await expect(vera.people.setSeats(connection, -1)).rejects.toMatchObject({ code: 'INVALID' })
    const after = await vera.audit.verify()
    expect(after.broken).toBeUndefined()
    expect(after.entries).toBeGreaterThanOrEqual(entries + 3)
  })

  it('notes what was refused, and of a flood only so much', async () => {
    const { vera, paul, connection, settle } = await setup({ upTo: 'verified' })
    const feed = `${connection}/partner/messages`
    await paul.rows.save([{ object: 'Message', id: `${feed}#withdrawal`, values: { body: 'a text that nobody signed' } }])
    await settle()
    const { entries } = await vera.audit.list({ kind: 'refusal' })
    expect(entries).toMatchObject([{ connection, about: expect.stringContaining('not a decision') }])
    expect(JSON.stringify(entries)).not.toContain('nobody signed')
    const trail = new AuditTrail(vera.store, { org: vera.org.id, person: vera.user.id, device: vera.identity.device }, () => vera.rows)
    for (let count = 0; count < 100; count++) await trail.refused(connection, 'A flood', vera.clock.now())
    expect((await vera.audit.list({ kind: 'refusal', limit: 1_000 })).entries).toHaveLength(61)
    expect((await vera.audit.verify()).broken).toBeUndefined()
  })
})

describe('the messages that both orgs signed', () => {
  it('[HD9] are the same on both sides up to a time that both name, until a relay keeps one back', async () => {
    let keptBack = false
    const lie: Lie = (feed, message) => {
      if (!keptBack || !feed.endsWith('/vendor/messages')) return [message]
      return [{ ...message, entries: message.entries.filter(({ key }) => key !== 'withdrawal') }]
    }
    const { vera, paul, connection, clock, pass } = await setup({ upTo: 'exported', paul: { lie } })
    const until = async (what: string, holds: () => boolean): Promise<void> => {
      for (let second = 0; second < 240 && !holds(); second++) {
        clock.advance(5_000)
        await pass(10)
      }
      if (!holds()) throw new Error(`${what}: ${JSON.stringify([vera, paul].map((org) => org.audit.compare(connection)))}`)
    }
    const states = () => [vera, paul].map((org) => org.audit.compare(connection).state)
    await until('both hold the same', () => states().every((state) => state === 'same'))
    const { upTo = 0 } = vera.audit.compare(connection)
    expect(Math.abs(upTo - clock.now())).toBeLessThan(1_200_000)
    keptBack = true
    await vera.agreements.withdraw(connection, 'Lead', ['Email'])
    await until('Paul sees it', () => paul.audit.compare(connection).state === 'differs')
    // Paul tells Vera by the next head that he signs.
    await paul.people.addUser('Petra', 'member')
    await until('Vera sees it', () => vera.audit.compare(connection).state === 'differs')
    keptBack = false
    await until('Paul holds it', () => paul.replica.inbox(`${connection}/vendor/messages` as FeedName).has(parseKey('withdrawal')))
    await paul.people.addUser('Pia', 'member')
    await until('both hold the same again', () => states().every((state) => state === 'same'))
    expect(() => vera.audit.compare('A'.repeat(22) as typeof connection)).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }))
  })
})
