import { decodeControlEntry, readSlots } from '@entente/protocol'
import { describe, expect, it } from 'vitest'
import { requireConnection } from '../connect/connection-facts.js'
import { connectionFeed } from '../replica/feed-role.js'
import { connectionKey } from '../seal/keys.js'
import { controlBinding, messageBinding, open } from '../seal/seal-register.js'
import { docsOf, loadKept } from '../testing/relay-contents.js'
import { feedOf } from '../testing/relay-state.js'
import { setup } from '../testing/index.js'

describe('the key in a gateway pass', () => {
  it('[SE6] opens Vera’s mirrors for Paul’s page, and none of her messages, not even with their bytes', async () => {
    const { paul, relay, connection } = await setup({ upTo: 'exported' })
    const { secret } = requireConnection(paul.rows, connection)
    const passKey = connectionKey(secret, connection, 'vendor', 'docs')
    const leads = connectionFeed(connection, 'vendor', 'lead')
    const slots = docsOf(relay.state, leads).flatMap(([key, kept]) =>
      [...readSlots(loadKept(kept))].map(([slot, sealed]) => open(passKey, { feed: leads, key, slot, epoch: kept.epoch }, sealed)),
    )
    expect(slots.length).toBeGreaterThan(0)
    expect(slots).not.toContain(undefined)

    const messages = connectionFeed(connection, 'vendor', 'messages')
    const messagesKey = connectionKey(secret, connection, 'vendor', 'messages')
    const kept = [...feedOf(relay.state, messages).keys].flatMap(([key, { kind, ...rest }]) =>
      'bytes' in rest ? [{ key, kind, ...rest }] : [],
    )
    const opened = kept.map(({ key, kind, bytes }) => {
      const [binding, sealed] =
        kind === 'control' ? [controlBinding(messages, key), decodeControlEntry(bytes).seal] : [messageBinding(messages, key), bytes]
      return [open(passKey, binding, sealed) !== undefined, open(messagesKey, binding, sealed) !== undefined]
    })
    expect(opened.length).toBeGreaterThan(3)
    expect(opened.every(([byPass, byMessages]) => !byPass && byMessages)).toBe(true)
  })
})
