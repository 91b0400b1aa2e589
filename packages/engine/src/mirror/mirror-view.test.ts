import { connectionId, parseKey, parseOrgId, type Stamp } from '@entente/protocol'
import { describe, expect, it } from 'vitest'
import type { AgreedField } from '../api/index.js'
import { findField, standardLead } from '../schema/schema.js'
import type { PeerDoc } from '../replica/replica-state.js'
import { mirrorFeed } from './mirror-view.js'
import { peerFields, type PeerTerms } from './peer-fields.js'

const connection = connectionId(parseOrgId('V'.repeat(43)), parseOrgId('P'.repeat(43)), 'salt')
const stamp: Stamp = [1_000, 0, 7]
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

type Source = PeerTerms & { readonly doc: PeerDoc | undefined }
const source = (more: Partial<Source> = {}): Source => ({
  side: 'partner',
  fields: [agreed('Email', '0'), agreed('LastName', undefined)],
  slotOf: () => '0',
  doc: doc(),
  ...more,
})

const mirrorFields = ({ doc: read, ...terms }: Source) => peerFields(terms, read, undefined).map(({ shown }) => shown)

describe('a mirror', () => {
  it('shows what the peer’s doc holds, and says of other fields that they are not shared', () => {
    expect(mirrorFields(source())).toMatchObject([
      { name: 'Email', state: 'value', value: 'ada@acme.example', changedAt: 1_000 },
      { name: 'LastName', state: 'not shared', value: null },
    ])
  })

  it('says "unreadable" of a value of the wrong type (row 44) or one that does not open (row 39), and keeps the last good one', () => {
    expect(mirrorFields(source({ doc: doc({ registers: { 0: [stamp, 42] } }) }))[0]).toMatchObject({
      state: 'unreadable',
      value: null,
    })
    expect(mirrorFields(source({ doc: doc({ registers: {}, unreadable: ['0'] }) }))[0]).toMatchObject({
      state: 'unreadable',
      value: null,
    })
    expect(mirrorFields(source({ doc: doc({ unreadable: ['0'] }) }))[0]).toMatchObject({
      state: 'unreadable',
      value: 'ada@acme.example',
    })
  })

  it('reads a doc of another version by what its slots meant then', () => {
    const registers: PeerDoc['registers'] = { 0: [stamp, 'Open - Not Contacted'], 1: [stamp, 'ada@acme.example'] }
    const view = mirrorFields(source({ doc: doc({ version: 1, registers }), slotOf: (version) => (version === 1 ? '1' : '0') }))
    expect(view[0]).toMatchObject({ state: 'value', value: 'ada@acme.example' })
  })
})
