import { parseKey } from '@entente/protocol'
import { describe, expect, it } from 'vitest'
import { setup } from '../testing/index.js'
import { connectionFacts, messageEdit } from './connection-facts.js'
import { endKey } from './end-reconciler.js'

describe('codes that were said to differ by a slip', () => {
  it('[CN7] are compared again by the org that said so; both start over, and values flow', async () => {
    const { vera, paul, connection: id, settle, until } = await setup({ upTo: 'connected' })
    await paul.connections.compareCodes(id, true)
    await settle()
    await vera.connections.compareCodes(id, false)
    await until('Paul hears of it', () => paul.connections.get(id)?.state === 'Error')
    expect(vera.connections.get(id)).toMatchObject({ verified: 'mismatch', mismatchBy: 'own', peerVerified: false })
    expect(paul.connections.get(id)).toMatchObject({ verified: 'mismatch', mismatchBy: 'peer', peerVerified: false })
    // Whoever did not say it cannot take it back.
    await expect(paul.connections.compareAgain(id)).rejects.toMatchObject({ code: 'NOT_ALLOWED' })
    await vera.connections.compareAgain(id)
    await until('Paul hears of that', () => paul.connections.get(id)?.state === 'Enabled')
    await settle()
    // What Paul confirmed before counts no more.
    for (const org of [vera, paul])
      expect(org.connections.get(id)).toMatchObject({
        state: 'Enabled',
        verified: 'no',
        peerVerified: false,
        mismatchBy: undefined,
        comparedAgain: 1,
        problem: undefined,
      })
    await vera.connections.compareCodes(id, true)
    await settle()
    expect(paul.connections.get(id)).toMatchObject({ verified: 'no', peerVerified: true })
    await paul.connections.compareCodes(id, true)
    await settle()
    for (const org of [vera, paul]) expect(org.connections.get(id)).toMatchObject({ verified: 'yes', peerVerified: true })
    expect(vera.sync.status().problems.filter(({ what }) => what.includes('refused'))).toEqual([])
    await expect(vera.connections.compareAgain(id)).rejects.toMatchObject({ code: 'NOT_CONNECTED' })
  })

  it('[CN7] also when the other org was away and hears of both at once', async () => {
    const { vera, paul, connection: id, settle, until } = await setup({ upTo: 'connected' })
    await paul.connections.compareCodes(id, true)
    await settle()
    paul.sync.cut()
    await vera.connections.compareCodes(id, false)
    await vera.connections.compareAgain(id)
    await settle(vera)
    expect(vera.connections.get(id)).toMatchObject({ verified: 'no', peerVerified: false })
    paul.sync.mend()
    await until('Paul is to compare again', () => paul.connections.get(id)?.comparedAgain === 1)
    expect(paul.connections.get(id)).toMatchObject({ state: 'Enabled', verified: 'no' })
  })

  it('[CN7] stay blocked while the other org says that they differ', async () => {
    const { vera, paul, connection: id, settle, until } = await setup({ upTo: 'connected' })
    paul.sync.cut()
    await vera.connections.compareCodes(id, false)
    await paul.connections.compareCodes(id, false)
    paul.sync.mend()
    await settle()
    await vera.connections.compareAgain(id)
    await settle()
    for (const org of [vera, paul]) expect(org.connections.get(id)).toMatchObject({ state: 'Error', verified: 'mismatch' })
    expect(vera.connections.get(id)?.mismatchBy).toBe('peer')
    expect(paul.connections.get(id)?.mismatchBy).toBe('own')
    await paul.connections.compareAgain(id)
    await until('both compare again', () => [vera, paul].every((org) => org.connections.get(id)?.state === 'Enabled'))
    for (const org of [vera, paul]) expect(org.connections.get(id)).toMatchObject({ verified: 'no', comparedAgain: 2 })
    for (const org of [vera, paul]) await org.connections.compareCodes(id, true)
    await settle()
    for (const org of [vera, paul]) expect(org.connections.get(id)).toMatchObject({ verified: 'yes', peerVerified: true })
  })

  it('[CN7] an end is for good, before or after', async () => {
    const { vera, paul, connection: id, settle } = await setup({ upTo: 'connected' })
    await vera.connections.compareCodes(id, false)
    await settle()
    await paul.connections.disconnect(id)
    await settle()
    expect(vera.connections.get(id)?.state).toBe('Disabled')
    await expect(vera.connections.compareAgain(id)).rejects.toMatchObject({ code: 'NOT_CONNECTED' })
    // What Vera would have signed before she heard of the end.
    const facts = connectionFacts(vera.rows.get('Connection', id))
    const body = await vera.identity.signDecision('end', { connection: id, reason: 'again', again: 1 })
    if (facts) await vera.rows.save([messageEdit(facts.ownMessages, endKey, body)])
    await settle()
    expect(paul.connections.get(id)).toMatchObject({ state: 'Disabled', comparedAgain: 0 })
  })

  it('[CN10] a confirmation from before, shown once more, confirms nothing', async () => {
    const { vera, paul, connection: id, settle } = await setup({ upTo: 'connected' })
    await paul.connections.compareCodes(id, true)
    await settle()
    const facts = connectionFacts(paul.rows.get('Connection', id))
    const key = parseKey('verified')
    const before = facts && paul.rows.get('Message', `${facts.ownMessages}#${key}`)?.registers['body']?.[1]
    await vera.connections.compareCodes(id, false)
    await vera.connections.compareAgain(id)
    await vera.connections.compareCodes(id, true)
    await settle()
    if (facts && typeof before === 'string') await paul.rows.save([messageEdit(facts.ownMessages, key, null)])
    await settle()
    if (facts && typeof before === 'string') await paul.rows.save([messageEdit(facts.ownMessages, key, before)])
    await settle()
    expect(before).toBeTypeOf('string')
    expect(vera.connections.get(id)).toMatchObject({ verified: 'yes', peerVerified: false })
  })

  it('[CN7] stay blocked where the org had confirmed them: its records were taken back', async () => {
    const { vera, paul, connection: id, settle } = await setup({ upTo: 'exported' })
    await vera.connections.compareCodes(id, false)
    await settle()
    expect(paul.site.listings(id, 'Lead', {}).total).toBe(0)
    await expect(vera.connections.compareAgain(id)).rejects.toMatchObject({
      code: 'NOT_ALLOWED',
      message: expect.stringContaining('Disconnect'),
    })
  })
})
