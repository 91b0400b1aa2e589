import { existenceSlot, type Key, loadDoc, readSlots, rootName } from '@entente/protocol'
import { openContent } from '../seal/seal-register.js'
import { teamKey } from '../seal/keys.js'
import { teamFeed } from '../replica/feed-role.js'
import { decodePart } from '../replica/row-parts.js'
import { feedOf, type Kept, type RelayState, statesOf } from './relay-state.js'
import { connectionEdits, partnerOrg, vendorOrg } from './sample-connection.js'
import { noteStamp, type Stamps } from './simulated-device.js'

/** Notes the stamps of what the relay keeps of each org's rows, as far as it changed since the last time. */
export function noteRelay(state: RelayState, held: Stamps, known: Map<string, number>): void {
  for (const side of ['vendor', 'partner'] as const) {
    const org = side === 'vendor' ? vendorOrg : partnerOrg
    const secret = connectionEdits(side).find(({ object }) => object === 'Key')?.values['secret']
    const feed = teamFeed(org, 'rows')
    const cipherKey = teamKey(typeof secret === 'string' ? secret : '', org)
    for (const [key, kept] of feedOf(state, feed).keys) {
      if (kept.kind !== 'doc' || known.get(`${side} ${key}`) === kept.sequence) continue
      known.set(`${side} ${key}`, kept.sequence)
      for (const [slot, sealed] of readSlots(loadKept(kept))) {
        const part = decodePart(openContent(cipherKey, { feed, key, slot, epoch: kept.epoch }, sealed)?.content)
        if (!part) throw new Error(`The relay keeps what does not open: ${side} ${key}.`)
        for (const [field, [stamp]] of Object.entries(part.registers)) noteStamp(held, `${side} ${part.object} ${part.id} ${field}`, stamp)
      }
    }
  }
}

/** Slots whose values, live or dead, a doc at the relay still has bytes of. */
export function slotsWithBytes(kept: Extract<Kept, { kind: 'doc' }>): readonly string[] {
  return [...loadKept(kept).getMap(rootName)._map.keys()].filter((slot) => slot !== existenceSlot)
}

export function docsOf(state: RelayState, feed: Parameters<typeof feedOf>[1]): readonly (readonly [Key, Extract<Kept, { kind: 'doc' }>])[] {
  return [...feedOf(state, feed).keys].flatMap(([key, kept]) => (kept.kind === 'doc' ? [[key, kept] as const] : []))
}

export function loadKept(kept: Extract<Kept, { kind: 'doc' }>): ReturnType<typeof loadDoc> {
  return loadDoc(statesOf(kept))
}
