import { parseKey } from '@entente/protocol'
import { describe, expect, it } from 'vitest'
import { connectionKey, originKey } from '../seal/keys.js'
import { messageBinding, Origin, seal } from '../seal/seal-register.js'
import { connect, enabledConnection, setup } from '../testing/index.js'
import { feedOf, withEntry } from '../testing/relay-state.js'
import { agree, compareCodes } from '../testing/steps.js'
import { requireConnection } from './connection-facts.js'

describe('a proposal of 100 KB that Vera’s hostile app seals', () => {
  it('[IS1] flags Paul’s connection with her, and his other connection goes on (row 84)', async () => {
    const { vera, paul, relay, connection, open, network, settle } = await setup({ upTo: 'verified' })
    const zoe = await open({ orgName: 'Zoe & Co', userName: 'Zoe' })
    await connect({ network, vendor: paul, partner: zoe })
    const next = enabledConnection(zoe)?.id
    if (!next) throw new Error('Zoe is not connected.')
    const { ownMessages, secret, peer } = requireConnection(vera.rows, connection)
    const key = parseKey('proposal')
    const fields = Array.from({ length: 800 }, (_, index) => ({ name: `Field${index}__c`, label: 'x'.repeat(100) }))
    const body = await vera.identity.signDecision('proposal', { connection, version: 1, objects: { Lead: { fields } } })
    expect(body.length).toBeGreaterThan(100_000)
    const keys = { cipher: connectionKey(secret, connection, 'vendor', 'messages'), origin: new Origin(originKey(secret, peer)) }
    const bytes = seal(keys, messageBinding(ownMessages, key), [[2_000_000_000_000, 0, 1], body])
    vera.sync.cut()
    const [kept] = feedOf(relay.state, ownMessages).keys.values()
    if (!kept || kept.kind === 'doc') throw new Error('Vera has said nothing yet.')
    relay.restart(withEntry(relay.state, ownMessages, key, (sequence) => ({ ...kept, kind: 'message', sequence, bytes }), new WeakSet()))
    await settle(paul, zoe)
    expect(paul.agreements.get(connection)?.state).toBe('none')
    await compareCodes({ network, vendor: paul, partner: zoe, connection: next })
    await agree({ network, vendor: paul, partner: zoe, connection: next })
    expect(paul.agreements.get(next)?.state).toBe('agreed')
    expect(paul.connections.get(next)?.problem).toBeUndefined()
    expect(paul.connections.get(connection)?.problem ?? paul.problems.join()).not.toBe('')
  })
})
