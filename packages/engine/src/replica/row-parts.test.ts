import { createDoc, loadDoc, readSlots, type Stamp } from '@entente/protocol'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Row } from '../row/row.js'
import { absorb, offersNow, offerToEntry } from '../testing/by-hand.js'
import { setup, vendorOrg } from '../testing/index.js'
import { FeedSealer } from './feed-sealer.js'
import { teamFeed } from './feed-role.js'
import { decodePart, encodePart, partsOf } from './row-parts.js'

const rows = teamFeed(vendorOrg, 'rows')
const at = (time: number): Stamp => [time, 0, 7]

describe('the parts in which a team has a row', () => {
  it('[TM2] are one for a usual record, with its fields in the order of their names, by the saves that set them', () => {
    const ada: Row = { object: 'Lead', id: 'ada', registers: { Name: [at(1), 'Ada'], Email: [at(2), 'a@x'], Amount: [at(1), 5] } }
    const parts = partsOf(ada)
    expect([...parts.keys()]).toEqual(['0'])
    expect([...parts.values()].map(encodePart)).toEqual(['["Lead","ada",[[[1,0,7],{"Amount":5,"Name":"Ada"}],[[2,0,7],{"Email":"a@x"}]]]'])
  })

  it('[TM2] are one for a row that has no register, so that its doc opens', () => {
    const parts = partsOf({ object: 'Lead', id: 'ada', registers: {} })
    expect([...parts].map(([slot, part]) => [slot, encodePart(part)])).toEqual([['0', '["Lead","ada",[]]']])
  })

  it('[TM2, DR1] hold what a row held, whatever its fields are called, with the signatures of what decides', () => {
    const register = fc.tuple(fc.nat(3).map(at), fc.oneof(fc.string(), fc.nat(), fc.constant(null), fc.string({ minLength: 15_000 })))
    const signed = fc.tuple(fc.nat(3).map(at), fc.string(), fc.string())
    const name = fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', 'toString'))
    fc.assert(
      fc.property(fc.dictionary(name, fc.oneof(register, signed), { noNullPrototype: true }), (registers) => {
        const row: Row = { object: 'Lead', id: 'ada', registers }
        const back = [...partsOf(row).values()].map((part) => decodePart(JSON.parse(encodePart(part))))
        const all = back.flatMap((part) => Object.entries(part?.registers ?? {}))
        expect(all.map(([field]) => field).sort()).toEqual(Object.keys(row.registers).sort())
        expect(new Map(all)).toEqual(new Map(Object.entries(row.registers)))
        for (const part of back) {
          const fields = Object.keys(part?.registers ?? {})
          expect(fields.length === 1 || encodePart(part as Row).length <= 32 * 1024).toBe(true)
        }
      }),
    )
  })

  const notParts: readonly unknown[] = [
    null,
    'Lead',
    {},
    [],
    ['Lead', 'ada'],
    ['Lead', 1, []],
    ['Lead', 'ada', {}],
    ['Lead', 'ada', [[]]],
    ['Lead', 'ada', [[[1, 0], { Name: 'Ada' }]]],
    ['Lead', 'ada', [[[2 ** 46, 0, 1], { Name: 'Ada' }]]],
    ['Lead', 'ada', [[[1, 0, 1], ['Ada']]]],
    ['Lead', 'ada', [[[1, 0, 1], { Name: 'Ada' }, []]]],
    ['Lead', 'ada', [[[1, 0, 1], { Name: 'Ada' }, { Name: 5 }]]],
    ['Lead', 'ada', [[[1, 0, 1], { Name: 'broken \ud800' }]]],
  ]

  it.each(notParts.map((content) => ({ content })))('[TM2, SE4] do not open as $content', ({ content }) => {
    expect(decodePart(content)).toBeUndefined()
  })

  it('[TM2, OR1] of a long row that did not change are not sent again: Vera corrects the name of an opportunity with four long texts', async () => {
    const { vera } = await setup({ level: 'replica', slots: [0, 1] })
    const text = (of: string): string => of.repeat(20_000)
    await absorb(vera, rows)
    await vera.rows.save([
      { object: 'Opportunity', id: 'deal', values: { A: text('a'), B: text('b'), C: text('c'), D: text('d'), Name: 'Dael' } },
    ])
    const whole = (await offersNow(vera, rows)).find(({ bytes }) => bytes.length > 80_000)
    if (!whole) throw new Error('The opportunity is not sent.')
    expect([...readSlots(loadDoc([whole.bytes])).keys()].sort()).toEqual(['0', '1', '2', '3'])
    await absorb(vera, rows, offerToEntry(whole, 1))
    await vera.rows.save([{ object: 'Opportunity', id: 'deal', values: { Name: 'Deal' } }])
    const update = (await offersNow(vera, rows)).find(({ key }) => key === whole.key)
    if (!update) throw new Error('The correction is not sent.')
    expect(update.whole).toBe(false)
    expect(update.bytes.length).toBeLessThan(22_000)
    await absorb(vera, rows, offerToEntry(update, 2))
    expect(vera.rows.get('Opportunity', 'deal')?.registers['Name']?.[1]).toBe('Deal')
    expect((await offersNow(vera, rows)).filter(({ key }) => key === whole.key)).toEqual([])
    expect(vera.problems).toEqual([])
  })

  it('[TM2] count under the key of their row alone, and no erasure counts: a colleague’s modified device changes no row but by its key', async () => {
    const { vera } = await setup({ level: 'replica', slots: [0, 1] })
    await absorb(vera, rows)
    await vera.rows.save([
      { object: 'Lead', id: 'ada', values: { Name: 'Ada' } },
      { object: 'Lead', id: 'bob', values: { Name: 'Bob' } },
    ])
    const offers = await offersNow(vera, rows)
    await absorb(vera, rows, ...offers.map((offer, index) => offerToEntry(offer, index + 1)))
    const [key, ...others] = offers.map((offer) => offer.key)
    if (!key || others.length === 0) throw new Error('nothing was sent')
    const sealer = new FeedSealer(vendorOrg, vera.rows as never, vera.replica.keyring)
    const feedRole = { kind: 'team', topic: 'rows', own: true } as const
    const epoch = { version: 0, number: 9 }
    for (const id of ['ada', 'bob', 'eve']) {
      const sealed = sealer.sealPart(feedRole, rows, key, '0', epoch, {
        object: 'Lead',
        id,
        registers: { Name: [[2 ** 45, 0, 1], 'Mallory'] },
      })
      if (sealer.names?.key('Lead', id) === key || !sealed) continue
      const bytes = createDoc(new Map([['0', sealed]]), 1)
      await absorb(vera, rows, { sequence: offers.length + 1, key, kind: 'doc', whole: true, epoch, bytes })
    }
    const gone = sealer.sealSlot(feedRole, rows, key, 'e', epoch, [[2 ** 45, 0, 1], false])
    if (!gone) throw new Error('no key')
    await absorb(vera, rows, { sequence: offers.length + 2, key, kind: 'erased', whole: true, epoch, bytes: gone })
    expect([vera.rows.get('Lead', 'ada'), vera.rows.get('Lead', 'bob')].map((row) => row?.registers['Name']?.[1])).toEqual(['Ada', 'Bob'])
    expect(vera.rows.get('Lead', 'eve')).toBeUndefined()
    expect([...vera.rows.list('RecordMap').keys()]).not.toContain(key)
    // What the relay has under the key is another, so it is published again.
    expect((await offersNow(vera, rows)).map((offer) => offer.key)).toEqual([key])
  })
})
