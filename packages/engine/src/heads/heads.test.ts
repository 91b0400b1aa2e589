import { type Entry, type FeedName, parseKey } from '@entente/protocol'
import { describe, expect, it } from 'vitest'
import { emptyRelay } from '../testing/relay-state.js'
import { connectionFeed } from '../replica/feed-role.js'
import type { Lie } from '../testing/lying-socket.js'
import type { MemoryOrg } from '../testing/org.js'
import { setup } from '../testing/setup.js'
import { lead } from '../testing/steps.js'

/** A relay that lies to Paul about Vera’s leads, from the moment that `lies` is set. */
function liar() {
  const state = {
    lies: undefined as ((entries: readonly Entry[]) => readonly Entry[]) | undefined,
    live: true,
    heard: [] as Entry[],
  }
  const lie: Lie = (feed, message) => {
    if (!feed.endsWith('/vendor/lead')) return [message]
    state.heard.push(...message.entries)
    const entries = state.lies ? state.lies(message.entries) : message.entries
    return [{ ...message, live: message.live && state.live, entries: [...entries] }]
  }
  return { state, lie }
}

/** Vera shares two leads with Paul over a relay that may lie to him. */
async function twoLeads() {
  const { state, lie } = liar()
  const made = await setup({ upTo: 'shared', paul: { lie } })
  const { network, vera, paul, connection, settle } = made
  const ada = await vera.records.create('Lead', lead('Ada'))
  await vera.records.create('Lead', lead('Bea'))
  await settle()
  await made.exportListed()
  await settle()
  /** Goes on in steps of a second until something holds. */
  const until: typeof network.untilLater = (...wait) => network.untilLater(...wait)
  const copyOf = (name: string): string => paul.records.list('Lead').records.find(({ values }) => values['LastName'] === name)?.id ?? ''
  const leads = connectionFeed(connection, 'vendor', 'lead')
  const keyOf = (record: string) => parseKey([...vera.replica.recordMaps.mapsOfRecord('Lead', record)][0] ?? '')
  const isSigned = (): boolean =>
    [vera, paul].every((org) => org.sync.status().signed.length === 8 && org.sync.status().signed.every((each) => each.state === 'signed'))
  await until('all is signed', isSigned)
  return { ...made, state, until, isSigned, ada, leads, copyOf, keyOf }
}

const stateOf = (org: MemoryOrg, feed: FeedName) => {
  const [connection, side, topic] = feed.split('/')
  const whose = (side === 'vendor') === (org.org.name === 'Vista') ? 'own' : 'peer'
  return org.sync.status().signed.find((each) => each.connection === connection && each.whose === whose && each.topic === topic)
}

const mirrorOf = (org: MemoryOrg, copy: string) => org.mirrors.of('Lead', copy)[0]?.signed.state

describe('a peer signs what stands in its feeds', () => {
  it('[HD4, HD5] so that both orgs see that they hold just that', async () => {
    const { vera, paul, until, isSigned, ada, leads, copyOf, settle } = await twoLeads()
    await vera.records.edit('Lead', ada, { Status: 'Working - Contacted' })
    await settle()
    expect([stateOf(paul, leads)?.state, mirrorOf(paul, copyOf('Ada'))]).toEqual(['waiting', 'waiting'])
    await until('all is signed', isSigned)
    expect(mirrorOf(paul, copyOf('Ada'))).toBe('signed')
  })

  it('[HD4] again and again, so that what is old is not taken for what is new', async () => {
    const { paul, vera, until, clock, leads } = await twoLeads()
    const before = stateOf(paul, leads)?.signedAt ?? 0
    clock.advance(60 * 60_000)
    await until('Vera has signed again', () => (stateOf(paul, leads)?.signedAt ?? 0) >= before + 60 * 60_000)
    expect(stateOf(vera, leads)?.state).toBe('signed')
  })
})

