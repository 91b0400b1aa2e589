import { type Entry, type Key, parseKey, policyKey } from '@entente/protocol'
import { describe, expect, it } from 'vitest'
import { valueOf } from '../row/row.js'
import { absorb, offersOf, offerToEntry, registerPolicies } from '../testing/by-hand.js'
import { connectionEdits, lead, mapEdit, type MemoryReplica, sampleConnection, setup } from '../testing/index.js'
import type { Lie } from '../testing/lying-socket.js'
import { messageRowId } from './feed-key.js'
import { connectionFeed, rotationKey } from './feed-role.js'

// Vera's org has rotated what it sends with to Paul's: Vera seals under generation 1. The devices of these stories have not opened the rotation yet.

const map = parseKey('map-of-ada')
const leads = connectionFeed(sampleConnection, 'vendor', 'lead')
const said = connectionFeed(sampleConnection, 'vendor', 'messages')
const next = { secret: 'N'.repeat(42) + 'A', own: 0 }

/** The rotation arrives: a device opens the next sending secret. */
async function open({ replica }: MemoryReplica): Promise<void> {
  await replica.keyring.addSending(sampleConnection, 'vendor', 1, next)
  // What was held is read in the replica's own order of work.
  await replica.offers([], () => false, { count: 0, bytes: 0 })
}

async function story() {
  const opened = await setup({ level: 'replica', slots: [0, 1] })
  const { vera, paul } = opened
  const victor = await opened.open('vendor')
  // His record map came by the team feed.
  await victor.rows.save([{ ...mapEdit(map, 'ada'), stamp: [1, 0, 0] }])
  await registerPolicies(vera, paul, victor)
  for (const device of [vera, paul, victor]) await device.replica.lead()
  const sequences = new Map<string, number>([[said, 1]])
  const tell = async (
    feed: typeof leads,
    entry: Omit<Entry, 'sequence'>,
    ...devices: readonly MemoryReplica[]
  ): Promise<readonly Key[]> => {
    const sequence = (sequences.get(feed) ?? 0) + 1
    sequences.set(feed, sequence)
    let left: readonly Key[] = []
    for (const { replica } of devices)
      left = await replica.absorb(feed, { incarnation: 1, position: sequence, live: true, entries: [{ ...entry, sequence }] })
    return left
  }
  const carry = async (feed: typeof leads, ...devices: readonly MemoryReplica[]): Promise<Entry> => {
    const [offer] = await offersOf(vera, feed)
    if (!offer) throw new Error('Vera has nothing to say.')
    const entry = offerToEntry(offer, 0)
    await tell(feed, entry, vera, ...devices)
    return entry
  }
  const save = (Status: string) => vera.rows.save([{ object: 'Lead', id: 'ada', values: { Status } }])
  const say = (body: string | null, key = 'note') =>
    vera.rows.save([{ object: 'Message', id: messageRowId(said, parseKey(key)), values: { body } }])
  await vera.rows.save([{ object: 'Lead', id: 'ada', values: { Name: 'Ada', Status: 'Open' } }, mapEdit(map, 'ada')])
  await carry(leads, paul, victor)
  await say('first')
  await carry(said, paul, victor)
  return { ...opened, victor, tell, carry, save, say }
}

const shown = ({ replica }: MemoryReplica): readonly unknown[] => {
  const doc = replica.peerDocs(leads).get(map)
  return [doc?.kind, ...Object.values(doc?.registers ?? {}).map(([, value]) => value)]
}
const note = ({ replica }: MemoryReplica) => replica.inbox(said).get(parseKey('note'))?.body
const status = ({ rows }: MemoryReplica) => valueOf(rows.get('Lead', 'ada'), 'Status')

