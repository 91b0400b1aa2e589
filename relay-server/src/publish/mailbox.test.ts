import { createHash, randomBytes } from 'node:crypto'
import { feedName, type MailboxId, mailboxIdOf, parseMailboxId } from '@entente/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Mailboxes } from './mailbox.js'
import type { Store } from '../store/store.js'
import { createDevice, createOrg, headOffer, offerOf, RelayClient, ShiftedClock, type TestDevice, TestRelay } from '../testing/index.js'

const hashOf = (claim: Uint8Array): Uint8Array => createHash('sha256').update(claim).digest()

describe('a mailbox', () => {
  let clock: ShiftedClock
  let relay: TestRelay
  let veraDevice: TestDevice
  let paulDevice: TestDevice
  let vera: RelayClient
  let paul: RelayClient
  let mailbox: MailboxId
  let claim: Uint8Array

  beforeEach(async () => {
    clock = new ShiftedClock()
    relay = await TestRelay.start()
    ;[veraDevice, paulDevice] = await Promise.all([createDevice(await createOrg()), createDevice(await createOrg())])
    vera = await RelayClient.connect(relay.url, veraDevice)
    paul = await RelayClient.connect(relay.url, paulDevice)
    claim = new Uint8Array(randomBytes(32))
    mailbox = mailboxIdOf(hashOf(claim))
  })
  afterEach(async () => {
    clock.restore()
    await relay.stop()
  })

  const invite = (client: RelayClient, hash = claim, expires = Date.now() + 60_000): Promise<{ state: string; triesLeft: number }> => {
    client.send({ type: 'invite', mailbox, claimHash: hashOf(hash), expires })
    return client.next('mailbox')
  }
  const tryClaim = async (client: RelayClient, shown: Uint8Array = claim, at = mailbox): Promise<{ state: string; triesLeft: number }> => {
    client.send({ type: 'claim', mailbox: at, claim: shown })
    const { state, triesLeft } = await client.next('mailbox')
    return { state, triesLeft }
  }
  const feed = (side: 'vendor' | 'partner'): ReturnType<typeof feedName> => feedName({ kind: 'mailbox', mailbox, side })
  const wrong = new Uint8Array(32)

  it('[MB1, MB7] is opened by Vera, claimed by Paul, told to both, and carries their messages and nothing else', async () => {
    expect(await invite(vera)).toMatchObject({ state: 'open', triesLeft: 5 })
    await vera.read(1, feed('vendor'))
    await vera.read(2, feed('partner'))
    await expect(paul.read(1, feed('vendor'))).rejects.toThrow('FEED')
    expect(await tryClaim(paul)).toMatchObject({ state: 'claimed' })
    expect(await vera.next('mailbox')).toMatchObject({ state: 'claimed' })
    await paul.read(1, feed('vendor'))
    await paul.read(2, feed('partner'))
    expect((await vera.publish(1, offerOf('hello', 'message'))).code).toBe('ACCEPTED')
    expect((await paul.next('entries', (message) => message.feed === 1)).entries[0]?.key).toBe('hello')
    expect((await paul.publish(1, offerOf('hello', 'message'))).code).toBe('WRITER')
    expect((await paul.publish(2, offerOf('hello', 'message'))).code).toBe('ACCEPTED')
    expect((await vera.publish(1, offerOf('policy', 'control'))).code).toBe('TYPE')
    expect((await vera.publish(1, headOffer(1))).code).toBe('TYPE')
  })

  it('[MB2, MB9] answers a repeated invitation with its state, and another org’s or hash with VOID', async () => {
    await invite(vera)
    expect(await invite(vera)).toMatchObject({ state: 'open' })
    await tryClaim(paul)
    await vera.next('mailbox')
    expect(await invite(vera)).toMatchObject({ state: 'claimed' })
    for (const [client, hash] of [
      [vera, wrong],
      [paul, claim],
    ] as const) {
      client.send({ type: 'invite', mailbox, claimHash: hashOf(hash), expires: Date.now() + 60_000 })
      expect(await client.next('refused')).toMatchObject({ what: 'mailbox', code: 'VOID' })
    }
  })

  it('[MB3] is void after five wrong claims, over a restart too, and both sides are told (row 30)', async () => {
    await invite(vera)
    for (const triesLeft of [4, 3]) expect(await tryClaim(paul, wrong)).toEqual({ state: 'wrong', triesLeft })
    await relay.restart()
    vera = await RelayClient.connect(relay.url, veraDevice)
    paul = await RelayClient.connect(relay.url, paulDevice)
    expect(await invite(vera)).toMatchObject({ state: 'open', triesLeft: 3 })
    for (const triesLeft of [2, 1]) expect(await tryClaim(paul, wrong)).toEqual({ state: 'wrong', triesLeft })
    expect(await tryClaim(paul, wrong)).toEqual({ state: 'void', triesLeft: 0 })
    expect(await vera.next('mailbox')).toMatchObject({ state: 'void' })
    expect(await tryClaim(paul)).toEqual({ state: 'void', triesLeft: 0 })
    await expect(vera.read(1, feed('vendor'))).rejects.toThrow('FEED')
  })

  it('[MB3] answers claims of an unknown mailbox exactly like wrong ones (row 14)', async () => {
    await invite(vera)
    const unknown = parseMailboxId('A'.repeat(22))
    for (let attempt = 0; attempt < 6; attempt++) expect(await tryClaim(paul, wrong, unknown)).toEqual(await tryClaim(paul, wrong))
  })

  it('[MB8] is claimed by Paul, who tried before Vera’s invitation was there, however often', async () => {
    const answers: unknown[] = []
    for (let attempt = 0; attempt < 5; attempt++) answers.push(await tryClaim(paul))
    expect(answers).toEqual([...[4, 3, 2, 1].map((triesLeft) => ({ state: 'wrong', triesLeft })), { state: 'void', triesLeft: 0 }])
    expect(await invite(vera)).toMatchObject({ state: 'open', triesLeft: 5 })
    expect((await tryClaim(paul)).state).toBe('claimed')
  })

  it('[MB4] goes to one org: the second is told that it is taken, the first may claim again (row 31)', async () => {
    const zoe = await RelayClient.connect(relay.url, await createDevice(await createOrg()))
    await invite(vera)
    const states = (await Promise.all([tryClaim(paul), tryClaim(zoe)])).map((answer) => answer.state)
    expect([...states].sort()).toEqual(['claimed', 'taken'])
    const first = states[0] === 'claimed' ? paul : zoe
    expect((await tryClaim(first)).state).toBe('claimed')
    const second = first === paul ? zoe : paul
    expect(await second.next('refused')).toMatchObject({ what: 'mailbox', code: 'CLAIMED' })
    await expect(second.read(1, feed('vendor'))).rejects.toThrow('FEED')
  })

  it('[MB5] ends after its time, and its messages are gone from the disk', async () => {
    await relay.stop()
    relay = await TestRelay.start({ sweepMs: 50 })
    vera = await RelayClient.connect(relay.url, veraDevice)
    paul = await RelayClient.connect(relay.url, paulDevice)
    await invite(vera, claim, Date.now() + 60_000)
    await vera.read(1, feed('vendor'))
    expect((await vera.publish(1, offerOf('hello', 'message'))).code).toBe('ACCEPTED')
    clock.offset = 61_000
    await expect.poll(() => relay.lines.some((line) => line.includes('mailboxes-cleared')), { timeout: 3_000 }).toBe(true)
    expect((await vera.publish(1, offerOf('again', 'message'))).code).toBe('FEED')
    await expect(vera.read(2, feed('vendor'))).rejects.toThrow('FEED')
    expect((await tryClaim(paul)).state).toBe('expired')
  })

  it('[MB6] is not opened where its org has as many as it may, and others are as they were', async () => {
    const inviteAs = (client: RelayClient, from: number, count: number): void => {
      const hashes = Array.from({ length: count }, (_, index) => hashOf(new Uint8Array([(from + index) >> 8, from + index])))
      const toInvitation = (claimHash: Uint8Array) => ({ type: 'invite' as const, mailbox: mailboxIdOf(claimHash), claimHash })
      client.send(...hashes.map((hash) => ({ ...toInvitation(hash), expires: Date.now() + 60_000 })))
    }
    expect(await invite(vera)).toMatchObject({ state: 'open' })
    // Many sessions at once: those of one wait for the disk one after the other.
    const sessions = await Promise.all(Array.from({ length: 27 }, () => RelayClient.connect(relay.url, veraDevice)))
    sessions.forEach((client, index) => inviteAs(client, index * 37, 37))
    const opened = (client: RelayClient) => client.heard.filter(({ type }) => type === 'mailbox')
    await Promise.all(sessions.map((client) => client.until(() => opened(client)[36], 'all its mailboxes')))
    inviteAs(vera, 999, 1)
    const { what, code, detail } = await vera.next('refused')
    expect([what, code]).toEqual(['mailbox', 'QUOTA'])
    expect(detail).toContain('1000 invitations')
    expect(sessions.flatMap(opened)).toHaveLength(999)
    expect(opened(vera)).toHaveLength(0)
    vera.heard.length = 0
    expect(await invite(vera)).toMatchObject({ state: 'open' })
    expect((await tryClaim(paul)).state).toBe('claimed')
    claim = new Uint8Array(randomBytes(32))
    mailbox = mailboxIdOf(hashOf(claim))
    expect(await invite(paul)).toMatchObject({ state: 'open' })
  })

  it('[MB7] holds at most sixteen keys in each feed', async () => {
    await invite(vera)
    await vera.read(1, feed('vendor'))
    for (let index = 0; index < 16; index++) expect((await vera.publish(1, offerOf(`k${index}`, 'message'))).code).toBe('ACCEPTED')
    expect((await vera.publish(1, offerOf('k16', 'message'))).code).toBe('SIZE')
    expect((await vera.publish(1, { ...offerOf('k3', 'message'), seen: 4 })).code).toBe('ACCEPTED')
  })
})

