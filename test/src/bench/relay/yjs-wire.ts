import { createDoc } from '@entente/protocol'
import { editor } from '@entente/relay-server/testing'
import { client, type History, inOrder, keyOf, sealed } from './payload.js'
import type { Wire } from './stage.js'
import { Cursor, numberBytes, withLength } from './wire.js'

// The two Yjs servers speak the same inner protocol: 0 for sync, then 0 for "this is what I have", 1 for the answer, 2 for an update. Hocuspocus puts the doc's
// name before it.
const sync = 0
export const step1 = 0
export const step2 = 1
export const update = 2
const emptyVector = Uint8Array.from([0])
export const docName = 'records'

/** All records in one doc, which is what suits a server that keeps whole docs: a flat map with a register per record. */
export interface WholeDoc {
  readonly whole: Uint8Array
  /** Of the records in turn, over and over. */
  readonly updates: readonly Uint8Array[]
}

export function createWholeDoc(docs: number, turns: number): WholeDoc {
  const whole = createDoc(new Map(Array.from({ length: docs }, (_, doc) => [keyOf(doc), sealed(doc)])), client)
  const edit = editor(whole, client + 2)
  const updates = Array.from({ length: docs * turns }, (_, number) =>
    edit(sealed((number % docs) + Math.floor(number / docs)), keyOf(number % docs)),
  )
  return { whole, updates }
}

/** One doc for all records at @y/websocket-server: the name is in the path. */
export function yWebsocketWire(records: WholeDoc): Wire {
  return {
    path: `/${docName}`,
    greeting: [syncMessage(step1, emptyVector)],
    // Its own step 1, which it says by itself, and the answer.
    answers: 2,
    wholes: [syncMessage(update, records.whole)],
    messages: records.updates.map((bytes) => syncMessage(update, bytes)),
    isUpdate: (frame) => isSync(frame, update),
  }
}

/** One doc for all records at Hocuspocus. */
export function hocuspocusWire(records: WholeDoc): Wire {
  return {
    path: '/',
    ...greetHocuspocus([docName]),
    wholes: [named(docName, syncMessage(update, records.whole))],
    messages: records.updates.map((bytes) => named(docName, syncMessage(update, bytes))),
    isUpdate: isHocuspocusUpdate,
  }
}

/** One doc for each record at Hocuspocus, all over one socket. */
export function hocuspocusWireEach(histories: readonly History[]): Wire {
  return {
    path: '/',
    ...greetHocuspocus(histories.map(({ key }) => key)),
    wholes: histories.map(({ key, whole }) => named(key, syncMessage(update, whole))),
    messages: inOrder(histories, (bytes, doc) => named(keyOf(doc), syncMessage(update, bytes))),
    isUpdate: isHocuspocusUpdate,
  }
}

/** A token (of no meaning, as nothing asks for one) for each doc, which Hocuspocus confirms each. */
function greetHocuspocus(names: readonly string[]): Pick<Wire, 'greeting' | 'answers'> {
  return { greeting: names.map(helloTo), answers: names.length }
}

/** What Hocuspocus wants to hear first about each doc. */
export function helloTo(name: string): Uint8Array {
  return named(name, Uint8Array.from([2, 0, 1, 120]))
}

function isHocuspocusUpdate(frame: Uint8Array): boolean {
  return isNamedSync(frame, update)
}

/** Whether a frame is a sync message of this kind. */
export function isSync(frame: Uint8Array, kind: number, at = 0): boolean {
  return frame[at] === sync && frame[at + 1] === kind
}

/** The same where the doc's name comes first. */
export function isNamedSync(frame: Uint8Array, kind: number): boolean {
  const cursor = new Cursor(frame)
  cursor.passOver()
  return isSync(frame, kind, cursor.at)
}

/** The bytes of one message about a doc, without its name. */
export function syncMessage(kind: number, bytes: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.from([sync, kind]), withLength(bytes)])
}

export function named(name: string, message: Uint8Array): Uint8Array {
  const text = Buffer.from(name)
  return Buffer.concat([Uint8Array.from(numberBytes(text.length)), text, message])
}