describe('what is sealed under a generation whose key has not arrived', () => {
  it('[RT6] is kept unread, is no fault, and is read once Paul has opened the rotation: edits, messages, erasures', async () => {
    const { vera, paul, carry, save, say } = await story()
    await open(vera)
    for (const [value, whole] of [
      ['Won', true],
      ['Lost', false],
    ] as const) {
      await save(value)
      expect(await carry(leads, paul)).toMatchObject({ whole })
    }
    await say('second')
    const message = await carry(said, paul)
    expect(message.bytes[0]).toBe(1)
    expect([shown(paul), note(paul), paul.problems]).toEqual([['doc', 'Ada', 'Open'], 'first', []])
    await open(paul)
    expect([shown(paul), note(paul), paul.problems]).toEqual([['doc', 'Ada', 'Lost'], 'second', []])
    await save('Won again')
    await carry(leads, paul)
    expect(shown(paul)).toEqual(['doc', 'Ada', 'Won again'])
  })

  it('[RT6] erases no mirror and no message before it can be read', async () => {
    const { vera, paul, carry, say } = await story()
    await open(vera)
    await vera.rows.save([mapEdit(map, 'ada', false)])
    expect(await carry(leads, paul)).toMatchObject({ kind: 'erased' })
    await say(null)
    expect(await carry(said, paul)).toMatchObject({ kind: 'erased' })
    expect([shown(paul)[0], note(paul)]).toEqual(['doc', 'first'])
    await open(paul)
    expect([shown(paul)[0], note(paul), paul.problems]).toEqual(['erased', undefined, []])
  })

  it('[RT6] waits over a reload of Paul’s page', async () => {
    const { vera, paul, carry, save, open: openDevice } = await story()
    await open(vera)
    await save('Won')
    await carry(leads, paul)
    paul.close()
    const again = await openDevice('partner', { store: paul.store.reopen() })
    expect(shown(again)).toEqual(['doc', 'Ada', 'Open'])
    await again.replica.keyring.addSending(sampleConnection, 'vendor', 1, next)
    await again.replica.lead()
    expect(shown(again)).toEqual(['doc', 'Ada', 'Won'])
  })

  it('[RT6] is not written over by Vera’s colleague, who reads it first', async () => {
    const { vera, victor, carry, save, say } = await story()
    await open(vera)
    await save('Won')
    await carry(leads, victor)
    await say('second')
    await carry(said, victor)
    await victor.rows.save([{ object: 'Lead', id: 'ada', values: { Name: 'Ada Lovelace' } }])
    expect([await offersOf(victor, leads), await offersOf(victor, said), status(victor)]).toEqual([[], [], 'Open'])
    expect(victor.replica.heads.toSign(leads)).toBeUndefined()
    await open(victor)
    expect([status(victor), note(victor), victor.problems]).toEqual(['Won', 'second', []])
    // Now his own edit leaves, under the generation that he knows.
    const [update] = await offersOf(victor, leads)
    expect(update).toMatchObject({ whole: false, seen: 2 })
  })

  it('[RT6, OR1] of Vera’s org counts with its origin alone, once it can be read', async () => {
    const { vera, victor, carry, save } = await story()
    await open(vera)
    // Somebody who has the sending secret, as Paul does, and another own secret.
    await vera.rows.save(connectionEdits('partner').filter(({ object }) => object === 'Key'))
    await save('Lost')
    await carry(leads, victor)
    await open(victor)
    expect(status(victor)).toBe('Open')
    expect(victor.problems).toEqual([expect.stringContaining('does not open')])
  })

  it('[RT6] gives way to what comes whole under a generation that Paul knows', async () => {
    const { vera, paul, carry, save, say } = await story()
    await say('second')
    const [known] = await offersOf(vera, said)
    await open(vera)
    await save('Won')
    await carry(leads, paul)
    await say('third')
    await carry(said, paul)
    if (known) await absorb(paul, said, offerToEntry(known, 9))
    expect(note(paul)).toBe('second')
    await open(paul)
    expect(note(paul)).toBe('second')
  })
})

