import { connectionId, parseKey, parseOrgId, type Stamp } from '@entente/protocol'
import { describe, expect, it } from 'vitest'
import type { AgreedField } from '../api/index.js'
import { findField, standardLead } from '../schema/schema.js'
import type { PeerDoc } from '../replica/replica-state.js'
import type { Row } from '../row/row.js'
import { mirrorFeed, type MirrorSource, mirrorView } from './mirror-view.js'

const connection = connectionId(parseOrgId('V'.repeat(43)), parseOrgId('P'.repeat(43)), 'salt')
const stamp: Stamp = [1_000, 0, 7]
const map = (on: boolean): Row => ({ object: 'RecordMap', id: 'M'.repeat(22), registers: { on: [stamp, on] } })

function agreed(name: string, slot: string | undefined): AgreedField {
  const field = findField(standardLead, name)
  if (!field) throw new Error(`There is no field ${name}.`)
  return { vendor: field, partner: field, slot, mapping: { source: name, target: name, update: slot !== undefined } }
}

const doc = (more: Partial<PeerDoc> = {}): PeerDoc => ({
  key: parseKey('M'.repeat(22)),
  feed: mirrorFeed(connection, 'partner', 'Lead'),
  kind: 'doc',
  version: 1,
  registers: { 0: [stamp, 'ada@acme.example'] },
  unreadable: [],
  exists: undefined,
  ...more,
})

const source = (more: Partial<MirrorSource> = {}): MirrorSource => ({
  map: map(true),
  connection,
  side: 'partner',
  enabled: true,
  peerName: 'Vista',
  object: 'Lead',
  fields: [agreed('Email', '0'), agreed('LastName', undefined)],
  slotOf: () => '0',
  doc: doc(),
  signed: { state: 'signed', signedAt: 1, since: undefined },
  ...more,
})

describe('a mirror', () => {
  it('shows what the peer’s doc holds, and says of other fields that they are not shared', () => {
    expect(mirrorView(source())).toMatchObject({
      state: 'live',
      changedAt: 1_000,
      fields: [
        { name: 'Email', state: 'value', value: 'ada@acme.example' },
        { name: 'LastName', state: 'not shared', value: null },
      ],
    })
  })

  it('says "unreadable" of a value of the wrong type (row 44) or one that does not open (row 39), and keeps the last good one', () => {
    expect(mirrorView(source({ doc: doc({ registers: { 0: [stamp, 42] } }) }))?.fields[0]).toMatchObject({
      state: 'unreadable',
      value: null,
    })
    expect(mirrorView(source({ doc: doc({ registers: {}, unreadable: ['0'] }) }))?.fields[0]).toMatchObject({
      state: 'unreadable',
      value: null,
    })
    expect(mirrorView(source({ doc: doc({ unreadable: ['0'] }) }))?.fields[0]).toMatchObject({
      state: 'unreadable',
      value: 'ada@acme.example',
    })
  })

  it('is frozen when the peer stopped, the own org stopped, or the connection ended', () => {
    expect(mirrorView(source({ doc: doc({ kind: 'erased' }) }))?.state).toBe('frozen')
    expect(mirrorView(source({ map: map(false) }))?.state).toBe('frozen')
    expect(mirrorView(source({ enabled: false }))?.state).toBe('frozen')
  })

  it('waits at the partner until the first doc comes, and does not exist at the vendor before the partner’s first edit', () => {
    expect(mirrorView(source({ doc: undefined }))?.state).toBe('waiting')
    expect(mirrorView(source({ doc: undefined, side: 'vendor' }))).toBeUndefined()
  })

  it('reads a doc of another version by what its slots meant then', () => {
    const registers: PeerDoc['registers'] = { 0: [stamp, 'Open - Not Contacted'], 1: [stamp, 'ada@acme.example'] }
    const view = mirrorView(source({ doc: doc({ version: 1, registers }), slotOf: (version) => (version === 1 ? '1' : '0') }))
    expect(view?.fields[0]).toMatchObject({ state: 'value', value: 'ada@acme.example' })
  })
})
