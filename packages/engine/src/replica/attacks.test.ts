import { createDoc, type Entry, loadDoc, parseKey, policyKey, writeSlots } from '@entente/protocol'
import { describe, expect, it } from 'vitest'
import { valueOf } from '../row/row.js'
import { Attacker, highStamp } from '../testing/attacker.js'
import { absorb, offersOf, offerToEntry, registerPolicies } from '../testing/by-hand.js'
import { agreementEdits, mapEdit, type MemoryReplica, sampleConnection, setup } from '../testing/index.js'
import { messageRowId } from './feed-key.js'
import { connectionFeed } from './feed-role.js'
import type { DisabledRule } from './replica-context.js'

// The relay of these stories lies. Where it plays with Paul, it has the keys of both directions too (testing/attacker.ts).

const map = parseKey('map-of-ada')
const leads = connectionFeed(sampleConnection, 'vendor', 'lead')
const said = connectionFeed(sampleConnection, 'vendor', 'messages')
const attacker = new Attacker()

/** Vera shares Ada with Paul, who shows "Ada" and "Open". `carry` brings what she has to say to both. */
async function shared(disabledRules: readonly DisabledRule[] = []) {
  const { vera, paul } = await setup({ level: 'replica', slots: [0, 1], vera: { disabledRules }, paul: { disabledRules } })
  await registerPolicies(vera, paul)
  await vera.rows.save([{ object: 'Lead', id: 'ada', values: { Name: 'Ada', Status: 'Open' } }, mapEdit(map, 'ada')])
  let sequence = 0
  const tell = async (entry: Omit<Entry, 'sequence'>, ...devices: readonly MemoryReplica[]): Promise<Entry> => {
    const numbered = { ...entry, sequence: ++sequence }
    for (const device of devices) await absorb(device, leads, numbered)
    return numbered
  }
  const carry = async (...devices: readonly MemoryReplica[]): Promise<Entry> => {
    const [offer] = await offersOf(vera, leads)
    if (!offer) throw new Error('Vera has nothing to say.')
    return tell(offerToEntry(offer, 0), ...(devices.length > 0 ? devices : [vera, paul]))
  }
  const save = (Status: string) => vera.rows.save([{ object: 'Lead', id: 'ada', values: { Status } }])
  const share = (on: boolean) => vera.rows.save([mapEdit(map, 'ada', on)])
  const first = await carry()
  return { vera, paul, tell, carry, save, share, first }
}

const shown = ({ replica }: MemoryReplica): readonly unknown[] => {
  const doc = replica.peerDocs(leads).get(map)
  return [doc?.kind, ...Object.values(doc?.registers ?? {}).map(([, value]) => value)]
}
const status = ({ rows }: MemoryReplica) => valueOf(rows.get('Lead', 'ada'), 'Status')
const isShared = ({ rows }: MemoryReplica) => valueOf(rows.get('RecordMap', map), 'on')