describe('a relay that lies to Paul', () => {
  it('[HD6, HD8] is seen to withhold an edit, and the mirror that differs is named (row 89)', async () => {
    const { vera, paul, state, until, isSigned, ada, leads, copyOf, keyOf } = await twoLeads()
    const key = keyOf(ada)
    state.lies = (entries) => entries.filter((entry) => entry.key !== key || entry.whole)
    await vera.records.edit('Lead', ada, { Status: 'Working - Contacted' })
    await until('Ada differs', () => mirrorOf(paul, copyOf('Ada')) === 'differs')
    await until('Ada is named', () => (stateOf(paul, leads)?.records.length ?? 0) > 0)
    expect(stateOf(paul, leads)).toMatchObject({ state: 'differs', records: [{ object: 'Lead', id: copyOf('Ada') }] })
    expect(mirrorOf(paul, copyOf('Bea'))).toBe('signed')
    state.lies = undefined
    await until('all is signed', isSigned)
  })

  it('[HD6] is believed again when it gives all, though nobody edits any more', async () => {
    const { vera, paul, state, until, isSigned, ada, copyOf, keyOf, clock } = await twoLeads()
    const key = keyOf(ada)
    state.lies = (entries) => entries.filter((entry) => entry.key !== key || entry.kind === 'head')
    await vera.records.edit('Lead', ada, { Status: 'Working - Contacted' })
    await until('Ada differs', () => mirrorOf(paul, copyOf('Ada')) === 'differs')
    clock.advance(60_000)
    state.lies = undefined
    await until('Paul has read again', isSigned, 700)
    expect(mirrorOf(paul, copyOf('Ada'))).toBe('signed')
  })

  it('[HD6] is seen to roll a mirror back, which goes on to show the newer value (row 89)', async () => {
    const { vera, paul, state, until, isSigned, ada, copyOf, keyOf, settle } = await twoLeads()
    const key = keyOf(ada)
    const old = state.heard.find((entry) => entry.key === key)
    await vera.records.edit('Lead', ada, { Status: 'Working - Contacted' })
    await until('all is signed', isSigned)
    state.lies = (entries) => entries.map((entry) => (old && entry.key === key ? { ...old, sequence: entry.sequence } : entry))
    await vera.records.edit('Lead', ada, { Status: 'Closed - Converted' })
    await settle()
    await until('Ada differs', () => mirrorOf(paul, copyOf('Ada')) === 'differs')
    const status = paul.mirrors.of('Lead', copyOf('Ada'))[0]?.fields.find(({ name }) => name === 'Status')
    expect(status?.value).toBe('Working - Contacted')
  })

  it('[HD6] is seen to leave a record out from the beginning', async () => {
    const { paul, state, until, keyOf, ada, leads, reload } = await twoLeads()
    const key = keyOf(ada)
    state.lies = (entries) => entries.filter((entry) => entry.key !== key)
    paul.link.reread(leads)
    await until('the feed differs', () => stateOf(paul, leads)?.state === 'differs')
    const again = await reload(paul)
    expect(stateOf(again, leads)?.state).toBe('differs')
  })

  it('[HD6] is seen to give two edits of one record in another order', async () => {
    const { vera, paul, state, until, ada, leads, settle } = await twoLeads()
    let kept: Entry | undefined
    state.lies = (entries) =>
      entries.flatMap((entry) => {
        if (entry.whole || entry.kind !== 'doc') return [entry]
        if (!kept) {
          kept = entry
          return []
        }
        const [first, second] = [
          { ...entry, sequence: kept.sequence },
          { ...kept, sequence: entry.sequence },
        ]
        kept = undefined
        return [first, second]
      })
    await vera.records.edit('Lead', ada, { Status: 'Working - Contacted' })
    await settle(vera)
    await vera.records.edit('Lead', ada, { Status: 'Closed - Converted' })
    await until('the feed differs', () => stateOf(paul, leads)?.state === 'differs')
  })

  it('[HD6] shows by the age of what was signed that it gives nothing new', async () => {
    const { vera, paul, state, until, ada, leads } = await twoLeads()
    const before = stateOf(paul, leads)?.signedAt
    state.lies = () => []
    await vera.records.edit('Lead', ada, { Status: 'Working - Contacted' })
    await until('Vera has signed', () => stateOf(vera, leads)?.state === 'signed' && stateOf(vera, leads)?.signedAt !== before)
    expect(stateOf(paul, leads)).toMatchObject({ state: 'signed', signedAt: before })
  })

  it('[HD6] is told to hold back what it does not give to its end within a minute (row 90)', async () => {
    const { paul, state, until, leads } = await twoLeads()
    state.live = false
    paul.link.reread(leads)
    await until('the feed is held back', () => stateOf(paul, leads)?.state === 'held back')
    state.live = true
    paul.sync.cut()
    paul.sync.mend()
    await until('the feed is read', () => stateOf(paul, leads)?.state === 'signed')
  })

  it('[HD1, HD2] cannot pass off a head at another place, nor one of a stranger', async () => {
    const { paul, state, until, leads, vera, ada } = await twoLeads()
    const head = state.heard.findLast(({ kind }) => kind === 'head')
    const before = stateOf(paul, leads)?.signedAt
    state.lies = (entries) => entries.map((entry) => (head && entry.kind === 'head' ? { ...head, sequence: entry.sequence } : entry))
    await vera.records.edit('Lead', ada, { Status: 'Working - Contacted' })
    await until('Vera has signed', () => stateOf(vera, leads)?.state === 'signed' && stateOf(vera, leads)?.signedAt !== before)
    await until('Paul was told', () => paul.problems.some((what) => what.includes('does not stand where it says')))
    expect(stateOf(paul, leads)).toMatchObject({ state: 'waiting', signedAt: before })
  })
})

describe('an honest relay', () => {
  it('[HD5] raises no alarm, whatever it loses', async () => {
    const { vera, paul, relay, until, isSigned, ada, copyOf, settle } = await twoLeads()
    const alarms: unknown[] = []
    for (const org of [vera, paul])
      org.watch(() => {
        const trouble = org.sync.status().signed.filter(({ state }) => state === 'differs' || state === 'held back')
        if (trouble.length > 0) alarms.push([org.org.name, ...trouble])
      })
    const backup = relay.state
    await vera.records.edit('Lead', ada, { Status: 'Working - Contacted' })
    await paul.records.edit('Lead', copyOf('Ada'), { Status: 'Closed - Not Converted' })
    await settle()
    relay.restart(backup)
    await until('all is signed', isSigned)
    await vera.records.edit('Lead', ada, { Status: 'Closed - Converted' })
    relay.restart(emptyRelay)
    await until('all is signed', isSigned)
    expect(alarms).toEqual([])
  })
})

describe('two devices of Paul’s org', () => {
  it('[HD7] tell each other what they have seen, so that a relay cannot freeze one of them unseen', async () => {
    const { state, lie } = liar()
    const made = await setup({ upTo: 'exported', paul: { lie } })
    const { network, paul, vera, connection, clock, record } = made
    const second = await made.openAnotherDevice(paul)
    const leads = connectionFeed(connection, 'vendor', 'lead')
    const until = (what: string, holds: () => boolean) => network.untilLater(what, holds, 300)
    await until('both have all', () => [paul, second].every((org) => stateOf(org, leads)?.state === 'signed'))
    state.lies = () => []
    clock.advance(6 * 60_000)
    await vera.records.edit('Lead', record, { Status: 'Working - Contacted' })
    await until('one is told', () => stateOf(paul, leads)?.state === 'held back')
  })
})
