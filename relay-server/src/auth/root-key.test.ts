import { createHash } from 'node:crypto'
import { feedName, mailboxIdOf, rosterFeedOf } from '@entente/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createDevice, createOrg, RelayClient, rootHello, rosterOffer, type TestDevice, type TestOrg, TestRelay } from '../testing/index.js'

describe('[ID8] the root key of an org', () => {
  let relay: TestRelay
  let org: TestOrg
  let vera: TestDevice

  beforeEach(async () => {
    relay = await TestRelay.start()
    org = await createOrg()
    vera = await createDevice(org)
  })
  afterEach(() => relay.stop())

  const enter = async (signer = org): Promise<RelayClient> => {
    const client = new RelayClient(relay.url)
    const { nonce } = await client.next('challenge')
    client.send(rootHello(org, nonce, client.relayName, signer))
    return client
  }

  it('reads what its team has, from a device that no roster names', async () => {
    const hers = await RelayClient.connect(relay.url, vera)
    await hers.read(1, rosterFeedOf(org.id))
    expect((await hers.publish(1, rosterOffer(org))).code).toBe('ACCEPTED')
    const root = await enter()
    await root.next('welcome')
    const entries = await root.read(1, rosterFeedOf(org.id))
    expect(entries.map(({ key }) => key)).toEqual(['roster.2'])
    // Its session stays when the org has a next roster: it is of no device.
    const other = await createDevice(org)
    await RelayClient.connect(relay.url, other)
    root.send({ type: 'ping' })
    await root.next('pong')
  })

  it('reads nothing of a mailbox, and ends with AUTH when it would do anything else', async () => {
    const hers = await RelayClient.connect(relay.url, vera)
    const claimHash = new Uint8Array(createHash('sha256').update('claim').digest())
    const mailbox = mailboxIdOf(claimHash)
    hers.send({ type: 'invite', mailbox, claimHash, expires: Date.now() + 60_000 })
    await hers.next('mailbox')
    for (const act of [
      { type: 'publish', feed: 1, offers: [{ id: 1, ...rosterOffer(org) }] },
      { type: 'attach', connection: 'A'.repeat(22), vendor: org.id, partner: org.id, salt: 'A'.repeat(22) },
      { type: 'askGateway', id: 1, feed: 1, key: 'key' },
    ]) {
      const root = await enter()
      await root.next('welcome')
      await root.read(1, rosterFeedOf(org.id))
      root.send(act as never)
      expect((await root.next('failed')).code).toBe('AUTH')
      expect(await root.closed()).toBe(1008)
    }
    const root = await enter()
    await root.next('welcome')
    const name = feedName({ kind: 'mailbox', mailbox, side: 'vendor' })
    root.send({ type: 'subscribe', feed: 7, name, after: 0, incarnation: 0, position: 0 })
    expect(await root.next('refused')).toMatchObject({ what: 'feed', subject: 7, code: 'FEED' })
  })

  it('is nobody at a relay that knows no roster of the org, and another org’s key never is', async () => {
    expect((await (await enter()).next('failed')).code).toBe('AUTH')
    await RelayClient.connect(relay.url, vera)
    const rival = await createOrg()
    expect((await (await enter(rival)).next('failed')).code).toBe('AUTH')
    // Whoever has seen the first roster knows the key, and cannot sign with it.
    const known = { ...rival, root: { ...rival.root, x: org.root.x } }
    expect((await (await enter(known)).next('failed')).code).toBe('AUTH')
    await (await enter()).next('welcome')
  })
})