describe('a relay that plays with Paul', () => {
  it('[OR1] cannot edit Vera’s record by an entry in her own feed, and she publishes her doc anew (row 79)', async () => {
    const { vera, paul, tell, carry } = await shared()
    const forged = attacker.doc(leads, map, { version: 1, number: 1 }, { 1: [highStamp, 'Lost'] }, [highStamp, true])
    await tell(forged, vera)
    expect([status(vera), isShared(vera), vera.problems]).toEqual(['Open', true, [expect.stringContaining('left out')]])
    const anew = await carry()
    expect(anew).toMatchObject({ whole: true, epoch: { version: 1, number: 2 } })
    expect([vera.replica.waiting(), shown(paul)]).toEqual([0, ['doc', 'Ada', 'Open']])
  })

  it('[OR1] could, if the origin of a seal did not count', async () => {
    const { vera, tell } = await shared(['origin'])
    await tell(attacker.doc(leads, map, { version: 1, number: 1 }, { 1: [highStamp, 'Lost'] }, [highStamp, true]), vera)
    expect(status(vera)).toBe('Lost')
  })

  it('[AN4] cannot make the relay refuse for ever what she publishes anew, by an epoch above hers', async () => {
    const { vera, tell, carry } = await shared()
    await tell(attacker.doc(leads, map, { version: 1, number: 7 }, { 1: [highStamp, 'Lost'] }, [highStamp, true]), vera)
    expect(await carry()).toMatchObject({ whole: true, epoch: { version: 1, number: 8 } })
  })

  it('[ER2, OR1] cannot stop her sharing by a forged erasure in her own feed (row 80)', async () => {
    const { vera, paul, tell, carry } = await shared()
    await tell(attacker.erasure(leads, map, { version: 1, number: 1 }), vera)
    expect(isShared(vera)).toBe(true)
    await carry()
    expect(shown(paul)).toEqual(['doc', 'Ada', 'Open'])
  })

  it('[CE2] cannot poison her rows by a control entry with the highest stamp (row 80)', async () => {
    const { vera } = await shared()
    const row = () => valueOf(vera.rows.get('ControlEntry', messageRowId(said, policyKey)), 'body')
    const before = row()
    await absorb(vera, said, { ...attacker.controlEntry(said, policyKey, '{"version":1,"slots":{},"ended":true}'), sequence: 2 })
    expect(row()).toBe(before)
    // Her own one is published again.
    expect((await offersOf(vera, said)).map(({ kind, seen }) => [kind, seen])).toEqual([['control', 2]])
  })

  it('[OR1, MS3] cannot put a message or its erasure into her feed', async () => {
    const { vera } = await shared()
    const key = parseKey('listing')
    await vera.rows.save([{ object: 'Message', id: messageRowId(said, key), values: { body: 'Ada' } }])
    const [offer] = await offersOf(vera, said)
    if (offer) await absorb(vera, said, offerToEntry(offer, 2))
    await absorb(vera, said, { ...attacker.message(said, key, [highStamp, 'Bob']), sequence: 3 })
    await absorb(vera, said, { ...attacker.message(said, key, [highStamp, null]), kind: 'erased', sequence: 4 })
    expect(valueOf(vera.rows.get('Message', messageRowId(said, key)), 'body')).toBe('Ada')
    expect((await offersOf(vera, said)).map(({ kind, seen }) => [kind, seen])).toEqual([['message', 4]])
  })

  it('[ER2] cannot carry her own doc to an epoch of its choice (row 80)', async () => {
    const { vera, tell, carry } = await shared()
    for (const epoch of [
      { version: 9_000_000, number: 0 },
      { version: 1, number: 2 ** 31 - 1 },
    ]) {
      await tell(attacker.doc(leads, map, epoch, {}, [highStamp, true]), vera)
      await tell(attacker.erasure(leads, map, epoch), vera)
    }
    expect(await carry()).toMatchObject({ kind: 'doc', epoch: { version: 1, number: 1 } })
  })
})

