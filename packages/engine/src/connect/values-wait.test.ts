import { parseKey } from '@entente/protocol'
import { describe, expect, it } from 'vitest'
import { lead, leadFields, type MemoryOrg, setup, type Setup } from '../testing/index.js'
import { feedOf } from '../testing/relay-state.js'
import { textOf } from '../replica/feed-role.js'
import { messageId, requireConnection } from './connection-facts.js'
import { codeOf } from './reveal.js'

// Nothing of value leaves before both orgs have compared the codes, and nothing of it stays after an end.

const company = 'Acme'

/** Vera shares the leads of one company; nobody has compared the codes yet. */
async function shareUnverified(): Promise<Setup<'connected'>> {
  const story = await setup({ upTo: 'connected' })
  const { vera, connection, settle, agree } = story
  await agree(leadFields)
  await vera.sharing.setRule(connection, 'Lead', {
    match: 'all',
    conditions: [{ field: 'Company', operator: 'equals', value: company }],
    added: [],
    hidden: [],
  })
  for (const name of ['Ada', 'Bob']) await vera.records.create('Lead', lead(name, { Company: company }))
  await settle()
  return story
}

/** The keys with listings and packages that the relay holds of an org’s messages. */
function keptAt({ relay, connection }: Pick<Setup<'connected'>, 'relay' | 'connection'>, org: MemoryOrg): readonly string[] {
  const row = org.rows.get('Connection', connection)
  const side = row?.registers['side']?.[1] === 'vendor' ? 'vendor' : 'partner'
  return [...relay.state.feeds.keys()]
    .filter((feed) => feed === `${connection}/${side}/messages`)
    .flatMap((feed) => [...feedOf(relay.state, feed).keys].filter(([key, { kind }]) => /^[lpqr]\./.test(key) && kind === 'message'))
    .map(([key]) => key)
}

/** The bodies of listings and packages that a device keeps of its peer. */
function keptOf(org: MemoryOrg, connection: Setup<'connected'>['connection']): readonly unknown[] {
  const side = org.rows.get('Connection', connection)?.registers['side']?.[1] === 'vendor' ? 'partner' : 'vendor'
  const inbox = [...org.replica.inbox(`${connection}/${side}/messages` as Parameters<MemoryOrg['replica']['inbox']>[0])]
  return inbox.filter(([key, { body }]) => /^[lpqr]\./.test(key) && body !== null).map(([, { body }]) => body)
}

describe('before both orgs have compared the codes', () => {
  it('[CN10] no listing leaves, whichever of the two admins is first, and all of them once both have', async () => {
    for (const first of ['vera', 'paul'] as const) {
      const story = await shareUnverified()
      const { vera, paul, connection, settle } = story
      expect(keptAt(story, vera)).toEqual([])
      await story[first].connections.compareCodes(connection, true)
      await settle()
      expect(keptAt(story, vera)).toEqual([])
      expect([vera, paul].map((org) => org.connections.get(connection)).map((view) => [view?.verified, view?.peerVerified])).toEqual(
        first === 'vera'
          ? [
              ['yes', false],
              ['no', true],
            ]
          : [
              ['no', true],
              ['yes', false],
            ],
      )
      await (first === 'vera' ? paul : vera).connections.compareCodes(connection, true)
      await settle()
      expect(paul.site.listings(connection, 'Lead').total).toBe(2)
    }
  })

  it('[CN10] another handshake confirms nothing for the other org, not even one whose twelve digits are the same', async () => {
    const story = await shareUnverified()
    const { vera, paul, connection, settle } = story
    await vera.connections.compareCodes(connection, true)
    const { ownMessages } = requireConnection(paul.rows, connection)
    const code = paul.connections.get(connection)?.code ?? ''
    const transcript = textOf(paul.rows.get('Connection', connection), 'transcript') ?? ''
    const sameDigits = transcript.replace(/^(.{20})./, (_, first: string) => `${first}${transcript[20] === 'A' ? 'B' : 'A'}`)
    expect([codeOf(transcript), codeOf(sameDigits)]).toEqual([code, code])
    for (const terms of [{ code }, { transcript: sameDigits }, { transcript: code }]) {
      const body = await paul.identity.signDecision('verified', { connection, ...terms })
      await paul.rows.save([{ object: 'Message', id: messageId(ownMessages, 'verified'), values: { body } }])
      await settle()
      expect(vera.connections.get(connection)?.peerVerified).toBe(false)
    }
    expect(vera.problems.join()).toMatch(/confirmation of the codes/)
    expect(keptAt(story, vera)).toEqual([])
  })

  it('[EX3, CN10] nobody exports, and the partner’s person is told whose turn it is', async () => {
    const story = await setup({ upTo: 'connected' })
    const { paul, connection, settle } = story
    await paul.connections.compareCodes(connection, true)
    await settle()
    await expect(paul.site.export(connection, 'Lead', ['A'.repeat(22)])).rejects.toMatchObject({ code: 'NOT_VERIFIED' })
  })
})

describe('after an end', () => {
  const ends = [
    ['Vera disconnects', (story: Setup<'shared'>) => story.vera.connections.disconnect(story.connection)],
    ['Paul disconnects', (story: Setup<'shared'>) => story.paul.connections.disconnect(story.connection)],
    ['Paul finds that the codes differ', (story: Setup<'shared'>) => story.paul.connections.compareCodes(story.connection, false)],
  ] as const

  it.each(ends)('[CN11] %s: no listing is left at the relay or with Paul, and what he imported stays', async (_, end) => {
    const story = await setup({ upTo: 'exported' })
    const { vera, paul, connection, settle, copy } = story
    for (let index = 0; index < 40; index++) await vera.records.create('Lead', lead(`Lead${index}`))
    await settle()
    expect(keptOf(paul, connection).length).toBeGreaterThanOrEqual(40)
    await end(story as unknown as Setup<'shared'>)
    await settle()
    expect(keptAt(story, vera)).toEqual([])
    expect(keptAt(story, paul)).toEqual([])
    expect(keptOf(paul, connection)).toEqual([])
    expect(paul.site.listings(connection, 'Lead').total).toBe(0)
    expect(paul.records.get('Lead', copy)?.values['LastName']).toBeDefined()
  })

  it('[CN11] Paul, who was away meanwhile and whose relay holds the erasures back, drops what he kept as soon as he hears of the end', async () => {
    const story = await setup({ upTo: 'shared' })
    const { vera, paul, connection, settle, reload } = story
    await vera.records.create('Lead', lead('Ada'))
    await settle()
    paul.sync.cut()
    await paul.connections.disconnect(connection)
    await settle(vera)
    const again = await reload(paul)
    expect(again.site.listings(connection, 'Lead').total).toBe(0)
    await story.until('Paul’s device has dropped the listings', () => keptOf(again, connection).length === 0)
    expect(again.replica.inbox(requireMessages(vera, connection)).get(parseKey('policy'))).toBeDefined()
  })
})

function requireMessages(vera: MemoryOrg, connection: Setup<'connected'>['connection']) {
  return requireConnection(vera.rows, connection).ownMessages
}
