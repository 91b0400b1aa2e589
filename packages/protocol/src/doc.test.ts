import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { compactDoc, createDoc, emptyDoc, loadDoc, readSlots, vectorOfDoc, writeSlots } from './doc.js'

const session = 2 ** 52 + 5
const sealed = (fill: number, length = 104): Uint8Array => new Uint8Array(length).fill(fill)

describe('a doc', () => {
  it('[DC1] holds sealed bytes by slot, and forgets what was overwritten when it is compacted', () => {
    let state = createDoc(new Map([['0', sealed(1)]]), session)
    for (let edit = 2; edit <= 100; edit++) {
      const doc = loadDoc([state], session)
      state = compactDoc([state, writeSlots(doc, new Map([['0', sealed(edit % 250)]]))])
    }
    expect(readSlots(loadDoc([state])).get('0')).toEqual(sealed(100))
    expect(Y.encodeStateAsUpdate(loadDoc([state])).length).toBeLessThan(200)
  })

  it('[DC2] keeps the session as its client id, also where the doc knows it already', () => {
    const state = createDoc(new Map([['0', sealed(1)]]), session)
    expect(loadDoc([state], session).clientID).toBe(session)
    expect([...vectorOfDoc(state).keys()]).toEqual([session])
  })

  it('[DC3] changes by an update of 138 bytes for one sealed field of 104', () => {
    const state = createDoc(new Map([['0', sealed(1)]]), session)
    expect(writeSlots(loadDoc([state], session + 1), new Map([['0', sealed(2)]])).length).toBe(138)
  })

  it('with nothing in it is two bytes', () => {
    expect(createDoc(new Map(), session)).toEqual(emptyDoc)
    expect(readSlots(loadDoc([emptyDoc])).size).toBe(0)
  })

  it('[DC1, DC2] writes a new doc as Yjs does, byte for byte', () => {
    const slot = fc.stringMatching(/^[A-Za-z0-9_-]{1,40}$/)
    const value = fc.uint8Array({ minLength: 1, maxLength: 300 })
    fc.assert(
      fc.property(fc.array(fc.tuple(slot, value), { minLength: 1, maxLength: 30 }), fc.nat(), (entries, client) => {
        const slots = new Map(entries)
        expect(createDoc(slots, client)).toEqual(writeSlots(loadDoc([], client), slots))
      }),
    )
  })
})