describe('mailboxes', () => {
  it('keep nothing for a caller who went while the store was asked', async () => {
    const { id: org } = await createOrg()
    const store: Partial<Store> = {
      addInvitation: async (row) => row,
    }
    const mailboxes = new Mailboxes(store as Store)
    const caller = { org, hasEnded: false, send: () => {} }
    const claimHash = new Uint8Array(32)
    const inviting = mailboxes.invite(
      caller,
      { type: 'invite', mailbox: mailboxIdOf(claimHash), claimHash, expires: Date.now() + 60_000 },
      Date.now(),
    )
    caller.hasEnded = true
    mailboxes.leave(caller)
    await inviting
    expect([...mailboxes.followed()]).toEqual([])
  })

  it('[MB3] count a wrong claim once, however often the store asks what to change', async () => {
    const { id: org } = await createOrg()
    const store: Partial<Store> = {
      changeInvitation: async (_, change) => change(undefined) ?? change(undefined),
    }
    const said: unknown[] = []
    const caller = { org, hasEnded: false, send: (message: unknown) => void said.push(message) }
    await new Mailboxes(store as Store).claim(
      caller,
      { type: 'claim', mailbox: parseMailboxId('A'.repeat(22)), claim: new Uint8Array(32) },
      0,
    )
    expect(said).toMatchObject([{ state: 'wrong', triesLeft: 4 }])
  })
})
