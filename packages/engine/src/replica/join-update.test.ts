import { createDoc, loadDoc, ProtocolError, writeSlots } from '@entente/protocol'
import * as Y from 'yjs'
import { expect, it } from 'vitest'
import { joinUpdate } from './join-update.js'

const value = (number: number): Uint8Array => new Uint8Array([number, 1, 2, 3])

/** A doc that so many page loads of an owner have written to, as the relay sends it after merging: whole, with all its dead bytes. */
function writtenBy(pageLoads: number): Uint8Array {
  let state = createDoc(new Map([['0', value(0)]]), 1_000)
  for (let load = 1; load < pageLoads; load++) {
    const doc = loadDoc([state], 1_000 + load)
    writeSlots(doc, new Map([['0', value(load)]]))
    state = Y.encodeStateAsUpdate(doc)
  }
  return state
}

it.each([
  [1, false],
  [5, false],
  [60, true],
])('[EP5] finds a doc that arrives whole after %i page loads mostly dead: %s', (pageLoads, isDead) => {
  const joined = joinUpdate(undefined, writtenBy(pageLoads), new Set(['0']))
  if (joined instanceof ProtocolError) throw joined
  expect(joined.mostlyDead).toBe(isDead)
  expect(joined.changed.get('0')).toEqual(value(pageLoads - 1))
})