describe('a relay alone', () => {
  const empty = (number: number): Omit<Entry, 'sequence'> => ({
    key: map,
    kind: 'doc',
    whole: true,
    epoch: { version: 1, number },
    bytes: createDoc(new Map(), 1),
  })

  it('[ER2] cannot blank a mirror by an empty doc, nor make Vera’s next edit vanish (row 80)', async () => {
    const { vera, paul, tell, carry, save } = await shared()
    await tell(empty(1), vera, paul)
    expect(shown(paul)).toEqual(['doc', 'Ada', 'Open'])
    await save('Won')
    await carry()
    expect(shown(paul)).toEqual(['doc', 'Ada', 'Won'])
  })

  it('[ER2] could, if existence did not count', async () => {
    const { paul, tell } = await shared(['existence', 'never-back'])
    await tell(empty(1), paul)
    expect(shown(paul)).toEqual(['doc'])
  })

  it('[ER2] cannot freeze a mirror by an erasure without a seal, nor by a doc of a far version (row 80)', async () => {
    const { vera, paul, tell, carry, save } = await shared()
    await tell({ key: map, kind: 'erased', whole: true, epoch: { version: 1, number: 5 }, bytes: new Uint8Array() }, vera, paul)
    await tell({ ...empty(0), epoch: { version: 9_000_000, number: 0 } }, vera, paul)
    expect(shown(paul)).toEqual(['doc', 'Ada', 'Open'])
    await save('Won')
    expect(await carry()).toMatchObject({ whole: true, epoch: { version: 1, number: 6 } })
    expect(shown(paul)).toEqual(['doc', 'Ada', 'Won'])
  })

  it('[ER3, NB1] cannot freeze a mirror by an old tombstone after Vera shared the record again (row 81)', async () => {
    const { vera, paul, tell, carry, share } = await shared()
    await share(false)
    const tombstone = await carry()
    expect(shown(paul)).toEqual(['erased', 'Ada', 'Open'])
    await share(true)
    await carry()
    await tell(tombstone, vera, paul)
    expect([isShared(vera), shown(paul)]).toEqual([true, ['doc', 'Ada', 'Open']])
    // Her device sees that the relay has another state than hers, and publishes.
    await carry()
    expect([vera.replica.waiting(), shown(paul)]).toEqual([0, ['doc', 'Ada', 'Open']])
  })

  it('[AN1] cannot let a value that does not open win its slot for ever (row 39)', async () => {
    const { vera, paul, tell, carry, save, first } = await shared()
    const doc = loadDoc([first.bytes], Number.MAX_SAFE_INTEGER)
    const bytes = writeSlots(doc, new Map([['1', new Uint8Array(80)]]))
    await tell({ ...first, whole: false, bytes }, vera, paul)
    expect(shown(paul)).toEqual(['doc', 'Ada', 'Open'])
    await save('Won')
    expect(await carry()).toMatchObject({ whole: true, epoch: { version: 1, number: 1 } })
    expect([shown(paul), paul.replica.peerDocs(leads).get(map)?.unreadable]).toEqual([['doc', 'Ada', 'Won'], []])
  })

  it('[AN1] could, if the values that do open were taken', async () => {
    const { vera, paul, tell, save, first } = await shared(['all-or-nothing'])
    const doc = loadDoc([first.bytes], Number.MAX_SAFE_INTEGER)
    await tell({ ...first, whole: false, bytes: writeSlots(doc, new Map([['1', new Uint8Array(80)]])) }, vera, paul)
    await save('Won')
    const [update] = await offersOf(vera, leads)
    if (update) await tell(offerToEntry(update, 0), paul)
    expect(update?.whole).toBe(false)
  })

  it('[NB1, AB2] cannot show what Vera said before, in the same epoch or by a whole doc (row 81)', async () => {
    const { vera, paul, tell, carry, save, first } = await shared()
    await save('Won')
    await carry()
    await tell(first, paul)
    expect(shown(paul)).toEqual(['doc', 'Ada', 'Won'])
    // What Vera says next is heard once she knows, or the relay shows her whole doc again.
    await tell(first, vera)
    await carry()
    expect([shown(paul), status(vera)]).toEqual([['doc', 'Ada', 'Won'], 'Won'])
  })

  it('[NB1, IN4] cannot go back by a loss and an old history (row 81)', async () => {
    const { paul, tell, carry, save, share, first } = await shared()
    await save('Won')
    await carry()
    await share(false)
    const tombstone = await carry()
    await share(true)
    await carry()
    await paul.replica.lost(leads)
    expect(shown(paul)).toEqual(['doc', 'Ada', 'Won'])
    for (const old of [first, tombstone]) await tell(old, paul)
    expect(shown(paul)).toEqual(['doc', 'Ada', 'Won'])
  })

  it('[NB1] could, if something could go back', async () => {
    const { paul, tell, carry, save, first } = await shared(['never-back'])
    await save('Won')
    await carry()
    await tell(first, paul)
    expect(shown(paul)).toEqual(['doc', 'Ada', 'Open'])
  })

  it('[NB2] cannot show a doc of an earlier version of the agreement', async () => {
    const { vera, paul, tell, first } = await shared()
    await vera.rows.save(agreementEdits('vendor', 2, [0, 1]))
    await paul.rows.save(agreementEdits('partner', 2, [0, 1]))
    for (const [index, [device, side]] of (
      [
        [vera, 'vendor'],
        [paul, 'partner'],
      ] as const
    ).entries()) {
      const feed = connectionFeed(sampleConnection, side, 'messages')
      const [policy] = await offersOf(device, feed)
      if (policy) for (const each of [vera, paul]) await absorb(each, feed, offerToEntry(policy, 2 + index))
    }
    await vera.rows.save([{ object: 'Lead', id: 'ada', values: { Name: null } }])
    const [anew] = await offersOf(vera, leads)
    expect(anew?.epoch).toEqual({ version: 2, number: 0 })
    if (anew) await tell(offerToEntry(anew, 0), vera, paul)
    await tell({ ...first, epoch: { version: 1, number: 0 } }, paul)
    expect(shown(paul)).toEqual(['doc', null, 'Open'])
  })
})
