import fc from 'fast-check'
import * as encoding from 'lib0/encoding'
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { admitAfter, admitUpdate } from './admission.js'
import { compactDoc, createDoc, loadDoc, vectorOfDoc, writeSlots } from './doc.js'
import { type ErrorCode, ProtocolError } from './error.js'
import { limits } from './limits.js'
import { emptyVector } from './state-vector.js'
import { rootName } from './update-reader.js'

const slots = new Set(['0', '1', '2'])
const value = (fill: number): Uint8Array => new Uint8Array(24).fill(fill)

function codeOf(update: Uint8Array, known = emptyVector, allowed: ReadonlySet<string> | undefined = slots): ErrorCode | 'admitted' {
  try {
    admitUpdate(update, known, allowed)
    return 'admitted'
  } catch (error) {
    if (error instanceof ProtocolError) return error.code
    throw error
  }
}

function isChain(state: Uint8Array, update: Uint8Array): boolean {
  try {
    admitAfter(state, update, slots)
    return true
  } catch {
    return false
  }
}

/** The update by which a page changes a doc of its own making. */
function updateOf(change: (doc: Y.Doc) => void, state?: Uint8Array): Uint8Array {
  const doc = loadDoc(state ? [state] : [], 77)
  let update: Uint8Array = new Uint8Array()
  doc.on('update', (bytes: Uint8Array) => {
    update = bytes
  })
  doc.transact(() => change(doc))
  return update
}

const base = createDoc(new Map([['0', value(1)]]), 5)