describe('a relay that makes up a generation', () => {
  const made = ({ bytes, ...entry }: Omit<Entry, 'sequence'>): Omit<Entry, 'sequence'> => ({ ...entry, bytes: bytes.with(0, 7) })

  it('[RT7] holds up nothing for long: without a rotation of it the entry is left out, and Vera publishes anew (row 93)', async () => {
    const { vera, paul, tell, carry, save, say } = await story()
    await say('second')
    const [offer] = await offersOf(vera, said)
    if (!offer) throw new Error('Vera has nothing to say.')
    await tell(said, made(offerToEntry(offer, 0)), vera, paul)
    await vera.rows.save([mapEdit(map, 'ada', false)])
    const [erasure] = await offersOf(vera, leads)
    if (!erasure) throw new Error('Vera has nothing to say.')
    await tell(leads, made(offerToEntry(erasure, 0)), vera, paul)
    expect([await offersOf(vera, leads), await offersOf(vera, said), note(paul), paul.problems]).toEqual([[], [], 'first', []])
    const left = new Map([
      [leads, [map]],
      [said, [parseKey('note')]],
    ])
    for (const { replica } of [vera, paul]) expect(new Map(await replica.giveUpHeld(said))).toEqual(left)
    expect(await paul.replica.giveUpHeld(said)).toEqual([])
    expect(paul.problems).toHaveLength(2)
    await carry(said, paul)
    await carry(leads, paul)
    expect([note(paul), shown(paul)[0], vera.replica.waiting()]).toEqual(['second', 'erased', 0])
    await save('Won')
  })

  it('[RT7] does not make Paul give up what a rotation has announced, though he cannot open it', async () => {
    const { vera, paul, carry, save, say } = await story()
    await say('the rotation', rotationKey(1))
    await carry(said, paul)
    await open(vera)
    await save('Won')
    await carry(leads, paul)
    expect(await paul.replica.giveUpHeld(said)).toEqual([])
    await open(paul)
    expect(shown(paul)).toEqual(['doc', 'Ada', 'Won'])
  })

  it('[RT6, IS4] holds nothing of a stranger: before the codes are compared it is left out at once', async () => {
    const { vera, paul, tell, say } = await story()
    await paul.rows.save([{ object: 'Connection', id: sampleConnection, values: { verified: 'no' } }])
    await say('second')
    const [offer] = await offersOf(vera, said)
    if (!offer) throw new Error('Vera has nothing to say.')
    expect(await tell(said, made(offerToEntry(offer, 0)), paul)).toEqual([parseKey('note')])
    expect(note(paul)).toBe('first')
  })

  it('[RT6, CE2] replaces no policy by one of a generation that nobody has', async () => {
    const { vera, paul, tell } = await story()
    const before = vera.replica.inbox(said).get(policyKey)?.body
    await vera.rows.save([
      {
        object: 'ControlEntry',
        id: messageRowId(said, policyKey),
        values: { body: '{"version":1,"slots":{"lead":["0"],"opportunity":[]}}' },
      },
    ])
    const offer = (await offersOf(vera, said)).find(({ kind }) => kind === 'control')
    if (!offer) throw new Error('Vera has nothing to say.')
    // The seal of a control entry stands behind the public copy.
    const at = (offer.bytes[0] ?? 0) + 1
    await tell(said, { ...offerToEntry(offer, 0), bytes: offer.bytes.with(at, 7) }, paul)
    expect([paul.replica.inbox(said).get(policyKey)?.body, paul.problems]).toEqual([before, []])
    await paul.replica.giveUpHeld(said)
    expect(paul.replica.inbox(said).get(policyKey)?.body).toBe(before)
  })

  it('[RT7, AN2] hides a listing from Paul only as long as it lies: his page reads it again', async () => {
    let lies = false
    const lie: Lie = (feed, message) => {
      if (!lies || !feed.endsWith('/vendor/messages')) return [message]
      return [{ ...message, entries: message.entries.map((entry) => (entry.kind === 'message' ? { ...entry, ...made(entry) } : entry)) }]
    }
    const { vera, paul, connection, settle, until, pass, clock } = await setup({ upTo: 'shared', paul: { lie } })
    await settle()
    const before = paul.site.listings(connection, 'Lead').total
    lies = true
    await vera.records.create('Lead', lead('Ada'))
    await until('the relay has lied', () => paul.problems.length > 0)
    expect(paul.site.listings(connection, 'Lead').total).toBe(before)
    lies = false
    await vera.records.create('Lead', lead('Bea'))
    for (let second = 0; second < 120 && paul.site.listings(connection, 'Lead').total < before + 2; second++) {
      await pass(10)
      clock.advance(1_000)
    }
    expect(paul.site.listings(connection, 'Lead').total).toBe(before + 2)
    expect(paul.problems[0]).toContain('nobody has announced')
  })
})
