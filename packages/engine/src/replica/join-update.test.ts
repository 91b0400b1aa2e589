import { createDoc, limits, loadDoc, ProtocolError, writeSlots } from '@entente/protocol'
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

it('[EP5] finds a doc mostly dead whose items have become many, whatever its live bytes', () => {
  const slots = new Map([
    ['0', value(0)],
    ['1', new Uint8Array(60_000)],
  ])
  const first = createDoc(slots, 1)
  const doc = loadDoc([first], 2)
  // One after the other by two clients, so that what is dead does not become one run.
  for (let edit = 0; edit < limits.itemsPerDoc / 2; edit++) {
    doc.clientID = 2 + (edit % 2)
    doc.getMap('v').set('0', value(edit % 200))
  }
  const many = joinUpdate(undefined, Y.encodeStateAsUpdate(doc), new Set(['0', '1']))
  expect(many).toMatchObject({ mostlyDead: true })
  expect(joinUpdate(undefined, first, new Set(['0', '1']))).toMatchObject({ mostlyDead: false })
})