describe('admission', () => {
  it('[AD4, AD9] takes every honest update of many page loads, and its own re-encoding of them', () => {
    const edits = fc.array(fc.tuple(fc.nat(2), fc.nat(255), fc.boolean()), { minLength: 1, maxLength: 40 })
    fc.assert(
      fc.property(edits, fc.nat(), (list, seed) => {
        let [state, vector, session] = [createDoc(new Map([['0', value(0)]]), seed + 1), new Map<number, number>(), seed + 1]
        vector = new Map(admitUpdate(state, vector, slots).vector)
        for (const [slot, fill, reload] of list) {
          if (reload) session += 1_000_003
          const update = writeSlots(loadDoc([state], session), new Map([[String(slot), value(fill)]]))
          const admitted = admitUpdate(update, vector, slots)
          state = compactDoc([state, admitted.bytes])
          vector = new Map(admitted.vector)
          expect(vectorOfDoc(state)).toEqual(vector)
          // What a device gets on catching up is checked in the same way, from nothing.
          expect(codeOf(state)).toBe('admitted')
        }
      }),
      { numRuns: 60 },
    )
  })

  it.each<[string, ErrorCode, () => Uint8Array]>([
    ['[AD3] text', 'TYPE', () => updateOf((doc) => doc.getMap(rootName).set('0', 'text'))],
    ['[AD3] a nested type', 'TYPE', () => updateOf((doc) => doc.getMap(rootName).set('0', new Y.Map()))],
    ['[AD3] a subdocument', 'TYPE', () => updateOf((doc) => doc.getMap(rootName).set('0', new Y.Doc()))],
    ['[AD3] an array', 'TYPE', () => updateOf((doc) => doc.getArray('a').push([1]))],
    ['[AD3] a value over its limit', 'SIZE', () => createDoc(new Map([['0', new Uint8Array(limits.valueBytes + 1)]]), 5)],
    ['[AD1] more than an entry', 'SIZE', () => new Uint8Array(limits.entryBytes + 1)],
    ['[AD5] a second root', 'FIELD', () => updateOf((doc) => doc.getMap('w').set('0', value(1)))],
    ['[AD5] a slot that is not allowed', 'FIELD', () => createDoc(new Map([['3', value(1)]]), 5)],
    ['[AD1] version 2', 'FRAME', () => Y.encodeStateAsUpdateV2(loadDoc([base]))],
    ['[AD1] trailing bytes', 'FRAME', () => new Uint8Array([...base, 0])],
    ['[AD1] nothing', 'FRAME', () => new Uint8Array()],
    ['[AD8] deletions of what is not there (row 23)', 'FRAME', () => bytesOf(0, 1, 9, 1, 0, 5)],
    ['[AD2] a skipped range (row 23)', 'FRAME', () => bytesOf(1, 1, 9, 0, 10, 5, 0)],
    ['[AD2] a collected range (row 23)', 'FRAME', () => bytesOf(1, 1, 9, 0, 0, 5, 0)],
    ['[AD4] a client that begins at clock 3', 'FRAME', () => bytesOf(1, 1, 9, 3, 0x23, 1, 1, 0x76, 1, 0x30, 1, 7, 0)],
    [
      '[AD7] clients in ascending order (row 23)',
      'FRAME',
      () => bytesOf(2, 1, 8, 0, 0x23, 1, 1, 0x76, 1, 0x30, 1, 7, 1, 9, 0, 0x23, 1, 1, 0x76, 1, 0x31, 1, 7, 0),
    ],
    ['[AD6] a right origin (row 23)', 'FRAME', () => bytesOf(1, 1, 9, 0, 0x43, 5, 0, 1, 7, 0)],
  ])('refuses %s with %s', (_, code, make) => {
    expect(codeOf(make())).toBe(code)
  })

  it('[AD4] refuses what the doc has already, and what leaves a gap', () => {
    const known = vectorOfDoc(base)
    expect(codeOf(base, known)).toBe('FRAME')
    const doc = loadDoc([base], 9)
    writeSlots(doc, new Map([['0', value(2)]]))
    expect(codeOf(writeSlots(doc, new Map([['0', value(3)]])), known)).toBe('FRAME')
  })

  it('[AD5] refuses an origin that the doc does not have', () => {
    const update = updateOf((doc) => doc.getMap(rootName).set('0', value(2)), base)
    expect(codeOf(update, vectorOfDoc(base))).toBe('admitted')
    expect(codeOf(update)).toBe('FRAME')
  })

  it.each([
    [[0xff, 0xff, 0xff, 0xff, 0x0f]],
    [[1, 0xff, 0xff, 0xff, 0x7f, 1, 0]],
    [[1, 1, 1, 0, 10, 0xff, 0xff, 0xff, 0xff, 0x07, 0]],
    [[0, 1, 1, 0xff, 0xff, 0xff, 0x7f]],
    [[1, 1, 1, 0, 0x22, 1, 1, 0x76, 1, 0x30, 0xff, 0xff, 0xff, 0x7f]],
    [[1, 1, 1, 0, 0x28, 1, 1, 0x76, 1, 0x30, 0xff, 0xff, 0xff, 0x7f]],
  ])('[AD10] refuses a bomb of a few bytes in under a millisecond, with flat memory (row 20): %j', (bomb) => {
    const update = new Uint8Array(bomb)
    const before = process.memoryUsage().rss
    const times = Array.from({ length: 25 }, () => {
      const start = performance.now()
      expect(codeOf(update)).not.toBe('admitted')
      return performance.now() - start
    }).toSorted((a, b) => a - b)
    expect(times[12]).toBeLessThan(1)
    expect(process.memoryUsage().rss - before).toBeLessThan(32 * 1024 * 1024)
  })

  it('[AD11] refuses items that begin one slot, or follow one item, again and again: Yjs would compare each with all others (row 105)', () => {
    const beginning = (count: number): Uint8Array => {
      const items = Array.from({ length: count }, () => [0x23, 1, 1, 0x76, 1, 0x30, 0]).flat()
      return bytesOf(1, count, 9, 0, ...items, 0)
    }
    expect(codeOf(beginning(1))).toBe('admitted')
    expect(codeOf(beginning(2))).toBe('FRAME')
    const following = (...origins: readonly number[]): Uint8Array => {
      const items = origins.flatMap((clock) => [0xa3, 9, clock, 0])
      return new Uint8Array([1, origins.length + 1, 9, 0, 0x23, 1, 1, 0x76, 1, 0x30, 0, ...items, 0])
    }
    expect(codeOf(following(0, 1, 2))).toBe('admitted')
    expect(codeOf(following(0, 1, 0))).toBe('FRAME')
    // Into a run of three deleted values: its last one may be followed, one within it may not.
    const run = (clock: number): Uint8Array => new Uint8Array([1, 2, 9, 0, 0x21, 1, 1, 0x76, 1, 0x30, 3, 0xa3, 9, clock, 0, 0])
    expect([run(2), run(1)].map((update) => codeOf(update))).toEqual(['admitted', 'FRAME'])
  })

  it('[AD11] refuses at a device what is one chain alone and none with the doc, and at a relay to load it', () => {
    const again = bytesOf(1, 1, 9, 0, 0x23, 1, 1, 0x76, 1, 0x30, 0, 0)
    expect(codeOf(again, vectorOfDoc(base))).toBe('admitted')
    expect(() => admitAfter(base, again, slots)).toThrow(expect.objectContaining({ code: 'FRAME' }))
    const honest = updateOf((doc) => doc.getMap(rootName).set('0', value(2)), base)
    expect(admitAfter(base, honest, slots).vector).toEqual(admitUpdate(honest, vectorOfDoc(base), slots).vector)
    const begins = Array.from({ length: 30_000 }, (_, index) => bytesOf(1, 1, 100_000 - index, 0, 0x23, 1, 1, 0x76, 1, 0x30, 0, 0))
    const started = performance.now()
    expect(() => loadDoc(begins.slice(0, 1_000))).toThrow(expect.objectContaining({ code: 'FRAME' }))
    expect(() => loadDoc(begins)).toThrow(expect.objectContaining({ code: 'SIZE' }))
    expect(performance.now() - started).toBeLessThan(1_000)
  })

  it('[AD10] refuses more items, or more deleted ranges, than an honest doc has, however few their bytes (row 105)', () => {
    const chain = (count: number): Uint8Array => {
      const items = Array.from({ length: count - 1 }, (_, clock) => [0xa3, 9, ...bytesOf(clock), 0]).flat()
      return new Uint8Array([1, ...bytesOf(count), 9, 0, 0x23, 1, 1, 0x76, 1, 0x30, 0, ...items, 0])
    }
    expect(codeOf(chain(limits.itemsPerDoc))).toBe('admitted')
    expect(codeOf(chain(limits.itemsPerDoc + 1))).toBe('SIZE')
    const ranges = (count: number): Uint8Array => {
      const deleted = Array.from({ length: count }, (_, index) => [2 * index, 1]).flat()
      return bytesOf(1, 1, 9, 0, 0x21, 1, 1, 0x76, 1, 0x30, 3 * count, 1, 9, count, ...deleted)
    }
    expect(codeOf(ranges(limits.itemsPerDoc))).toBe('admitted')
    expect(codeOf(ranges(limits.itemsPerDoc + 1))).toBe('SIZE')
  })

  it('[AD3, AD4, AD5] lets nothing through by mutation that a doc may not hold', () => {
    const known = vectorOfDoc(base)
    const honest = updateOf((doc) => {
      doc.getMap(rootName).set('0', value(2))
      doc.getMap(rootName).set('1', value(3))
    }, base)
    const edit = fc.tuple(fc.nat(honest.length - 1), fc.nat(255), fc.constantFrom('set', 'insert', 'remove', 'flip'))
    let admitted = 0
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (list) => {
        const bytes = mutate(honest, list)
        if (codeOf(bytes, known) !== 'admitted') return
        admitted++
        const doc = loadDoc([base])
        const admission = admitUpdate(bytes, known, slots)
        Y.applyUpdate(doc, admission.bytes)
        // The induction goes on from the true clocks, and whoever catches up gets what admission takes from nothing.
        const after = Y.encodeStateAsUpdate(doc)
        expect(vectorOfDoc(after)).toEqual(admission.vector)
        expect(codeOf(after)).toBe(isChain(base, bytes) ? 'admitted' : 'FRAME')
        expect(doc.store.pendingStructs ?? doc.store.pendingDs).toBeNull()
        expect([...doc.share.keys()]).toEqual([rootName])
        for (const [slot, content] of doc.getMap(rootName)) {
          expect(slots.has(slot)).toBe(true)
          expect(content).toBeInstanceOf(Uint8Array)
        }
      }),
      { numRuns: 3_000 },
    )
    expect(admitted).toBeGreaterThan(0)
  })
})

function mutate(honest: Uint8Array, list: readonly (readonly [number, number, string])[]): Uint8Array {
  const bytes = [...honest]
  for (const [place, byte, how] of list) {
    if (how === 'insert') bytes.splice(place, 0, byte)
    else if (how === 'remove') bytes.splice(place, 1)
    else bytes[place] = how === 'set' ? byte : (bytes[place] ?? 0) ^ (1 << (byte & 7))
  }
  return new Uint8Array(bytes)
}

function bytesOf(...numbers: readonly number[]): Uint8Array {
  return encoding.encode((encoder) => {
    for (const number of numbers) encoding.writeVarUint(encoder, number)
  })
}
